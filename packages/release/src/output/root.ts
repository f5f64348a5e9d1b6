import { setImmediate as nextTurn } from 'node:timers/promises';
import type { ByteTarget } from '@cairn/bytes';
import { deriveUuid, type ErofsLayout, planErofs, VerityWriter, veritySize, writeErofs } from '@cairn/disk';
import type { Directory } from '@cairn/tree';
import type { OnProgress } from '../progress.ts';
import type { Release } from '../release/schema.ts';

/** A root that is laid out: its sizes are known, its bytes are not. */
export interface PlannedRoot {
  readonly erofs: ErofsLayout;
  readonly uuid: string;
  /** Of EROFS, verity header and tree, in bytes. */
  readonly size: number;
}

export interface WriteRootOptions {
  readonly signal?: AbortSignal | undefined;
  readonly onProgress?: OnProgress | undefined;
}

/** How much is written between two turns of the event loop. */
const TURN = 16 << 20;

export function planRoot(root: Directory, uuid: string): PlannedRoot {
  const erofs = planErofs(root, { uuid: uuidBytes(uuid) });
  return { erofs, uuid, size: erofs.size + veritySize(erofs.size) };
}

/** The verity writer for a root: `release.root.uuid` settles the id in its header. */
export function rootVerity(target: ByteTarget, dataSize: number, rootUuid: string): VerityWriter {
  return new VerityWriter(target, dataSize, { uuid: uuidBytes(deriveUuid(rootUuid, 'verity')) });
}

/** Writes EROFS, verity header and tree in one pass. The hash tree's blocks come in between, each to its place. */
export async function writeRoot(
  { erofs, uuid }: PlannedRoot,
  target: ByteTarget,
  options: WriteRootOptions = {},
): Promise<Omit<Release['root'], 'file'>> {
  const { signal, onProgress } = options;
  const verity = rootVerity(target, erofs.size, uuid);
  await writeErofs(erofs, takingTurns(verity), {
    ...(signal === undefined ? {} : { signal }),
    onProgress: (done, total) => onProgress?.({ phase: 'root', done, total }),
  });
  const { rootHash, hashOffset, totalSize } = await verity.finish();
  return { size: totalSize, dataSize: erofs.size, rootHash, hashOffset, uuid };
}

/**
 * Reads and writes answer at once, so that an image would be written within one turn of the event loop: until it
 * is done no signal would arrive, no progress be drawn, and no other thread be given its next piece.
 */
export function takingTurns(target: ByteTarget): ByteTarget {
  let written = 0;
  return {
    async write(position, chunk) {
      await target.write(position, chunk);
      written += chunk.length;
      if (written < TURN) return;
      written = 0;
      await nextTurn();
    },
  };
}

/** The 16 bytes of a UUID as it is written (RFC 9562), which is how EROFS and dm-verity have it. */
function uuidBytes(uuid: string): Uint8Array {
  return Uint8Array.fromHex(uuid.replaceAll('-', ''));
}
