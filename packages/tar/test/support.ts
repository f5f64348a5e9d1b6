import { closeSync, fstatSync, openSync, readSync } from 'node:fs';
import {
  type ByteSource,
  type ByteString,
  bytesOf,
  type Content,
  concatBytes,
  memorySource,
  memoryTarget,
  readAll,
} from '@cairn/bytes';
import { encodeHeader, type UstarFields } from '../src/encode.ts';
import { type NewTarEntry, readTar, type TarEntry, type TarLimits, TarWriter } from '../src/index.ts';
import { BLOCK, checksumOf, FIELD } from '../src/layout.ts';

/** A file that answers at once, and how much of it was read. */
export function openSource(path: string): ByteSource & { readonly bytesRead: number } & Disposable {
  const file = openSync(path, 'r');
  let bytesRead = 0;
  return {
    size: fstatSync(file).size,
    read(position, target) {
      const count = readSync(file, target, 0, target.length, position);
      bytesRead += count;
      return count;
    },
    get bytesRead() {
      return bytesRead;
    },
    [Symbol.dispose]: () => closeSync(file),
  };
}

export function entriesOf(
  archive: ByteSource | Uint8Array,
  limits: Partial<TarLimits> = {},
): Promise<TarEntry[]> {
  return Array.fromAsync(
    readTar(archive instanceof Uint8Array ? memorySource(archive) : archive, { limits }),
  );
}

export async function archiveOf(...entries: readonly NewTarEntry[]): Promise<Uint8Array> {
  const target = memoryTarget();
  const writer = new TarWriter(target);
  for (const entry of entries) await writer.add(entry);
  await writer.finish();
  return target.bytes();
}

const HEADER: UstarFields = {
  prefix: '',
  name: 'name',
  type: '0',
  mode: 0o644,
  uid: 0,
  gid: 0,
  size: 0,
  mtime: 0,
  linkName: '',
  major: 0,
  minor: 0,
};

export const END = new Uint8Array(2 * BLOCK);

/** A header block by hand. `patches` are bytes put over it before its checksum is made, by their offset. */
export function header(
  fields: Partial<UstarFields>,
  patches: Readonly<Record<number, string>> = {},
): Uint8Array {
  const block = encodeHeader({ ...HEADER, ...fields });
  for (const [offset, text] of Object.entries(patches)) block.set(bytesOf(text), Number(offset));
  return seal(block);
}

/** A header of GNU tar's old format. */
export function gnuHeader(
  fields: Partial<UstarFields>,
  patches: Readonly<Record<number, string>> = {},
): Uint8Array {
  return header(fields, { [FIELD.magic.start]: 'ustar  \0', ...patches });
}

/** Makes the checksum of a changed header right again. */
export function seal(block: Uint8Array): Uint8Array {
  const sum = checksumOf(block).toString(8).padStart(6, '0');
  block.set(bytesOf(`${sum}\0 `), FIELD.checksum.start);
  return block;
}

/** Content with its padding. */
export function padded(content: ByteString): Uint8Array {
  const bytes = new Uint8Array(Math.ceil(content.length / BLOCK) * BLOCK);
  bytes.set(bytesOf(content));
  return bytes;
}

/** One pax record, its length worked out by trying. */
export function record(key: ByteString, value: ByteString): ByteString {
  for (let length = 1; ; length++) {
    const text = `${length} ${key}=${value}\n`;
    if (text.length === length) return text;
  }
}

export function paxHeader(body: ByteString, type: 'x' | 'g' | 'X' = 'x'): Uint8Array {
  return concatBytes([header({ name: 'PaxHeaders/name', type, size: body.length }), padded(body)]);
}

/** All that can be compared of an entry: the content in hexadecimal, xattrs by name. */
export async function describe(entry: NewTarEntry | TarEntry): Promise<Record<string, unknown>> {
  const content: Content = entry.content ?? memorySource(new Uint8Array(0));
  return {
    path: entry.path,
    kind: entry.kind,
    mode: entry.mode,
    uid: entry.uid ?? 0,
    gid: entry.gid ?? 0,
    mtime: entry.mtime,
    xattrs: Object.fromEntries(
      [...(entry.xattrs ?? [])].map(([name, value]) => [`xattr ${name}`, Buffer.from(value).toString('hex')]),
    ),
    linkTarget: entry.linkTarget ?? '',
    major: entry.major ?? 0,
    minor: entry.minor ?? 0,
    content: Buffer.from(await readAll(content, 1 << 24)).toString('hex'),
  };
}

/** A generator of pseudo-random numbers in `[0, bound)`: the same seed gives the same numbers (xorshift32). */
export function randomFrom(seed: number): (bound: number) => number {
  let state = seed | 1;
  return (bound) => {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    return (state >>> 0) % bound;
  };
}
