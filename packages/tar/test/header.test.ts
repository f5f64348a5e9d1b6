import assert from 'node:assert/strict';
import { test } from 'node:test';
import { bytesOf } from '@cairn/bytes';
import { parseHeader, parseNumber } from '../src/header.ts';
import { FIELD, signedChecksumOf } from '../src/layout.ts';
import { gnuHeader, header, seal } from './support.ts';

const NUMBERS: readonly (readonly [field: string, value: number | undefined])[] = [
  ['0000644\0', 0o644],
  ['000644 \0', 0o644],
  ['   644 \0', 0o644],
  ['\0\x00000644', 0o644],
  ['77777777', 0o77777777],
  ['644\0junk', 0o644],
  ['\0\0\0\0\0\0\0\0', 0],
  ['        ', 0],
  ['0000648\0', undefined],
  ['0x1234\0\0', undefined],
  ['-0000001', undefined],
  ['\x80\0\0\0\0\0\0\x01', 1],
  ['\x80\0\0\0\xff\xff\xff\xff', 0xffffffff],
  ['\xff\xff\xff\xff\xff\xff\xff\xff', -1],
  ['\xff\xff\xff\xff\xff\xff\xff\0', -256],
  ['\x80\x1f\xff\xff\xff\xff\xff\xff', Number.MAX_SAFE_INTEGER],
  ['\x80\x20\0\0\0\0\0\0', undefined],
  ['\x80\xff\xff\xff\xff\xff\xff\xff', undefined],
  ['\xc0\0\0\0\0\0\0\0', undefined],
];

for (const [field, value] of NUMBERS) {
  test(`the number ${JSON.stringify(field)} is ${value}`, () => {
    assert.equal(parseNumber(bytesOf(field), 0, 8), value);
  });
}

const NAMES: readonly (readonly [what: string, block: Uint8Array, name: string])[] = [
  ['ustar joins prefix and name', header({ prefix: 'a/b', name: 'c' }), 'a/b/c'],
  ['a name that fills its field', header({ name: 'n'.repeat(100) }), 'n'.repeat(100)],
  ['a prefix that fills its field', header({ prefix: 'p'.repeat(155), name: 'c' }), `${'p'.repeat(155)}/c`],
  ['old GNU keeps times where the prefix is', gnuHeader({ name: 'c' }, { 345: '14012345670\x00' }), 'c'],
  ['v7 has no prefix', header({ prefix: 'p', name: 'c' }, { 257: '\0\0\0\0\0\0\0\0' }), 'c'],
  [
    'star has a shorter prefix, then times',
    header({ prefix: 'p', name: 'c' }, { 476: '14012345670 14012345670 ', 508: 'tar\0' }),
    'p/c',
  ],
];

for (const [what, block, name] of NAMES) {
  test(what, () => assert.equal(parseHeader(block, 0, undefined).name, name));
}

test('a checksum summed with signed bytes is right too', () => {
  const block = header({ name: 'caf\xe9' });
  const sum = signedChecksumOf(block);
  block.set(bytesOf(`${sum.toString(8).padStart(6, '0')}\0 `), FIELD.checksum.start);
  assert.equal(parseHeader(block, 0, undefined).name, 'caf\xe9');
});

test('the file type in the mode of old archives is left out', () => {
  assert.equal(parseHeader(header({}, { 100: '0104755\0' }), 0, undefined).mode, 0o4755);
});

test('device numbers count for devices only', () => {
  const rubbish = { 329: 'rubbish!', 337: 'rubbish!' };
  assert.equal(parseHeader(header({ type: '0' }, rubbish), 0, undefined).major, 0);
  assert.throws(() => parseHeader(header({ type: '3' }, rubbish), 0, undefined), /its major is not a number/);
});

test('each of the 4096 bits of a header is under its checksum', () => {
  const good = header({ name: 'caf\xe9', size: 5 });
  for (let bit = 0; bit < good.length * 8; bit++) {
    const block = good.slice();
    block[bit >> 3] = (block[bit >> 3] ?? 0) ^ (1 << (bit & 7));
    const isPadding = bit >> 3 === 154 || bit >> 3 === 155;
    if (isPadding) continue;
    assert.throws(() => parseHeader(block, 0, undefined), { code: 'bad-header' }, `bit ${bit}`);
  }
});

test('numbers that are none are refused by the name of their field', () => {
  for (const [field, start] of [
    ['mode', FIELD.mode.start],
    ['uid', FIELD.uid.start],
    ['gid', FIELD.gid.start],
    ['size', FIELD.size.start],
    ['mtime', FIELD.mtime.start],
  ] as const) {
    const block = seal(header({ name: 'n' }, { [start]: '9' }));
    assert.throws(() => parseHeader(block, 512, undefined), {
      code: 'bad-header',
      message: `"n" (header at byte 512): its ${field} is not a number`,
    });
  }
});
