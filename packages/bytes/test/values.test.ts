import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { suite, test } from 'node:test';
import fc from 'fast-check';
import {
  byteString,
  bytesOf,
  chunksOf,
  compareBytes,
  concatBytes,
  crc32,
  crc32cRaw,
  equalBytes,
  formatBytes,
  fromText,
  memorySource,
  sha256,
  sha256Hex,
  sha256OfStream,
  toText,
  viewOf,
} from '../src/index.ts';
import { bytesFrom } from './sources.ts';

const CHECK = bytesOf('123456789');

suite('checksums', () => {
  test('CRC-32 of the usual check input', () => {
    assert.equal(crc32(CHECK), 0xcbf43926);
  });

  // RFC 3720, appendix B.4; the values there are after the final inversion.
  const vectors = [
    { name: '32 zeros', bytes: new Uint8Array(32), crc: 0x8a9136aa },
    { name: '32 bytes of ones', bytes: new Uint8Array(32).fill(0xff), crc: 0x62a8ab43 },
    { name: '0 to 31', bytes: bytesFrom(0, 32), crc: 0x46dd794e },
    { name: '31 to 0', bytes: bytesFrom(0, 32).reverse(), crc: 0x113fdb5c },
    { name: '123456789', bytes: CHECK, crc: 0xe3069283 },
  ];
  for (const { name, bytes, crc } of vectors) {
    test(`CRC-32C of ${name}`, () => {
      assert.equal(~crc32cRaw(bytes) >>> 0, crc);
    });
  }

  test('CRC-32C goes on from where it was', () => {
    fc.assert(
      fc.property(fc.uint8Array(), fc.uint8Array(), (a, b) => {
        assert.equal(crc32cRaw(b, crc32cRaw(a)), crc32cRaw(concatBytes([a, b])));
      }),
    );
  });

  // FIPS 180-4's examples.
  const digests = [
    { text: '', hex: 'e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855' },
    { text: 'abc', hex: 'ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad' },
  ];
  for (const { text, hex } of digests) {
    test(`SHA-256 of "${text}"`, async () => {
      assert.equal(sha256Hex(text), hex);
      assert.equal(Buffer.from(sha256(bytesOf(text))).toString('hex'), hex);
      assert.equal(await sha256OfStream(chunksOf(memorySource(bytesOf(text)))), hex);
    });
  }

  test('SHA-256 of a stream of many chunks', async () => {
    const bytes = new Uint8Array(3_000_000).map((_, index) => index % 251);
    const expected = createHash('sha256').update(bytes).digest('hex');
    assert.equal(await sha256OfStream(chunksOf(memorySource(bytes))), expected);
  });
});

suite('sizes as people read them', () => {
  const sizes: readonly (readonly [number, string])[] = [
    [0, '0 B'],
    [1023, '1023 B'],
    [1024, '1.0 KiB'],
    [1536, '1.5 KiB'],
    [100 * 1024, '100 KiB'],
    [99.96 * 1024, '100 KiB'],
    [1024 ** 2 - 1, '1.0 MiB'],
    [1023 * 1024, '1023 KiB'],
    [434 * 1024 ** 2, '434 MiB'],
    [1.5 * 1024 ** 3, '1.5 GiB'],
    [2 * 1024 ** 4, '2.0 TiB'],
    [5000 * 1024 ** 4, '5000 TiB'],
  ];
  for (const [bytes, text] of sizes) test(`${bytes}: ${text}`, () => assert.equal(formatBytes(bytes), text));
});

suite('names as bytes', () => {
  test('every byte comes out as it went in', () => {
    const all = bytesFrom(0, 256);
    assert.deepEqual(Uint8Array.from(bytesOf(byteString(all))), all);
    assert.equal(byteString(all).length, 256);
  });

  test('a part of a larger buffer is read from where it begins', () => {
    assert.equal(byteString(bytesOf('abcdef').subarray(2, 4)), 'cd');
    assert.equal(viewOf(bytesFrom(1, 8).subarray(2)).getUint16(0, true), 0x0403);
  });

  test('text and its bytes', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'grapheme' }), (text) => {
        assert.equal(toText(fromText(text)), text);
        assert.deepEqual(Uint8Array.from(bytesOf(fromText(text))), new TextEncoder().encode(text));
      }),
    );
    assert.equal(toText('caf\xe9'), 'caf\ufffd');
  });

  test('their order is that of the bytes', () => {
    const name = fc.oneof(
      fc.uint8Array({ maxLength: 6 }),
      fc.string({ unit: 'grapheme' }).map((text) => bytesOf(fromText(text))),
    );
    fc.assert(
      fc.property(name, name, (a, b) => {
        assert.equal(compareBytes(byteString(a), byteString(b)), Buffer.compare(a, b));
        assert.equal(equalBytes(a, b), Buffer.compare(a, b) === 0);
      }),
    );
  });
});
