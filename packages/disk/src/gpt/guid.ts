import { sha256, toHex, viewOf } from '@cairn/bytes';
import { DiskError } from '../error.ts';

const UUID_PATTERN = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/;

/**
 * A UUID that is always the same for the same seed and name: version 8 of RFC 9562 (section 5.8), its 122 free
 * bits taken from the front of SHA-256 over the seed, a zero byte, and the name, all as UTF-8.
 */
export function deriveUuid(seed: string, name: string): string {
  const bytes = sha256(new TextEncoder().encode(`${seed}\0${name}`)).subarray(0, 16);
  const view = viewOf(bytes);
  view.setUint8(6, (view.getUint8(6) & 0x0f) | 0x80);
  view.setUint8(8, (view.getUint8(8) & 0x3f) | 0x80);
  return hyphenate(toHex(bytes));
}

/** The 16 bytes of a GUID on disk: the first three fields little-endian, the last two as written (UEFI 2.10, appendix A). */
export function encodeGuid(uuid: string): Uint8Array {
  const text = uuid.toLowerCase();
  if (!UUID_PATTERN.test(text)) {
    throw new DiskError('gpt-invalid-request', `"${uuid}" is not a UUID`, {
      hint: 'A UUID is written as 8-4-4-4-12 hexadecimal digits.',
    });
  }
  return swapFields(Uint8Array.fromHex(text.replaceAll('-', '')));
}

/** The text of a GUID on disk, in lower case. `bytes` are 16. */
export function decodeGuid(bytes: Uint8Array): string {
  return hyphenate(toHex(swapFields(bytes)));
}

function swapFields(bytes: Uint8Array): Uint8Array {
  const swapped = bytes.slice();
  swapped.subarray(0, 4).reverse();
  swapped.subarray(4, 6).reverse();
  swapped.subarray(6, 8).reverse();
  return swapped;
}

function hyphenate(hex: string): string {
  return [hex.slice(0, 8), hex.slice(8, 12), hex.slice(12, 16), hex.slice(16, 20), hex.slice(20, 32)].join(
    '-',
  );
}
