import assert from 'node:assert/strict';
import { test } from 'node:test';
import { memorySource, memoryTarget } from '@cairn/bytes';
import { type Firmware, LogWriter, prepareSweep, type Verdict } from '../src/index.ts';
import {
  entryText,
  LOADER,
  makeDisk,
  makeRelease,
  type NodeRequest,
  type SparseDisk,
  startOf,
  usualNode,
} from './node.ts';

const old = await makeRelease('old', 1);
const next = await makeRelease('new', 2);
const other = await makeRelease('other', 3);
const usual = usualNode(old, other);
const tables = (await makeDisk(usual)).disk.slice(0, 1 << 15);

interface Case {
  readonly name: string;
  readonly boots: Verdict['boots'];
  readonly slot?: string;
  readonly tries?: number;
  readonly reason?: RegExp;
  readonly firmware?: Firmware;
  readonly node?: NodeRequest;
  /** Done to the disk. */
  readonly damage?: (disk: SparseDisk, start: (label: string) => number) => void;
}

function withEsp(change: (path: string) => string | undefined, more: NodeRequest['esp'] = []): NodeRequest {
  const kept = usual.esp.flatMap(({ path, bytes }) => {
    const now = change(path);
    return now === undefined ? [] : [{ path: now, bytes }];
  });
  return { ...usual, esp: [...kept, ...more] };
}

const without = (...paths: readonly string[]) => withEsp((path) => (paths.includes(path) ? undefined : path));
const FALLBACK = 'EFI/BOOT/BOOTX64.EFI';
const RECOVERY = 'loader/entries/cairn-recovery.conf';
const ENTRY = 'EFI/systemd/systemd-bootx64.efi';
const pending = (counter: string, release = next, generation = 6) => ({
  path: `loader/entries/cairn-${generation}${counter}.conf`,
  bytes: entryText(release, generation),
});
const keep = (path: string) => path;
const newUki = { path: `EFI/cairn/${next.id}.efi`, bytes: next.ukiBytes };

const CASES: readonly Case[] = [
  { name: 'a node', boots: 'old' },
  { name: 'the primary table is damaged', boots: 'old', damage: (disk) => disk.fill(0xff, 512, 600) },
  {
    name: 'the backup table is damaged',
    boots: 'old',
    damage: (disk) => disk.fill(0xff, disk.size - 512, disk.size),
  },
  {
    name: 'both tables are damaged',
    boots: 'nothing',
    reason: /no usable partition table/,
    damage: (disk) => {
      disk.fill(0xff, 512, 600);
      disk.fill(0xff, disk.size - 512, disk.size);
    },
  },
  { name: 'the MBR is gone', boots: 'nothing', reason: /MBR/, damage: (disk) => disk.fill(0, 0, 512) },
  {
    name: 'the boot sector is gone',
    boots: 'nothing',
    reason: /ESP/,
    damage: (disk, at) => disk.fill(0, at('ESP'), at('ESP') + 512),
  },
  {
    name: 'FSInfo is gone',
    boots: 'old',
    damage: (disk, at) => disk.fill(0, at('ESP') + 512, at('ESP') + 1024),
  },
  { name: 'the fallback loader is missing', boots: 'nothing', reason: /BOOTX64/, node: without(FALLBACK) },
  {
    name: 'the fallback loader is missing, with an entry',
    boots: 'old',
    firmware: 'entry',
    node: without(FALLBACK),
  },
  { name: "the entry's loader is missing", boots: 'old', node: without(ENTRY) },
  { name: 'both loaders are missing', boots: 'nothing', firmware: 'entry', node: without(ENTRY, FALLBACK) },
  {
    name: "the entry's loader is another program",
    boots: 'stuck',
    node: {
      ...usual,
      esp: usual.esp.map((file) =>
        file.path === ENTRY ? { ...file, bytes: LOADER.map((byte) => ~byte) } : file,
      ),
    },
  },
  {
    name: "the last byte of the entry's loader is wrong",
    boots: 'stuck',
    node: {
      ...usual,
      esp: usual.esp.map((file) => (file.path === ENTRY ? { ...file, bytes: LOADER.with(8999, 1) } : file)),
    },
  },
  {
    name: 'a pending release is whole',
    boots: 'new',
    node: { ...withEsp(keep, [newUki, pending('+3')]), slots: { ...usual.slots, 'cairn-b': next } },
  },
  {
    name: 'a pending release is in no slot',
    boots: 'old',
    tries: 3,
    node: withEsp(keep, [newUki, pending('+3')]),
  },
  {
    name: 'a pending release has one try left',
    boots: 'old',
    tries: 1,
    node: withEsp(keep, [newUki, pending('+1-2')]),
  },
  { name: 'the tries are spent', boots: 'old', tries: 0, node: withEsp(keep, [newUki, pending('+0-3')]) },
  {
    name: 'the next counter is taken',
    boots: 'stuck',
    node: withEsp(keep, [newUki, pending('+1-2'), pending('+0-3', old)]),
    reason: /exists/,
  },
  {
    name: 'a good release is in no slot: the initrd has the loader take the next',
    boots: 'old',
    tries: 1,
    node: withEsp(keep, [newUki, pending('')]),
    reason: /no slot has the top block of new/,
  },
  {
    name: 'a cut has left a good entry and the one that is to be in its place',
    boots: 'old',
    tries: 1,
    node: withEsp(keep, [newUki, pending(''), pending('+0-1')]),
  },
  {
    name: 'both slots hold nothing: recovery',
    boots: 'recovery',
    tries: 2,
    node: {
      ...withEsp(
        (path) => (path === RECOVERY ? undefined : path),
        [newUki, { path: RECOVERY, bytes: entryText(next, 0, 'cairn-recovery') }],
      ),
      slots: { 'cairn-recovery': next },
    },
  },
  {
    name: 'nothing holds anything',
    boots: 'stuck',
    reason: /for ever/,
    node: { ...usual, slots: {} },
  },
  { name: 'an entry without a UKI', boots: 'old', node: withEsp(keep, [pending('')]) },
  {
    name: 'the newest entry is of the older release',
    boots: 'other',
    node: withEsp((path) => (path.endsWith('cairn-4.conf') ? undefined : path), [pending('', other, 10)]),
  },
  {
    name: 'only recovery is left',
    boots: 'recovery',
    node: without('loader/entries/cairn-4.conf', 'loader/entries/cairn-5.conf'),
  },
  {
    name: 'recovery does not boot from another slot',
    boots: 'stuck',
    reason: /no slot/,
    node: {
      ...without('loader/entries/cairn-4.conf', 'loader/entries/cairn-5.conf'),
      slots: { 'cairn-a': old, 'cairn-b': old },
    },
  },
  {
    name: 'the release is only in the recovery slot',
    boots: 'old',
    reason: /from cairn-recovery/,
    slot: 'cairn-recovery',
    node: { ...usual, slots: { 'cairn-b': other, 'cairn-recovery': old } },
  },
  {
    name: 'one byte of the slot is wrong',
    boots: 'stuck',
    reason: /cairn-a has 1 sectors/,
    damage: (disk, at) =>
      disk.fill(old.rootBytes[99_999] === 0 ? 1 : 0, at('cairn-a') + 99_999, at('cairn-a') + 100_000),
  },
  {
    name: 'both slots hold the release, the second one not whole',
    boots: 'old',
    slot: 'cairn-a',
    node: { ...usual, slots: { ...usual.slots, 'cairn-b': old } },
    damage: (disk, at) => disk.fill(0, at('cairn-b') + 4096, at('cairn-b') + 8192),
  },
  {
    name: 'both slots hold the release, the first one not whole',
    boots: 'stuck',
    reason: /cairn-a has/,
    node: { ...usual, slots: { ...usual.slots, 'cairn-b': old } },
    damage: (disk, at) => disk.fill(0, at('cairn-a') + 4096, at('cairn-a') + 8192),
  },
  {
    name: 'what is behind the release in the slot does not matter',
    boots: 'old',
    damage: (disk, at) => disk.fill(1, at('cairn-a') + old.rootBytes.length, at('cairn-a') + (1 << 20)),
  },
  {
    name: 'no entries',
    boots: 'stuck',
    reason: /no entry/,
    node: withEsp((path) => (path.startsWith('loader/entries') ? undefined : path)),
  },
  {
    name: 'settings that name another entry',
    boots: 'stuck',
    reason: /default/,
    node: withEsp(
      (path) => (path === 'loader/loader.conf' ? undefined : path),
      [{ path: 'loader/loader.conf', bytes: 'default cairn-4*\n' }],
    ),
  },
];
for (const { name, boots, slot, tries = 0, reason, firmware, node = usual, damage } of CASES) {
  test(`${name}: boots ${boots}`, async () => {
    const { layout, disk } = await makeDisk(node);
    damage?.(disk, (label) => startOf(layout, label));
    // The tables that the log brings are those to be looked for: so damaged ones can be judged.
    const log = memoryTarget();
    const writer = new LogWriter(log);
    await writer.write(0, tables);
    await writer.flush();
    const prepared = await prepareSweep({
      base: disk,
      log: memorySource(log.bytes()),
      releases: [old, next, other],
      loaders: [memorySource(LOADER)],
      ...(firmware === undefined ? {} : { firmware }),
    });
    const verdict = await prepared.judge.judge();
    assert.equal(verdict.boots, boots, verdict.reason);
    if (!['nothing', 'stuck'].includes(boots)) assert.equal(verdict.afterTries, tries);
    if (slot !== undefined) assert.equal(verdict.slot, slot);
    if (reason !== undefined) assert.match(verdict.reason, reason);
  });
}
