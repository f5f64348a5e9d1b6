import { type ByteSource, readInto } from '@cairn/bytes';
import { SECTOR, type SectorStore } from './store.ts';

const CHUNK = 1 << 20;

/** A file whose bytes are known: a UKI or a boot loader. Its content is compared by the numbers of its sectors. */
export interface KnownFile {
  readonly size: number;
  /** Of its whole sectors. */
  readonly sectors: Uint32Array;
  /** What is left behind them. */
  readonly rest: Uint8Array;
}

export async function knownFile(
  content: ByteSource,
  store: SectorStore,
  signal?: AbortSignal,
): Promise<KnownFile> {
  const whole = Math.floor(content.size / SECTOR);
  const sectors = new Uint32Array(whole);
  for (let at = 0; at < whole; at += CHUNK / SECTOR) {
    const bytes = new Uint8Array(Math.min(CHUNK, (whole - at) * SECTOR));
    await readInto(content, at * SECTOR, bytes, signal);
    store.intern(bytes, sectors, at);
  }
  const rest = new Uint8Array(content.size - whole * SECTOR);
  await readInto(content, whole * SECTOR, rest, signal);
  return { size: content.size, sectors, rest };
}
