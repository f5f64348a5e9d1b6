import * as os from 'quickjs:os';
import * as std from 'quickjs:std';

/**
 * Of Node's own modules as much as a boot uses: the bundle for QuickJS has this in place of them. Imports nothing of
 * the project, all of which may import these modules.
 */

const CRC32_POLYNOMIAL = 0xedb88320;

const crc32Table = Uint32Array.from({ length: 256 }, (_, byte) => {
  let value = byte;
  for (let bit = 0; bit < 8; bit++) value = value & 1 ? (value >>> 1) ^ CRC32_POLYNOMIAL : value >>> 1;
  return value >>> 0;
});

/** node:zlib; CRC-32 of ISO 3309, as GPT has it. */
export function crc32(bytes: Uint8Array): number {
  let value = 0xffffffff;
  for (const byte of bytes) value = (value >>> 8) ^ (crc32Table[(value ^ byte) & 0xff] as number);
  return ~value >>> 0;
}

/** node:crypto; by sha256sum(1), which is quicker than JavaScript that is interpreted. */
export function hash(algorithm: string, content: Uint8Array | string, encoding: 'hex' | 'buffer') {
  const bytes = typeof content === 'string' ? new TextEncoder().encode(content) : content;
  const [input, output] = [std.tmpfile(), std.tmpfile()];
  const [stdin, stdout] = [input.fileno(), output.fileno()];
  try {
    const written = os.write(stdin, bytes.buffer, bytes.byteOffset, bytes.length);
    os.seek(stdin, 0, std.SEEK_SET);
    const exitCode = os.exec([`${algorithm}sum`], { env: std.getenviron(), stdin, stdout, stderr: 2 });
    const hex = new Uint8Array(64);
    os.seek(stdout, 0, std.SEEK_SET);
    if (written !== bytes.length || exitCode !== 0 || os.read(stdout, hex.buffer, 0, 64) !== 64) {
      throw new Error(`${algorithm}sum failed`);
    }
    const text = new TextDecoder().decode(hex);
    return encoding === 'hex'
      ? text
      : Uint8Array.from(text.match(/../g) ?? [], (pair) => Number.parseInt(pair, 16));
  } finally {
    input.close();
    output.close();
  }
}

/** node:path, for absolute paths without a slash at their end. */
export function basename(path: string): string {
  return path.slice(path.lastIndexOf('/') + 1);
}

export function dirname(path: string): string {
  return path.slice(0, path.lastIndexOf('/')) || '/';
}

export const posix = { basename, dirname, join: joinPaths };

function joinPaths(...parts: readonly string[]): string {
  const names: string[] = [];
  for (const name of parts.join('/').split('/')) {
    if (name === '..') names.pop();
    else if (name !== '' && name !== '.') names.push(name);
  }
  return `/${names.join('/')}`;
}
