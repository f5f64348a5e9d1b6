import assert from 'node:assert/strict';
import { test } from 'node:test';
import { bytesOf } from '@cairn/bytes';
import { parsePax, parseTime } from '../src/pax.ts';
import { formatTime } from '../src/plan.ts';
import { record } from './support.ts';

const PLACE = { name: 'PaxHeaders/x', offset: 0 };

function parse(body: string): ReturnType<typeof parsePax> {
  return parsePax(bytesOf(body), PLACE);
}

const TIMES: readonly (readonly [text: string, time: [number, number] | undefined])[] = [
  ['0', [0, 0]],
  ['1350244992.023960108', [1350244992, 23960108]],
  ['1350244992.02396010', [1350244992, 23960100]],
  ['1350244992.0239601089', [1350244992, 23960108]],
  ['5.', [5, 0]],
  ['-0', [0, 0]],
  ['-1', [-1, 0]],
  ['-0.5', [-1, 500000000]],
  ['-1.000000001', [-2, 999999999]],
  ['-315619199.876543211', [-315619200, 123456789]],
  ['-0.0000000001', [-1, 999999999]],
  ['-1.9999999999', [-2, 0]],
  ['-0.9999999995', [-1, 0]],
  ['9007199254740991.999999999', [9007199254740991, 999999999]],
  ['9007199254740993', undefined],
  ['', undefined],
  ['.5', undefined],
  ['1e5', undefined],
  ['+1', undefined],
  [' 1', undefined],
  ['1.5x', undefined],
  ['--1', undefined],
];

for (const [text, time] of TIMES) {
  test(`the time ${JSON.stringify(text)}`, () => {
    assert.deepEqual(
      parseTime(text),
      time === undefined ? undefined : { seconds: time[0], nanoseconds: time[1] },
    );
  });
}

test('times are written the way they are read', () => {
  for (const [seconds, nanoseconds, text] of [
    [0, 0, '0'],
    [-1, 500000000, '-0.5'],
    [-2, 999999999, '-1.000000001'],
    [-2, 0, '-2'],
    [7, 10, '7.00000001'],
  ] as const) {
    assert.equal(formatTime({ seconds, nanoseconds }), text);
    assert.deepEqual(parseTime(text), { seconds, nanoseconds });
  }
});

test('the known keys', () => {
  const pax = parse(
    record('path', 'a/\xff\n=') +
      record('linkpath', 'to') +
      record('size', '8589934592') +
      record('uid', '4294967295') +
      record('gid', '0') +
      record('mtime', '-0.5') +
      record('SCHILY.devmajor', '4000000') +
      record('SCHILY.devminor', '5') +
      record('comment', 'no one reads this') +
      record('__proto__', 'nor this'),
  );
  assert.deepEqual(pax, {
    path: 'a/\xff\n=',
    linkPath: 'to',
    size: 8589934592,
    uid: 4294967295,
    gid: 0,
    mtime: { seconds: -1, nanoseconds: 500000000 },
    major: 4000000,
    minor: 5,
    xattrs: new Map(),
  });
});

test('an empty value takes back what was said before, and the last one counts', () => {
  const pax = parse(record('path', 'a') + record('path', '') + record('uid', '5') + record('uid', '6'));
  assert.deepEqual(pax, { path: undefined, uid: 6, xattrs: new Map() });
});

test('xattrs are bytes', () => {
  const capability = '\x01\0\0\x02\0\x20\0\0\0\0\0\0\0\0\0\0\0\0\0\0';
  const pax = parse(
    record('SCHILY.xattr.security.capability', capability) +
      record('SCHILY.xattr.user.empty', '') +
      record('SCHILY.xattr.user.lines', 'a\n3 b\n=\xff') +
      record('SCHILY.xattr.user.a%3Db%253D%2x', 'escaped') +
      record('LIBARCHIVE.xattr.user.caf%C3%A9', 'AP8K') +
      record('LIBARCHIVE.xattr.user.lines', 'AAAA') +
      record('SCHILY.xattr.__proto__', 'a name as any other'),
  );
  assert.deepEqual(
    [...pax.xattrs].map(([name, value]) => [name, Buffer.from(value).toString('latin1')]),
    [
      ['security.capability', capability],
      ['user.empty', ''],
      ['user.lines', 'a\n3 b\n=\xff'],
      ['user.a=b%3D%2x', 'escaped'],
      ['user.caf\xc3\xa9', '\0\xff\n'],
      ['__proto__', 'a name as any other'],
    ],
  );
});

test('an xattr outlives the buffer that it was read from', () => {
  const body = Buffer.from(record('SCHILY.xattr.user.a', 'value'), 'latin1');
  const { xattrs } = parsePax(body, PLACE);
  body.fill(0);
  assert.deepEqual(xattrs.get('user.a'), new Uint8Array(bytesOf('value')));
});

const MALFORMED: readonly (readonly [what: string, body: string, message: RegExp])[] = [
  ['no length', 'path=a\n', /at byte 0 of its body has no length/],
  ['a space first', ' 9 path=a\n', /has no length/],
  ['a length that never ends', '1'.repeat(600), /has no length/],
  ['only a length', '5', /has no length/],
  ['too long', '99 path=a\n', /malformed/],
  ['too short', '5 path=a\n', /malformed/],
  ['length 0', '0 path=a\n', /malformed/],
  ['no newline', '9 path=ab', /malformed/],
  ['no equals sign', '9 pathab\n', /malformed/],
  ['no key', '5 =a\n', /malformed/],
  ['the second record', `${record('path', 'a')}x`, /at byte 9 of its body/],
  ['a NUL in a path', record('path', 'a\0b'), /record path has a NUL/],
  ['a size that is none', record('size', '-1'), /record size is not a number/],
  ['a size beyond 2^53', record('size', '9007199254740993'), /record size is not a number/],
  ['a uid with a suffix', record('uid', '12k'), /record uid is not a number/],
  ['a time that is none', record('mtime', 'noon'), /mtime is not a time/],
  ['a long time that is none', record('mtime', `1.${'0'.repeat(200)}x`), /mtime is not a time/],
  ['an xattr without a name', record('SCHILY.xattr.', 'a'), /without a proper name/],
  ['base64 that is none', record('LIBARCHIVE.xattr.user.a', '!'), /is not base64/],
  ['a sparse length first', record('GNU.sparse.numbytes', '1'), /GNU.sparse.numbytes out of turn/],
  [
    'two sparse offsets',
    record('GNU.sparse.offset', '1') + record('GNU.sparse.offset', '1'),
    /GNU.sparse.offset out of turn/,
  ],
  ['a sparse map with a gap', record('GNU.sparse.map', '1,,2'), /not a list of numbers/],
  ['a sparse map with letters', record('GNU.sparse.map', '1,b'), /not a list of numbers/],
  ['a sparse map that ends in a comma', record('GNU.sparse.map', '1,2,'), /not a list of numbers/],
];

for (const [what, body, message] of MALFORMED) {
  test(`refused: ${what}`, () => {
    assert.throws(() => parse(body), { name: 'TarError', code: 'bad-header', message });
  });
}
