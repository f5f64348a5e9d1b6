import assert from 'node:assert/strict';
import { truncateSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { suite, test } from 'node:test';
import { RECIPE_FOLDER } from '../src/recipe.ts';
import { outcomeOf, scratch, tool } from './machine.ts';

const SCRIPTS = join(RECIPE_FOLDER, 'initrd/usr/lib/cairn');

/** Runs a line of shell with the functions of the initrd there. */
function shell(line: string, ...args: readonly string[]) {
  const sourced = 'set -u; cd "$1"; shift; . ./entry.sh; . ./slot.sh; . ./live.sh';
  return outcomeOf(['sh', '-c', `${sourced}; ${line}`, 'sh', SCRIPTS, ...args]);
}

suite('the entry that the loader has started', () => {
  const CASES: readonly (readonly [Uint8Array, string])[] = [
    [variable('cairn-recovery.conf\0'), 'cairn-recovery.conf'],
    // The loader gives ids in lower case; firmware variables may be written by others.
    [variable('Cairn-Live.CONF\0'), 'cairn-live.conf'],
    [variable('cairn-7+3.conf'), 'cairn-7+3.conf'],
    [variable(''), ''],
    [new Uint8Array(), ''],
  ];
  for (const [bytes, expected] of CASES) {
    test(JSON.stringify(expected), () => {
      using folder = scratch();
      const file = join(folder.path, 'variable');
      writeFileSync(file, bytes);
      const { stdout, stderr } = shell('printf %s "$(entry_in "$1")"', file);
      assert.deepEqual({ stdout, stderr }, { stdout: expected, stderr: '' });
    });
  }

  function variable(text: string): Uint8Array {
    return Buffer.concat([Uint8Array.of(6, 0, 0, 0), Buffer.from(text, 'utf16le')]);
  }
});

suite('where the root is looked for', () => {
  const ORDER: Readonly<Record<string, string>> = {
    'cairn-recovery.conf': 'cairn-recovery',
    'cairn-recovery+3.conf': 'cairn-recovery',
    'cairn-live.conf': 'cairn-live',
    'cairn-12+2-1.conf': 'cairn-a cairn-b cairn-recovery',
    '': 'cairn-a cairn-b cairn-recovery cairn-live',
    'auto-windows': 'cairn-a cairn-b cairn-recovery cairn-live',
  };
  for (const [entry, labels] of Object.entries(ORDER)) {
    test(`by the entry ${JSON.stringify(entry)}`, () => {
      assert.equal(shell('labels_for "$1"', entry).stdout, `${labels}\n`);
    });
  }

  const SLOTS = 'cairn-recovery:/r cairn-live:/dev/l cairn-b:/b cairn-a:/a';
  const FOUND: readonly (readonly [labels: string, holders: string, slot: string])[] = [
    ['cairn-a cairn-b cairn-recovery', '/a /b /r', '/a'],
    ['cairn-a cairn-b cairn-recovery', '/b /r', '/b'],
    ['cairn-a cairn-b cairn-recovery', '/r', '/r'],
    ['cairn-a cairn-b cairn-recovery', '/dev/l', 'none'],
    ['cairn-recovery', '/a /b /r', '/r'],
    ['cairn-recovery', '/a /b', 'none'],
    ['cairn-live', '/a /dev/l', '/dev/l on /dev/whole'],
  ];
  for (const [labels, holders, expected] of FOUND) {
    test(`of ${labels}, where ${holders} hold the root: ${expected}`, () => {
      const line = `
        slots=$1 labels=$2 holders=$3 medium=
        is_root() { case " $holders " in *" $1 "*) ;; *) return 1 ;; esac; }
        disk_of() { echo /dev/whole; }
        try_slots && echo "$slot\${medium:+ on $medium}" || echo none`;
      assert.equal(shell(line, SLOTS, labels, holders).stdout, `${expected}\n`);
    });
  }
});

suite('a live medium without partitions', () => {
  const MEDIA: readonly (readonly [volume: string, place: string, found: string])[] = [
    ['CAIRN_LIVE', 'cairn-root=1048576,8192\n', '1048576 8192'],
    ['CAIRN_LIVE', 'cairn-root=1048576,8192\nmore', '1048576 8192'],
    ['DEBIAN_13 ', 'cairn-root=1048576,8192\n', 'none'],
    ['CAIRN_LIVE', '', 'none'],
    ['CAIRN_LIVE', 'cairn-root=\n', 'none'],
    ['CAIRN_LIVE', 'cairn-root=,8192\n', 'none'],
    ['CAIRN_LIVE', 'cairn-root=1048576,\n', 'none'],
    ['CAIRN_LIVE', 'cairn-root=1048576\n', 'none'],
    ['CAIRN_LIVE', 'cairn-root=1048576,8192,1\n', 'none'],
    ['CAIRN_LIVE', 'cairn-root=$(reboot),8192\n', 'none'],
    ['CAIRN_LIVE', 'cairn-root=1+1,8192\n', 'none'],
    ['CAIRN_LIVE', 'cairn-root=*,*\n', 'none'],
  ];
  for (const [volume, place, found] of MEDIA) {
    test(`${volume} with ${JSON.stringify(place)}: ${found}`, () => {
      using folder = scratch();
      const medium = join(folder.path, 'medium');
      writeMedium(medium, volume, place);
      const line = 'read_live "$1" && echo "$live_offset $live_size" || echo none';
      assert.deepEqual(shell(line, medium), { exitCode: 0, stdout: `${found}\n`, stderr: '' });
    });
  }

  test('what is too short, or cannot be read, is none, without a word', () => {
    using folder = scratch();
    const medium = join(folder.path, 'medium');
    writeFileSync(medium, 'x');
    for (const path of [medium, join(folder.path, 'nothing')]) {
      assert.deepEqual(shell('read_live "$1"', path), { exitCode: 1, stdout: '', stderr: '' });
    }
  });

  test('its root is known by the top hash block, at its place on the medium', () => {
    using folder = scratch();
    const medium = join(folder.path, 'medium');
    const root = join(folder.path, 'root');
    const hashOffset = 300 * 4096;
    writeFileSync(root, 'the data of a root\n');
    truncateSync(root, hashOffset);
    const format = tool(['veritysetup', 'format', '--salt=-', `--hash-offset=${hashOffset}`, root, root]);
    const hash = /^Root hash:\s+([0-9a-f]{64})$/m.exec(format)?.[1] ?? '';
    writeMedium(medium, 'CAIRN_LIVE', 'cairn-root=1048576,8192\n');
    tool(['dd', `if=${root}`, `of=${medium}`, 'bs=1M', 'seek=1', 'conv=notrunc', 'status=none']);
    const line = 'hash=$2 hash_offset=$3; is_root "$1" 1048576; echo $?; is_root "$1" 0; echo $?';
    assert.equal(shell(line, medium, hash, String(hashOffset)).stdout, '0\n1\n');
  });

  test('its table is in sectors of 512 bytes', () => {
    const line = 'live_offset=1048576 live_size=421257216; live_table /dev/sr0';
    assert.equal(shell(line).stdout, '0 822768 linear /dev/sr0 2048\n');
  });

  function writeMedium(path: string, volume: string, place: string): void {
    const bytes = Buffer.alloc(40_000);
    bytes.write(volume, 32_808, 'latin1');
    bytes.write(place, 33_651, 'latin1');
    writeFileSync(path, bytes);
  }
});
