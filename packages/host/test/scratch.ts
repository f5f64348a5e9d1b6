import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/** A folder of a test's own that is gone after it. */
export function scratch(): { readonly path: string } & Disposable {
  const path = mkdtempSync(join(tmpdir(), 'cairn-host-'));
  return { path, [Symbol.dispose]: () => rmSync(path, { recursive: true, force: true }) };
}

/** Runs a tool of the machine that must succeed. */
export function tool(...argv: readonly string[]): string {
  const [program = '', ...rest] = argv;
  const { status, stdout, stderr, error } = spawnSync(program, rest, { encoding: 'utf8' });
  if (status !== 0) throw new Error(`${argv.join(' ')}: ${error?.message ?? stderr}`);
  return stdout.trim();
}

/** A file system in memory of a size, mounted on a folder. */
export function smallDisk(size: string): { readonly path: string } & Disposable {
  const folder = scratch();
  tool('mount', '-t', 'tmpfs', '-o', `size=${size}`, 'cairn-test', folder.path);
  return {
    path: folder.path,
    [Symbol.dispose]() {
      tool('umount', folder.path);
      folder[Symbol.dispose]();
    },
  };
}

/** For tests that mount or make block devices. */
export const NEEDS_ROOT = process.getuid?.() === 0 ? false : 'needs root';
