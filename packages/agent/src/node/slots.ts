import { CairnError, readExactly, sha256Hex } from '@cairn/bytes';
import { parseErofsSuperblock, parseVeritySuperblock } from '@cairn/disk';
import type { Files, OpenFile } from '@cairn/host';
import type { Release } from '@cairn/release';

/** The slots that take turns. The third, `cairn-recovery`, is not written by upgrades. */
export type SlotLabel = 'cairn-a' | 'cairn-b';
export const TURNING_SLOTS: readonly SlotLabel[] = ['cairn-a', 'cairn-b'];

/** Header and top hash block: without them the initrd takes a slot for none. */
export const TOP_SIZE = 8192;
const BLOCK = 4096;

/** A slot and what is in it, by its top hash block. */
export interface Slot {
  readonly label: string;
  readonly device: string;
  readonly size: number;
  /** Undefined where it is empty, invalid, or of a release that the ESP does not know. */
  readonly rootHash: string | undefined;
  /** Where a hash tree's header was found, known release or not. */
  readonly tops: readonly number[];
}

/** Looks which of the releases a slot holds. It reads some blocks, not all: the top hash block stands for the rest only when that is verified. */
export async function readSlot(
  files: Files,
  label: string,
  device: string,
  releases: readonly Release[],
): Promise<Slot> {
  await using file = await files.open(device, 'read');
  const offsets = new Set(releases.map(({ root }) => root.hashOffset));
  const guess = await guessedTop(file);
  if (guess !== undefined) offsets.add(guess);
  let rootHash: string | undefined;
  const tops: number[] = [];
  for (const offset of offsets) {
    if (offset + TOP_SIZE > file.size) continue;
    const top = await readExactly(file, offset, TOP_SIZE);
    if (!isVerity(top)) continue;
    tops.push(offset);
    const found = sha256Hex(top.subarray(BLOCK));
    if (releases.some(({ root }) => root.hashOffset === offset && root.rootHash === found)) rootHash = found;
  }
  return { label, device, size: file.size, rootHash, tops };
}

/** The tree follows the EROFS. */
async function guessedTop(file: OpenFile): Promise<number | undefined> {
  if (file.size < BLOCK) return undefined;
  try {
    const { blocks, blockSize } = parseErofsSuperblock(await readExactly(file, 0, BLOCK));
    return blocks * blockSize;
  } catch (error) {
    if (error instanceof CairnError) return undefined;
    throw error;
  }
}

function isVerity(bytes: Uint8Array): boolean {
  try {
    parseVeritySuperblock(bytes);
    return true;
  } catch (error) {
    if (error instanceof CairnError) return false;
    throw error;
  }
}
