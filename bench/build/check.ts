import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { type Host, runChecked } from '@cairn/host';
import { loadRelease } from '@cairn/release';
import { NATIVE } from './native.ts';
import { OURS } from './ours.ts';
import { insidePath, inTree } from './tools.ts';

const COMPARE = fileURLToPath(new URL('compare-main.ts', import.meta.url));

/**
 * Holds what our side made against tools that others wrote, and against what the native side made of the same tar.
 *
 * @returns sentences on what was found good
 * @throws HostError `failed` for what is not, with what differs
 */
export async function checkResults(
  host: Host,
  tree: string,
  work: string,
  signal: AbortSignal,
): Promise<string[]> {
  const { root } = await loadRelease(host.files, join(work, OURS));
  const ours = join(work, OURS, root.file);
  const native = join(work, NATIVE, 'root.erofs');
  const inside = insidePath(ours);
  const verify = ['veritysetup', 'verify', inside, inside, root.rootHash, `--hash-offset=${root.hashOffset}`];
  await runChecked(host.programs, inTree(tree, verify), { signal });
  await runChecked(host.programs, inTree(tree, ['fsck.erofs', inside]), { signal });
  const compare = [process.execPath, COMPARE, ours, native];
  const said = await runChecked(
    host.programs,
    ['unshare', '--mount', '--propagation', 'private', ...compare],
    { signal },
  );
  return [
    'root.erofs of Cairn passes `veritysetup verify` and `fsck.erofs`.',
    `Both roots, mounted, have the same files (${said.trim()}).`,
  ];
}
