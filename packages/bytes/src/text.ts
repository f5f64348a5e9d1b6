/**
 * Text whose every character stands for one byte (U+0000 to U+00FF).
 *
 * Names in file systems and archives are bytes, not text: some are not UTF-8 and must come out as they went
 * in. Held this way they fit into maps, compare by `<` as the bytes do (the order that EROFS wants), and no
 * byte is lost. `toText` is only for people to read.
 */
export type ByteString = string;

export function byteString(bytes: Uint8Array): ByteString {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).toString('latin1');
}

export function bytesOf(text: ByteString): Uint8Array {
  return Buffer.from(text, 'latin1');
}

/** The byte string of a text as UTF-8. */
export function fromText(text: string): ByteString {
  return Buffer.from(text, 'utf8').toString('latin1');
}

/** What a person reads: UTF-8 where it is, and the replacement character where it is not. */
export function toText(text: ByteString): string {
  return Buffer.from(text, 'latin1').toString('utf8');
}

export function compareBytes(a: ByteString, b: ByteString): number {
  return a < b ? -1 : a > b ? 1 : 0;
}
