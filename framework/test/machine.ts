import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/** A folder of a test's own that is gone after it. */
export function scratch(): { readonly path: string } & Disposable {
  const path = mkdtempSync(join(tmpdir(), 'cairn-framework-'));
  return { path, [Symbol.dispose]: () => rmSync(path, { recursive: true, force: true }) };
}

export interface Outcome {
  readonly exitCode: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** Runs a program of the machine, whatever becomes of it. */
export function outcomeOf(argv: readonly string[], options: { input?: string | Uint8Array } = {}): Outcome {
  const [program = '', ...rest] = argv;
  const { status, stdout, stderr, error } = spawnSync(program, rest, { encoding: 'utf8', ...options });
  if (error !== undefined) throw error;
  return { exitCode: status, stdout, stderr };
}

/** Runs a program that must succeed, and gives what it printed. */
export function tool(argv: readonly string[], options: { input?: string | Uint8Array } = {}): string {
  const { exitCode, stdout, stderr } = outcomeOf(argv, options);
  if (exitCode !== 0) throw new Error(`${argv.join(' ')}: exit code ${exitCode}: ${stderr}`);
  return stdout;
}

/** For tests that make mount namespaces. */
export const NEEDS_ROOT = process.getuid?.() === 0 ? false : 'needs root';
