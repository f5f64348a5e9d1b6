export { crc32 } from 'node:zlib';

const CRC32C_POLYNOMIAL = 0x82f63b78;

const crc32cTable = Uint32Array.from({ length: 256 }, (_, byte) => {
  let value = byte;
  for (let bit = 0; bit < 8; bit++) value = value & 1 ? (value >>> 1) ^ CRC32C_POLYNOMIAL : value >>> 1;
  return value >>> 0;
});

/** CRC-32C (Castagnoli, RFC 3720 appendix B.4) without the final inversion: what EROFS and ext4 store starts from `seed` and stays as it is. */
export function crc32cRaw(bytes: Uint8Array, seed = 0xffffffff): number {
  let value = seed;
  for (const byte of bytes) value = (value >>> 8) ^ (crc32cTable[(value ^ byte) & 0xff] as number);
  return value >>> 0;
}
