import assert from 'node:assert/strict';
import {
  closeSync,
  mkdirSync,
  mkdtempSync,
  openSync,
  readFileSync,
  rmSync,
  truncateSync,
  writeFileSync,
  writeSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { memorySource, memoryTarget, sha256Hex } from '@cairn/bytes';
import { realHost } from '@cairn/host';
import {
  type BootDisk,
  type Booted,
  LogWriter,
  parseStateId,
  prepareSweep,
  SweepError,
  type Verdict,
} from '../src/index.ts';
import { sweepProgram, type Values } from '../src/program.ts';
import { LOADER, MIB, makeDisk, makeRelease, Recorder, type TestRelease, usualNode } from './node.ts';
import * as steps from './upgrade.ts';

const old = await makeRelease('old', 1);
const next = await makeRelease('new', 2);
const other = await makeRelease('other', 3);

function writeRelease(folder: string, release: TestRelease): string {
  mkdirSync(folder);
  writeFileSync(join(folder, 'root.erofs'), release.rootBytes);
  writeFileSync(join(folder, 'uki.efi'), release.ukiBytes);
  const description = {
    root: { rootHash: release.rootHash, size: release.rootBytes.length, hashOffset: release.hashOffset },
    uki: { sha256: sha256Hex(release.ukiBytes) },
  };
  writeFileSync(join(folder, 'release.json'), JSON.stringify(description));
  return folder;
}

/** Files as a person has them, and what the program says of them. */
async function setUp(context: TestContext, list: readonly steps.Step[]) {
  const folder = mkdtempSync(join(tmpdir(), 'cairn-sweep-program-'));
  context.after(() => rmSync(folder, { recursive: true, force: true }));
  const made = await makeDisk(usualNode(old, other));
  using recorder = new Recorder(made);
  await steps.carryOut({ recorder, other, next, otherEntry: 'cairn-4.conf', generation: 6 }, list);
  await recorder.writer.finish();
  const path = (name: string) => join(folder, name);
  // Sparse: between the ESP's front and the slots there is nothing.
  writeFileSync(path('base.raw'), made.disk.slice(0, 4 * MIB));
  truncateSync(path('base.raw'), made.disk.size);
  const slots = 36 * MIB;
  const file = openSync(path('base.raw'), 'r+');
  writeSync(file, made.disk.slice(slots, made.disk.size), 0, made.disk.size - slots, slots);
  closeSync(file);
  writeFileSync(path('writes.log'), recorder.log);
  const emptyLog = memoryTarget();
  await new LogWriter(emptyLog).finish();
  writeFileSync(path('empty.log'), emptyLog.bytes());
  writeFileSync(path('loader.efi'), LOADER);
  const values: Values = {
    base: path('base.raw'),
    log: path('writes.log'),
    old: writeRelease(path('old'), old),
    new: writeRelease(path('new'), next),
    known: [writeRelease(path('other'), other)],
    loader: [path('loader.efi')],
    states: '400',
    seed: '1',
    firmware: 'both',
    tries: '0',
    broken: false,
    sample: '2',
    boot: '0',
    json: false,
  };
  const lines: string[] = [];
  const run = (more: Partial<Values> = {}, bootDisk?: BootDisk) => {
    lines.length = 0;
    const { signal } = new AbortController();
    const surroundings = {
      host: realHost(),
      signal,
      print: (line: string) => lines.push(line),
      note: () => {},
    };
    return sweepProgram(
      { ...values, ...more },
      bootDisk === undefined ? surroundings : { ...surroundings, bootDisk },
    );
  };
  return { run, lines, path };
}

test('a log without failures: exit code 0 and the counts', async (context) => {
  const { run, lines } = await setUp(context, steps.RIGHT);
  assert.equal(await run(), 0);
  const text = lines.join('\n');
  assert.match(text, /^400 states in 11 epochs judged in .* different in what matters$/m);
  assert.match(text, /^by kind: prefix \d+, dropped \d+, reordered \d+, torn \d+$/m);
  assert.match(text, /^with all of the log: new \(cairn-6\+3\.conf boots from cairn-b\)$/m);
  assert.equal(lines.filter((line) => line.startsWith('to be booted: ')).length, 2);
  assert.equal(lines.at(-1), 'no state fails');
  assert.equal(await run({ json: true }), 0);
  assert.equal(JSON.parse(lines.join('')).judged, 400);
});

test('a log with failures: exit code 1, what failed, and the disk that did', async (context) => {
  const list = [...steps.RETIRE, ...steps.WRITE_UKI, ...steps.COMMIT, ...steps.WRITE_SLOT];
  const { run, lines, path } = await setUp(context, list);
  assert.equal(await run(), 1);
  const [, id = ''] =
    /^FAILED (\S+) .*3 boots fail first: cairn-5\.conf boots from cairn-a after/m.exec(lines.join('\n')) ??
    [];
  assert.notEqual(id, '');
  assert.match(lines.at(-1) ?? '', /states FAIL$/);
  assert.equal(await run({ state: id, write: path('state.raw') }), 1);
  assert.match(lines.join(), /^\S+: boots old: 3 boots fail first/);
  const { size } = realFile(path('state.raw'));
  assert.equal(size, realFile(path('base.raw')).size);
  assert.notEqual(realFile(path('state.raw')).digest, realFile(path('base.raw')).digest);
  assert.equal(await run({ tries: '3', broken: true }), 0);
});

test('a sample is booted: what comes up otherwise than it was judged is told, with exit code 1', async (context) => {
  const { run, lines, path } = await setUp(context, steps.RIGHT);
  const wrong: Booted = { came: 'up', rootHash: other.rootHash, slot: 'cairn-b', entries: [] };
  /** As the judge says of the disk itself, but for what is changed. */
  const boots =
    (change: (right: Booted) => Booted): BootDisk =>
    async (disk) => {
      const { boots, slot = '', entries } = await judgeAlone(disk);
      if (boots === 'nothing' || boots === 'stuck') return { came: boots };
      const { rootHash } = boots === 'old' ? old : next;
      return change({ came: 'up', rootHash, slot, entries });
    };
  assert.equal(
    await run(
      { boot: '12' },
      boots((right) => right),
    ),
    0,
  );
  assert.match(lines.join('\n'), /^really booted: 12 states, 12 as judged, 0 otherwise$/m);
  const changes: readonly (readonly [(right: Booted) => Booted, RegExp])[] = [
    [() => ({ came: 'nothing' }), /boots nothing, judged: (old|new)$/],
    [() => ({ came: 'stuck' }), /boots stuck, judged: (old|new)$/],
    [() => wrong, /boots known-1 from cairn-b, judged: (old|new)$/],
    [(right) => ({ ...right, slot: 'cairn-recovery' }), /from cairn-recovery, judged: from cairn-[ab]$/],
    [(right) => ({ ...right, entries: ['cairn-9.conf'] }), /the loader leaves cairn-9\.conf, judged: /],
  ];
  for (const [change, message] of changes) {
    assert.equal(await run({ boot: '2', states: '60' }, boots(change)), 1);
    assert.match(lines.join('\n'), /^really booted: 2 states, 0 as judged, 2 otherwise$/m);
    assert.match(lines.at(-1) ?? '', message);
  }
  await assert.rejects(run({ boot: '1' }), /there is no machine to boot on/);

  async function judgeAlone(disk: string): Promise<Verdict> {
    const empty = path('empty.log');
    await using log = await realHost().files.open(empty, 'change');
    await using base = await realHost().files.open(disk, 'read');
    const { judge } = await prepareSweep({
      base,
      log,
      releases: [old, next, other],
      loaders: [memorySource(LOADER)],
    });
    return judge.judge();
  }
});

function realFile(path: string): { size: number; digest: string } {
  const bytes = readFileSync(path);
  return { size: bytes.length, digest: sha256Hex(bytes) };
}

test('what cannot be swept is told', async (context) => {
  const { run, path } = await setUp(context, []);
  writeFileSync(path('short'), new Uint8Array(100));
  const faults: readonly (readonly [Partial<Values>, string, RegExp])[] = [
    [{ log: path('short') }, 'log-malformed', /shorter than a sector/],
    [{ base: path('short') }, 'bad-disk', /too small/],
    [{ new: path('nowhere') }, 'bad-release', /no release\.json/],
    [{ new: path('old') }, 'bad-option', /same rootHash/],
    [{ known: [], loader: [] }, 'bad-release', /boot loader/],
    [{ states: 'many' }, 'bad-option', /--states many/],
    [{ firmware: 'bios' }, 'bad-option', /--firmware bios/],
    [{ accept: ['old'] }, 'bad-option', /--accept old/],
    [{ state: 'state-1' }, 'bad-state', /names no state/],
    [{ state: 'cut-9-9-9' }, 'bad-state', /no cuts in epoch 9/],
    [{ write: path('x') }, 'bad-option', /needs --state/],
  ];
  for (const [more, code, message] of faults) {
    await assert.rejects(run(more), (error) => {
      assert.ok(error instanceof SweepError, String(error));
      assert.equal(error.code, code);
      assert.match(error.message, message);
      return true;
    });
  }
  assert.deepEqual(parseStateId('prefix-12'), { kind: 'prefix', entries: 12 });
});
