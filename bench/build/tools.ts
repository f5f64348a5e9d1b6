import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { sha256Hex } from '@cairn/bytes';
import { makePackageTree } from '@cairn/framework';
import { type Host, runChecked } from '@cairn/host';
import { BENCH_CACHE, removeKept, say } from '../support/setup.ts';

const PACKAGES = ['erofs-utils', 'cryptsetup-bin', 'systemd-repart', 'dosfstools', 'mtools', 'libeatmydata1'];

/** The scripts of the native side. */
export const NATIVE_FOLDER = fileURLToPath(new URL('native/', import.meta.url));

/** Where `BENCH_CACHE` is, seen from within the tools' tree. */
const INSIDE = '/bench';

/** A tree with the tools of Debian 13: Debian 12's mkfs.erofs does not read tars. Needs root. */
export async function ensureTools(host: Host, signal: AbortSignal): Promise<string> {
  const tree = join(BENCH_CACHE, `tools-${sha256Hex(PACKAGES.join(' ')).slice(0, 12)}`);
  if ((await host.files.stat(tree)) !== undefined) return tree;
  say('making a tree with the tools of Debian 13');
  await removeKept(host, 'tools-');
  const tar = `${tree}.tar`;
  const fresh = `${tree}.new`;
  await host.files.makeDirectory(BENCH_CACHE);
  await host.files.remove(fresh);
  try {
    await makePackageTree(host, tar, { packages: PACKAGES, variant: 'minbase', signal });
    await host.files.makeDirectory(fresh);
    const unpack = ['tar', '--extract', '--numeric-owner', '--preserve-permissions', '--exclude=./dev/*'];
    await runChecked(host.programs, [...unpack, `--file=${tar}`, `--directory=${fresh}`], { signal });
    await host.files.rename(fresh, tree);
  } finally {
    await host.files.remove(tar);
    await host.files.remove(fresh);
  }
  return tree;
}

/** A path below `BENCH_CACHE` as it is called within the tree. */
export function insidePath(path: string): string {
  return path.replace(BENCH_CACHE, INSIDE);
}

/**
 * The command line that runs another one within the tools' tree. The mounts that it takes are in a namespace of their own,
 * which ends with it.
 *
 * @param before what is put before the change of root, so that it is neither part of the mounting nor of the tree
 */
export function inTree(tree: string, argv: readonly string[], before: readonly string[] = []): string[] {
  const enter = ['unshare', '--mount', '--propagation', 'private', 'sh', join(NATIVE_FOLDER, 'enter.sh')];
  return [...enter, tree, BENCH_CACHE, ...before, 'chroot', tree, ...argv];
}
