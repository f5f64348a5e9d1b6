import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import { buildCommandLine, ReleaseError } from '../src/index.ts';
import { COMMAND_LINE_LIMIT } from '../src/uki/command-line.ts';

const ROOT_HASH = '0123456789abcdef'.repeat(4);
const OURS = [
  `roothash=${ROOT_HASH}`,
  'cairn.hash-offset=40960',
  'ro',
  'init=/sbin/init',
  'systemd.verity=no',
  'systemd.gpt_auto=no',
  'panic=10',
  'gpt',
].join(' ');

const build = (...extra: string[]) =>
  buildCommandLine({ rootHash: ROOT_HASH, hashOffset: 40960, init: '/sbin/init', extra });

describe('accepted', () => {
  const CASES: readonly (readonly [extra: readonly string[], end: string])[] = [
    [[], ''],
    [['console=ttyS0'], ' console=ttyS0'],
    [['console=ttyS0,115200 quiet', 'splash'], ' console=ttyS0,115200 quiet splash'],
    [['  spaced   out '], ' spaced out'],
    [['dyndbg="file x.c  +p"'], ' dyndbg="file x.c  +p"'],
    [['"module.name=two  words"'], ' "module.name=two  words"'],
    [['', ' '], ''],
    [['panic=0 rootwait row rode'], ' panic=0 rootwait row rode'],
    [['init=/bin/sh -- single'], ' init=/bin/sh -- single'],
  ];
  for (const [extra, end] of CASES) {
    test(JSON.stringify(extra), () => assert.equal(build(...extra), OURS + end));
  }

  test('up to the limit', () => {
    const room = COMMAND_LINE_LIMIT - OURS.length - 1;
    assert.equal(build('x'.repeat(room)).length, 2047);
    assert.throws(() => build('x'.repeat(room + 1)), isError(/2048 characters/));
  });
});

test('whatever is accepted is one line of ASCII that begins with ours and has what was given', () => {
  const character = fc.constantFrom(' ', 'a', 'b', '=', '"', "'", '-', '.', '_', ',', '/');
  const extra = fc.array(fc.string({ unit: character, maxLength: 30 }), { maxLength: 5 });
  fc.assert(
    fc.property(extra, (given) => {
      fc.pre(given.every((text) => text.split('"').length % 2 === 1));
      const line = build(...given);
      assert.match(line, /^[ -~]+$/);
      assert.ok(line.startsWith(OURS));
      assert.equal(line.replaceAll(' ', ''), `${OURS}${given.join('')}`.replaceAll(' ', ''));
      assert.doesNotMatch(line.replaceAll(/"[^"]*"/g, 'q'), / {2}| $/);
    }),
  );
});

describe('refused', () => {
  const CASES: readonly (readonly [extra: string, message: RegExp])[] = [
    ['a\nb', /"\\n" in it/],
    ['a\tb', /"\\t" in it/],
    ['a\0b', /printable ASCII/],
    ['naïve', /"ï" in it/],
    ['emoji=🐧', /"🐧" in it/],
    ['quote="open', /quote that does not end/],
    ['root=/dev/sda1', /root=\/dev\/sda1 is not yours/],
    ['quiet rw', /argument rw is not yours/],
    ['roothash=00', /not yours/],
    ['"root"=/dev/sda1', /not yours/],
    ['usrhash=00', /not yours/],
    ['rootfstype=ext4', /not yours/],
    ['cairn.hash-offset=4096', /not yours/],
    ['rootflags=subvol=x', /not yours/],
    ['systemd.verity=no', /not yours/],
    ['systemd.verity-root-options=ignore-corruption', /not yours/],
    ['systemd.verity_root_options=ignore-corruption', /not yours/],
    ['rd.systemd.gpt_auto', /not yours/],
    ['systemd.gpt-auto=yes', /not yours/],
  ];
  for (const [extra, message] of CASES) {
    test(JSON.stringify(extra), () => assert.throws(() => build(extra), isError(message)));
  }
});

function isError(message: RegExp): (error: unknown) => boolean {
  return (error) => {
    assert.ok(error instanceof ReleaseError);
    assert.equal(error.code, 'bad-command-line');
    assert.match(error.message, message);
    return true;
  };
}
