/** SHA-1, SHA-2 (FIPS 180-4) and Adler-32 (RFC 1950), in plain code: this package runs where there is no node:crypto. */

export function hexOf(bytes: Uint8Array): string {
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, '0')).join('');
}

export function adler32(bytes: Uint8Array): number {
  let a = 1;
  let b = 0;
  for (const byte of bytes) {
    a = (a + byte) % 65521;
    b = (b + a) % 65521;
  }
  return b * 65536 + a;
}

/** The message with its padding; the length takes `lengthBytes` at the end of the last block. */
function padded(bytes: Uint8Array, block: number, lengthBytes: number): DataView {
  const size = Math.ceil((bytes.length + 1 + lengthBytes) / block) * block;
  const message = new Uint8Array(size);
  message.set(bytes);
  message[bytes.length] = 0x80;
  const view = new DataView(message.buffer);
  view.setBigUint64(size - 8, BigInt(bytes.length) * 8n);
  return view;
}

function rotate(value: number, count: number): number {
  return (value << count) | (value >>> (32 - count));
}

export function sha1(bytes: Uint8Array): Uint8Array {
  const view = padded(bytes, 64, 8);
  const state = Int32Array.of(0x67452301, 0xefcdab89, 0x98badcfe, 0x10325476, 0xc3d2e1f0);
  const words = new Int32Array(80);
  for (let start = 0; start < view.byteLength; start += 64) {
    for (let index = 0; index < 80; index++) {
      words[index] =
        index < 16
          ? view.getInt32(start + index * 4)
          : rotate(
              at(words, index - 3) ^ at(words, index - 8) ^ at(words, index - 14) ^ at(words, index - 16),
              1,
            );
    }
    let [a = 0, b = 0, c = 0, d = 0, e = 0] = state;
    for (let index = 0; index < 80; index++) {
      const [mixed, constant] = sha1Round(index, b, c, d);
      const next = (rotate(a, 5) + mixed + e + constant + at(words, index)) | 0;
      [a, b, c, d, e] = [next, a, rotate(b, 30), c, d];
    }
    add(state, [a, b, c, d, e]);
  }
  return bytesOf32(state);
}

function sha1Round(index: number, b: number, c: number, d: number): readonly [number, number] {
  if (index < 20) return [(b & c) | (~b & d), 0x5a827999];
  if (index < 40) return [b ^ c ^ d, 0x6ed9eba1];
  if (index < 60) return [(b & c) | (b & d) | (c & d), 0x8f1bbcdc];
  return [b ^ c ^ d, 0xca62c1d6];
}

function at(words: Int32Array, index: number): number {
  return words[index] ?? 0;
}

function add(state: Int32Array, values: readonly number[]): void {
  for (const [index, value] of values.entries()) state[index] = at(state, index) + value;
}

function bytesOf32(state: Int32Array): Uint8Array {
  const bytes = new Uint8Array(state.length * 4);
  const view = new DataView(bytes.buffer);
  for (const [index, word] of state.entries()) view.setInt32(index * 4, word);
  return bytes;
}

const PRIMES: readonly bigint[] = primes(80);

function primes(count: number): bigint[] {
  const found: bigint[] = [];
  for (let candidate = 2n; found.length < count; candidate++) {
    if (found.every((prime) => candidate % prime !== 0n)) found.push(candidate);
  }
  return found;
}

/** The first 64 bits behind the point of a root: the constants of SHA-2 are defined so. */
function fractionOfRoot(prime: bigint, degree: 2n | 3n): bigint {
  const scaled = prime << (64n * degree);
  let low = 0n;
  let high = prime << 64n;
  while (low < high) {
    const middle = (low + high + 1n) / 2n;
    if (middle ** degree <= scaled) low = middle;
    else high = middle - 1n;
  }
  return BigInt.asUintN(64, low);
}

const ROUNDS512 = PRIMES.map((prime) => fractionOfRoot(prime, 3n));
const START512 = PRIMES.slice(0, 8).map((prime) => fractionOfRoot(prime, 2n));
const ROUNDS256 = ROUNDS512.slice(0, 64).map((constant) => Number(constant >> 32n));
const START256 = START512.map((constant) => Number(constant >> 32n));

export function sha256(bytes: Uint8Array): Uint8Array {
  const view = padded(bytes, 64, 8);
  const state = Int32Array.from(START256);
  const words = new Int32Array(64);
  for (let start = 0; start < view.byteLength; start += 64) {
    for (let index = 0; index < 64; index++) {
      if (index < 16) {
        words[index] = view.getInt32(start + index * 4);
        continue;
      }
      const early = at(words, index - 15);
      const late = at(words, index - 2);
      const s0 = rotate(early, 25) ^ rotate(early, 14) ^ (early >>> 3);
      const s1 = rotate(late, 15) ^ rotate(late, 13) ^ (late >>> 10);
      words[index] = at(words, index - 16) + s0 + at(words, index - 7) + s1;
    }
    let [a = 0, b = 0, c = 0, d = 0, e = 0, f = 0, g = 0, h = 0] = state;
    for (let index = 0; index < 64; index++) {
      const s1 = rotate(e, 26) ^ rotate(e, 21) ^ rotate(e, 7);
      const first = (h + s1 + ((e & f) ^ (~e & g)) + (ROUNDS256[index] ?? 0) + at(words, index)) | 0;
      const s0 = rotate(a, 30) ^ rotate(a, 19) ^ rotate(a, 10);
      const second = (s0 + ((a & b) ^ (a & c) ^ (b & c))) | 0;
      [a, b, c, d, e, f, g, h] = [(first + second) | 0, a, b, c, (d + first) | 0, e, f, g];
    }
    add(state, [a, b, c, d, e, f, g, h]);
  }
  return bytesOf32(state);
}

function rotate64(value: bigint, count: bigint): bigint {
  return BigInt.asUintN(64, (value >> count) | (value << (64n - count)));
}

export function sha512(bytes: Uint8Array): Uint8Array {
  const view = padded(bytes, 128, 16);
  const state = [...START512];
  for (let start = 0; start < view.byteLength; start += 128) {
    const words: bigint[] = [];
    const word = (index: number) => words[index] ?? 0n;
    for (let index = 0; index < 80; index++) {
      if (index < 16) {
        words.push(view.getBigUint64(start + index * 8));
        continue;
      }
      const early = word(index - 15);
      const late = word(index - 2);
      const s0 = rotate64(early, 1n) ^ rotate64(early, 8n) ^ (early >> 7n);
      const s1 = rotate64(late, 19n) ^ rotate64(late, 61n) ^ (late >> 6n);
      words.push(BigInt.asUintN(64, word(index - 16) + s0 + word(index - 7) + s1));
    }
    let [a = 0n, b = 0n, c = 0n, d = 0n, e = 0n, f = 0n, g = 0n, h = 0n] = state;
    for (let index = 0; index < 80; index++) {
      const s1 = rotate64(e, 14n) ^ rotate64(e, 18n) ^ rotate64(e, 41n);
      const choice = (e & f) ^ (BigInt.asUintN(64, ~e) & g);
      const first = BigInt.asUintN(64, h + s1 + choice + (ROUNDS512[index] ?? 0n) + word(index));
      const s0 = rotate64(a, 28n) ^ rotate64(a, 34n) ^ rotate64(a, 39n);
      const second = s0 + ((a & b) ^ (a & c) ^ (b & c));
      [a, b, c, d, e, f, g, h] = [
        BigInt.asUintN(64, first + second),
        a,
        b,
        c,
        BigInt.asUintN(64, d + first),
        e,
        f,
        g,
      ];
    }
    for (const [index, value] of [a, b, c, d, e, f, g, h].entries()) {
      state[index] = BigInt.asUintN(64, (state[index] ?? 0n) + value);
    }
  }
  const out = new Uint8Array(64);
  const target = new DataView(out.buffer);
  for (const [index, value] of state.entries()) target.setBigUint64(index * 8, value);
  return out;
}
