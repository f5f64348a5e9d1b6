import { alignUp, type ByteString, bytesOf, concatBytes } from '@cairn/bytes';
import type { TarEntryKind } from './entry.ts';
import { BLOCK, checksumOf, FIELD, USTAR_MAGIC, USTAR_VERSION } from './layout.ts';

/** What goes into one ustar header; all of it is known to fit. */
export interface UstarFields {
  readonly prefix: ByteString;
  readonly name: ByteString;
  readonly type: string;
  readonly mode: number;
  readonly uid: number;
  readonly gid: number;
  readonly size: number;
  readonly mtime: number;
  readonly linkName: ByteString;
  readonly major: number;
  readonly minor: number;
}

export const TYPE_OF: Readonly<Record<TarEntryKind, string>> = {
  file: '0',
  hardlink: '1',
  symlink: '2',
  'character-device': '3',
  'block-device': '4',
  directory: '5',
  fifo: '6',
};

/** The largest numbers that octal digits and a NUL at the end leave room for. */
export const OCTAL_MAX = { id: 0o7777777, size: 0o77777777777 } as const;

/** One header block (POSIX.1-2017, pax, "ustar Interchange Format"), without user and group names. */
export function encodeHeader(fields: UstarFields): Uint8Array {
  const block = Buffer.alloc(BLOCK);
  block.write(fields.name, FIELD.name.start, 'latin1');
  putOctal(block, FIELD.mode, fields.mode);
  putOctal(block, FIELD.uid, fields.uid);
  putOctal(block, FIELD.gid, fields.gid);
  putOctal(block, FIELD.size, fields.size);
  putOctal(block, FIELD.mtime, fields.mtime);
  block.write(fields.type, FIELD.type.start, 'latin1');
  block.write(fields.linkName, FIELD.linkName.start, 'latin1');
  block.write(USTAR_MAGIC + USTAR_VERSION, FIELD.magic.start, 'latin1');
  putOctal(block, FIELD.major, fields.major);
  putOctal(block, FIELD.minor, fields.minor);
  block.write(fields.prefix, FIELD.prefix.start, 'latin1');
  // Six digits, NUL, space: the way all have written it since v7.
  block.write(`${checksumOf(block).toString(8).padStart(6, '0')}\0 `, FIELD.checksum.start, 'latin1');
  return block;
}

function putOctal(
  block: Buffer,
  field: { readonly start: number; readonly length: number },
  value: number,
): void {
  block.write(value.toString(8).padStart(field.length - 1, '0'), field.start, 'latin1');
}

/** Splits a path at a slash so that it fits into prefix and name; undefined where it does not. */
export function splitName(path: ByteString): { prefix: ByteString; name: ByteString } | undefined {
  if (path.length <= FIELD.name.length) return { prefix: '', name: path };
  // Neither part may be empty: hence not the slash at the end of a directory's path, nor the first one.
  const slash = path.lastIndexOf('/', Math.min(FIELD.prefix.length, path.length - 2));
  if (slash <= 0 || path.length - slash - 1 > FIELD.name.length) return undefined;
  return { prefix: path.slice(0, slash), name: path.slice(slash + 1) };
}

/** The body of an extended header, its records in byte order of their keys, padded to whole blocks, and its length without padding. */
export function encodePax(records: ReadonlyMap<ByteString, Uint8Array>): {
  readonly padded: Uint8Array;
  readonly size: number;
} {
  const parts: Uint8Array[] = [];
  let size = 0;
  for (const [key, value] of [...records].sort(([a], [b]) => (a < b ? -1 : 1))) {
    // Space, equals sign and newline; the length counts its own digits.
    const rest = key.length + value.length + 3;
    let length = rest + String(rest).length;
    if (String(length).length > String(rest).length) length++;
    parts.push(bytesOf(`${length} ${key}=`), value, bytesOf('\n'));
    size += length;
  }
  parts.push(new Uint8Array(alignUp(size, BLOCK) - size));
  return { padded: concatBytes(parts), size };
}
