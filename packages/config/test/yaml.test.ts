import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import {
  type Diagnostic,
  decodeSource,
  diagnosticText,
  LIMITS,
  plainDiagnostic,
  plainOf,
} from '../src/index.ts';
import { readYaml } from '../src/yaml/read.ts';

function read(text: string): { value: unknown; told: string[]; diagnostics: Diagnostic[] } {
  const diagnostics: Diagnostic[] = [];
  const tree = readYaml({ file: 'f', text }, (each) => diagnostics.push(each));
  return { value: tree && plainOf(tree), told: diagnostics.map(diagnosticText), diagnostics };
}

/** As `yaml.Unmarshal` of go-yaml v3 into an `interface{}` resolves them. */
const SCALARS: readonly (readonly [string, unknown])[] = [
  ['0644', 420],
  ['0o644', 420],
  ['"0644"', '0644'],
  ["'0644'", '0644'],
  ['644', 644],
  ['0x1F', 31],
  ['0b101', 5],
  ['1_000', 1000],
  ['-12', -12],
  ['08', 8],
  ['1.5', 1.5],
  ['1e3', 1000],
  ['.inf', Infinity],
  ['yes', 'yes'],
  ['on', 'on'],
  ['true', true],
  ['True', true],
  ['FALSE', false],
  ['tRUE', 'tRUE'],
  ['~', null],
  ['null', null],
  ['Null', null],
  ['nULL', 'nULL'],
  ['', null],
  ['""', ''],
  ['1.2.3', '1.2.3'],
  ['22:30', '22:30'],
  ['2020-01-01', '2020-01-01'],
  ['!!str 0644', '0644'],
  ['!!int "12"', 12],
  ['!!binary aGk=', 'hi'],
  ['|\n  a\n  b\n', 'a\nb\n'],
  ['>-\n  a\n  b\n', 'a b'],
  ['a # comment', 'a'],
  ['a#b', 'a#b'],
  ['a\n  b', 'a b'],
];

suite('scalars are what go-yaml takes them for', () => {
  for (const [text, value] of SCALARS) {
    test(JSON.stringify(text), () =>
      assert.deepEqual(read(`k: ${text}\n`), { value: { k: value }, told: [], diagnostics: [] }),
    );
  }
});

const TREES: readonly (readonly [string, unknown])[] = [
  ['a: &x {b: 1}\nc: *x\n', { a: { b: 1 }, c: { b: 1 } }],
  ['a: &x {b: 1, c: 2}\nd:\n  c: 3\n  <<: *x\n', { a: { b: 1, c: 2 }, d: { c: 3, b: 1 } }],
  [
    'a: &x {k: 1}\nb: &y {k: 2, l: 2}\nc: {<<: [*x, *y]}\n',
    { a: { k: 1 }, b: { k: 2, l: 2 }, c: { k: 1, l: 2 } },
  ],
  ['"<<": 1\n', { '<<': 1 }],
  ['a:\n- 1\n- 2\n', { a: [1, 2] }],
  ['a: &n x\n*n : 1\n', { a: 'x', x: 1 }],
  ['on: 1\n1: 2\n', { on: 1, 1: 2 }],
  ['__proto__: 1\n', JSON.parse('{"__proto__": 1}')],
  ['%YAML 1.1\n---\na: yes\n', { a: 'yes' }],
  ['a: 1\n...\n', { a: 1 }],
  ['{"a": [1, {"b": null}]}', { a: [1, { b: null }] }],
  ['a:\tb\n', { a: 'b' }],
  ['a:   [x,\n y]\n', { a: ['x', 'y'] }],
  ['? a\n: b\n', { a: 'b' }],
  ['# only a comment\n', undefined],
  ['', undefined],
];

suite('trees', () => {
  for (const [text, value] of TREES) {
    test(JSON.stringify(text), () => assert.deepEqual(read(text), { value, told: [], diagnostics: [] }));
  }
});

test('lines and columns count from 1, as editors do, with CRLF and characters beyond the BMP too', () => {
  const { diagnostics } = read('a: 1\r\n# \u{1f600}\r\nb: "\u{1f600}" x\r\n');
  const [first] = diagnostics;
  assert.ok(first !== undefined);
  const { line, column } = plainDiagnostic(first);
  assert.deepEqual([line, column], [3, 9]);
});

const bomb = ['a0: &a0 [x, x, x, x, x, x, x, x, x, x]'];
for (let level = 1; level < 9; level++) {
  bomb.push(`a${level}: &a${level} [${Array.from({ length: 10 }, () => `*a${level - 1}`).join(', ')}]`);
}

const REFUSED: readonly (readonly [string, string, RegExp])[] = [
  ['a billion laughs', bomb.join('\n'), /^f:5:\d+: error: with its aliases it has more than 50000 values$/],
  ['deep flow', '['.repeat(100_000), /^f:1:\d+: error: maps and lists are more than 64 deep in each other$/],
  [
    'deep blocks',
    '- '.repeat(100_000),
    /^f:1:\d+: error: maps and lists are more than 64 deep in each other$/,
  ],
  ['deep keys', Array.from({ length: 200 }, (_, n) => `${' '.repeat(n)}a:`).join('\n'), /more than 64 deep/],
  ['deep braces', '{a: '.repeat(5000), /more than 64 deep/],
  ['many values', '- a\n'.repeat(200_000), /more than 60000 words/],
  ['a zero byte', 'a: b\0c\n', /^f:1:5: error: there is a control character, \\x00\n/],
  ['an alias of itself', 'a: &a [*a]\n', /\*a stands within what it stands for/],
  ['an alias of nothing', 'a: *b\n', /there is no &b before this \*b/],
  ['a tag of its own', 'a: !!python/object:os.system x\n', /there is no tag !!python\/object:os\.system/],
];

suite('what is refused, politely and at once', () => {
  for (const [name, text, message] of REFUSED) {
    test(name, () => {
      const before = process.cpuUsage();
      const { told } = read(text);
      assert.equal(told.length, 1);
      assert.match(told[0] ?? '', message);
      // Of the processor: a machine with other work may stop a process for longer than that.
      assert.ok(process.cpuUsage(before).user < 1_000_000);
    });
  }
});

const BYTES: readonly (readonly [string, Uint8Array, RegExp])[] = [
  ['100 MB', new Uint8Array(100 << 20), /it has 104857600 bytes, and at most 4194304 are read/],
  ['UTF-16', new Uint8Array([0xff, 0xfe, 0x61, 0]), /it is UTF-16/],
  ['Latin-1', new Uint8Array([0x61, 0x3a, 0x20, 0xe4]), /it is not UTF-8 text/],
  ['gzip', new Uint8Array([0x1f, 0x8b, 8]), /it is compressed by gzip/],
];

suite('bytes that are no text', () => {
  for (const [name, bytes, message] of BYTES) {
    test(name, () => {
      const told: string[] = [];
      assert.equal(
        decodeSource('f', bytes, (each) => told.push(diagnosticText(each))),
        undefined,
      );
      assert.match(told.join('\n'), message);
    });
  }
});

test('a file of the largest size is read, where it is one long text', () => {
  const text = `a: |\n${`  ${'x'.repeat(98)}\n`.repeat((LIMITS.bytes - 10) / 101)}`;
  const { value, told } = read(text);
  assert.deepEqual(told, []);
  assert.equal((value as { a: string }).a.length, ((text.length - 5) / 101) * 99);
});
