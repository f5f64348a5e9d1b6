import assert from 'node:assert/strict';
import { cpSync, mkdirSync, readFileSync, truncateSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { suite, test } from 'node:test';
import { RECIPE_FOLDER } from '../src/recipe.ts';
import { NEEDS_ROOT, type Outcome, outcomeOf, scratch, tool } from './machine.ts';

const SCRIPTS = join(RECIPE_FOLDER, 'initrd/usr/lib/cairn');

/** 300 blocks of data have a tree of two levels: its top block is not its only one. */
const HASH_OFFSET = 300 * 4096;

/** A slot as a release is written to it, and its root hash as veritysetup says it. */
function makeSlot(path: string): string {
  writeFileSync(path, 'the data of a root\n'.repeat(2000));
  truncateSync(path, HASH_OFFSET);
  const argv = ['veritysetup', 'format', '--salt=-', `--hash-offset=${HASH_OFFSET}`, path, path];
  const hash = /^Root hash:\s+([0-9a-f]{64})$/m.exec(tool(argv))?.[1];
  assert.ok(hash !== undefined);
  return hash;
}

/**
 * Runs what the initrd's /init asks of a slot, as if this machine had been started with a command line: is the line the
 * UKI's own, and is the slot the root? If not, the reason is printed.
 */
function isRoot(folder: string, slot: string, commandLines: { signed: string; booted: string }): Outcome {
  writeFileSync(join(folder, 'signed'), commandLines.signed);
  // The kernel ends it with a newline, the file in the initrd has none.
  writeFileSync(join(folder, 'booted'), `${commandLines.booted}\n`);
  const script = `
    set -u
    cd "$1"
    . ./command-line.sh
    . ./slot.sh
    signed_line=$2/signed
    booted_line=$2/booted
    check_command_line && read_command_line && is_root "$3" || { echo "$why"; exit 1; }`;
  return outcomeOf(['sh', '-c', script, 'sh', SCRIPTS, folder, slot]);
}

suite('how /init knows the slot of a boot', () => {
  const other = 'ab'.repeat(32);
  const line = (hash: string, offset = `cairn.hash-offset=${HASH_OFFSET}`) =>
    `roothash=${hash} ${offset} ro init=/sbin/init panic=10`;

  interface Case {
    readonly name: string;
    /** Made of the slot's own root hash. */
    readonly signed: (hash: string) => string;
    /** As `signed` unless given. */
    readonly booted?: (hash: string) => string;
    /** Does something to the slot. */
    readonly damage?: (slot: string) => void;
    /** Why not; undefined where it is the root. */
    readonly refusal: RegExp | undefined;
  }
  const changedLine = /^the kernel command line is not the one that this UKI was built with$/m;
  const incomplete = /the command line of this UKI lacks roothash, cairn.hash-offset or init/;
  const cases: readonly Case[] = [
    { name: 'the right hash', signed: line, refusal: undefined },
    {
      name: 'arguments appended by a loader',
      signed: line,
      booted: (hash) => `${line(hash)} quiet console=tty0 kairos.config=x cairn.y=1`,
      refusal: undefined,
    },
    ...['root=/dev/sda1', 'systemd.verity=0', 'init=/bin/sh', 'rd.break', 'quietly'].map((word) => ({
      name: `${word} appended by a loader`,
      signed: line,
      booted: (hash: string) => `${line(hash)} quiet ${word}`,
      refusal: new RegExp(`the argument ${word} was appended to the kernel command line, which may not be`),
    })),
    {
      name: 'arguments with characters of the shell',
      signed: (hash) => `${line(hash)} x=* y=$(reboot) z=[a-z]`,
      refusal: undefined,
    },
    {
      name: 'another hash',
      signed: () => line(other),
      refusal: /holds another release \(root hash [0-9a-f]{64}\)/,
    },
    {
      name: 'a changed command line',
      signed: line,
      booted: (hash) => line(hash).replace(' ro ', ' rw '),
      refusal: changedLine,
    },
    {
      name: 'a flipped bit in the hash that was booted',
      signed: line,
      booted: (hash) => line(hash).replace('roothash', 'soothash'),
      refusal: changedLine,
    },
    {
      name: 'arguments put before it',
      signed: line,
      booted: (hash) => `rw ${line(hash)}`,
      refusal: changedLine,
    },
    {
      name: 'an argument that is longer',
      signed: line,
      booted: (hash) => `${line(hash)}0`,
      refusal: changedLine,
    },
    {
      name: 'a cut command line',
      signed: line,
      booted: (hash) => line(hash).slice(0, -1),
      refusal: changedLine,
    },
    { name: 'a pattern for a command line', signed: () => '*', booted: line, refusal: changedLine },
    { name: 'no offset', signed: (hash) => line(hash, 'x=1'), refusal: incomplete },
    { name: 'an empty offset', signed: (hash) => line(hash, 'cairn.hash-offset='), refusal: incomplete },
    {
      name: 'an offset that is no number',
      signed: (hash) => line(hash, 'cairn.hash-offset=1+1'),
      refusal: incomplete,
    },
    { name: 'no root hash', signed: (hash) => line(hash).replace(/^\S+ /, ''), refusal: incomplete },
    { name: 'no init', signed: (hash) => line(hash).replace(/ init=\S+/, ''), refusal: incomplete },
    {
      name: 'an offset that a loader appends: the own one counts',
      signed: line,
      booted: (hash) => `${line(hash)} cairn.hash-offset=4096`,
      refusal: undefined,
    },
    {
      name: 'an offset behind the end of the slot',
      signed: (hash) => line(hash, 'cairn.hash-offset=1099511627776'),
      refusal: /holds another release/,
    },
    {
      name: 'a flipped bit in the top block of the tree',
      signed: line,
      damage: (slot) => {
        const bytes = readFileSync(slot);
        bytes[HASH_OFFSET + 4096] = (bytes[HASH_OFFSET + 4096] ?? 0) ^ 1;
        writeFileSync(slot, bytes);
      },
      refusal: /holds another release/,
    },
    {
      name: 'an empty slot',
      signed: line,
      damage: (slot) => truncateSync(slot, 0),
      refusal: /holds another release/,
    },
  ];
  for (const { name, signed, booted = signed, damage, refusal } of cases) {
    test(`${name}: ${refusal === undefined ? 'yes' : 'no'}`, () => {
      using folder = scratch();
      const slot = join(folder.path, 'slot');
      const hash = makeSlot(slot);
      damage?.(slot);
      const outcome = isRoot(folder.path, slot, { signed: signed(hash), booted: booted(hash) });
      if (refusal === undefined) {
        assert.deepEqual(outcome, { exitCode: 0, stdout: '', stderr: '' });
        return;
      }
      assert.deepEqual({ exitCode: outcome.exitCode, stderr: outcome.stderr }, { exitCode: 1, stderr: '' });
      assert.match(outcome.stdout, refusal);
    });
  }

  test('a slot that is not there: no', () => {
    using folder = scratch();
    const signed = line(other);
    assert.notEqual(
      isRoot(folder.path, join(folder.path, 'nothing'), { signed, booted: signed }).exitCode,
      0,
    );
  });
});

test("the table by which /init verifies a slot is veritysetup's own", () => {
  using folder = scratch();
  const slot = join(folder.path, 'slot');
  const hash = makeSlot(slot);
  const script = 'cd "$1"; . ./slot.sh; hash=$2 hash_offset=$3; verity_table /dev/slot';
  const table = tool(['sh', '-c', script, 'sh', SCRIPTS, hash, String(HASH_OFFSET)]);
  // veritysetup(8) dump: what it would tell the kernel.
  const dump = tool(['veritysetup', 'dump', `--hash-offset=${HASH_OFFSET}`, slot]);
  const blocks = /^Data blocks:\s+(\d+)$/m.exec(dump)?.[1];
  assert.equal(blocks, '300');
  assert.match(dump, /^Hash algorithm:\s+sha256$/m);
  assert.equal(
    table,
    `0 2400 verity 1 /dev/slot /dev/slot 4096 4096 300 301 sha256 ${hash} - 1 panic_on_corruption\n`,
  );
});

test('up notes once that the boot came so far', { skip: NEEDS_ROOT }, () => {
  using folder = scratch();
  writeFileSync(join(folder.path, 'kmsg'), '');
  mkdirSync(join(folder.path, 'run'));
  const script = `
    set -e
    mount --bind "$1/run" /run
    mount --bind "$1/kmsg" /dev/kmsg
    "$2"
    first=$(cat /run/cairn/up)
    sleep 0.05
    "$2"
    [ "$first" = "$(cat /run/cairn/up)" ]
    echo "$first"`;
  const program = join(RECIPE_FOLDER, 'layer/usr/lib/cairn/up');
  const printed = tool(['unshare', '--mount', 'sh', '-c', script, 'sh', folder.path, program]);
  assert.match(printed, /^\d+\.\d\d\n$/);
  assert.equal(readFileSync(join(folder.path, 'kmsg'), 'utf8'), `cairn: up after ${printed.trim()} s\n`);
});

test("the wrapper starts the agent's own Node, and keeps what is meant for others from it", {
  skip: NEEDS_ROOT,
}, () => {
  using folder = scratch();
  const lib = join(folder.path, 'lib/cairn/lib');
  mkdirSync(lib, { recursive: true });
  writeFileSync(join(lib, 'ld-linux-x86-64.so.2'), '#!/bin/sh\necho "$@"\nenv\n', { mode: 0o755 });
  cpSync(join(RECIPE_FOLDER, 'layer/usr/bin/cairn'), join(folder.path, 'cairn'));
  const script = `
    set -e
    mkdir "$1/upper" "$1/work"
    mount -t tmpfs none "$1/upper"
    mkdir "$1/upper/up" "$1/upper/work"
    mount -t overlay -o "lowerdir=/usr/lib,upperdir=$1/upper/up,workdir=$1/upper/work" none /usr/lib
    cp -r "$1/lib/cairn" /usr/lib/
    NODE_OPTIONS=--bad NODE_PATH=/bad LD_LIBRARY_PATH=/bad KEPT=kept "$1/cairn" status 'a b'`;
  const printed = tool(['unshare', '--mount', 'sh', '-c', script, 'sh', folder.path]);
  assert.match(
    printed,
    /^--library-path \/usr\/lib\/cairn\/lib \/usr\/lib\/cairn\/bin\/node \/usr\/lib\/cairn\/agent\.mjs status a b\n/,
  );
  assert.match(printed, /^KEPT=kept$/m);
  assert.doesNotMatch(printed, /bad/);
});
