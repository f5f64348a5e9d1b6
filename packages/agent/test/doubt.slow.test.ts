import assert from 'node:assert/strict';
import { existsSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, suite, test } from 'node:test';
import { deriveUuid } from '@cairn/disk';
import { settle } from '../src/bless/bless.ts';
import { noteLastPanic, noteRefusal } from '../src/boot/failed.ts';
import { withPending } from '../src/state/change.ts';
import { changeState, loadState } from '../src/state/store.ts';
import { readLife } from '../src/status/life.ts';
import { folderSource, upgrade } from '../src/upgrade/upgrade.ts';
import { Faults, faultyHost } from './faulty-host.ts';
import { pendingOf, put } from './health-node.ts';
import {
  boot,
  endProcess,
  entriesOf,
  hostOf,
  makeNode,
  makeRelease,
  removeNodes,
  renameEntry,
  sourceIn,
  type TestRelease,
  whatBoots,
} from './upgrade-node.ts';

const [OLD, NEW, RESCUE] = await Promise.all(['1.0', '2.0', '3.0'].map(makeRelease));
if (OLD === undefined || NEW === undefined || RESCUE === undefined) throw new TypeError('three releases');

const ESP = deriveUuid('fake', 'ESP');
const GOOD = { entry: 'cairn-2.conf', partition: ESP };
const REASON = 'no slot holds it any more';

afterEach(removeNodes);

const usual = (entry = 'cairn-2.conf') =>
  makeNode({ a: { ...OLD, entry: 'cairn-1.conf' }, b: { ...NEW, entry } });

/** What lies in a slot is no release any more. */
function ruin(root: string, device: string, { release }: TestRelease): void {
  const path = join(root, 'dev', device);
  const bytes = readFileSync(path);
  const top = release.root.hashOffset + 4096;
  bytes[top] = (bytes[top] ?? 0) ^ 1;
  writeFileSync(path, bytes);
}

suite('a boot that is refused', () => {
  test('from the next one on the loader takes another entry, and status says why', async () => {
    const root = usual();
    const said = await noteRefusal(hostOf(root), GOOD, REASON);
    assert.equal(said, 'cairn-2.conf is not booted any more: the boot loader takes the next one');
    assert.deepEqual(entriesOf(root), ['cairn-1.conf', 'cairn-2+0-1.conf']);
    assert.equal(await whatBoots(root, [OLD, NEW]), '1.0');
    boot(root, 'cairn-a', OLD.release);
    assert.deepEqual((await readLife(hostOf(root))).problems, [
      `Sample OS 2.0, by cairn-2+0-1.conf, is not booted any more: ${REASON}`,
    ]);
    // The release has done nothing wrong: it may be installed again.
    assert.deepEqual((await settle(hostOf(root))).denied, []);
    assert.deepEqual(entriesOf(root), ['cairn-1.conf', 'cairn-2+0-1.conf']);
    const plan = await upgrade(hostOf(root), async () => folderSource(sourceIn(root, NEW)), {});
    assert.equal(plan.done, true);
    assert.deepEqual(entriesOf(root), ['cairn-1.conf', 'cairn-3+3.conf']);
    assert.deepEqual((await readLife(hostOf(root))).problems, []);
  });

  const LEFT_ALONE: readonly {
    readonly name: string;
    readonly node: () => string;
    readonly started?: { readonly entry: string; readonly partition: string };
  }[] = [
    { name: 'there is no other entry', node: () => makeNode({ b: { ...NEW, entry: 'cairn-2.conf' } }) },
    { name: 'the loader counts it already', node: () => usual('cairn-2+1-2.conf') },
    {
      name: 'the tries of all others are spent',
      node: () =>
        makeNode({ a: { ...OLD, entry: 'cairn-1+0-3.conf' }, b: { ...NEW, entry: 'cairn-2.conf' } }),
    },
    {
      name: 'the others have no UKI',
      node: () => {
        const root = usual();
        rmSync(join(root, `esp/EFI/cairn/${OLD.id}.efi`));
        return root;
      },
    },
    {
      name: 'the other entry is damaged',
      node: () => {
        const root = usual();
        writeFileSync(join(root, 'esp/loader/entries/cairn-1.conf'), 'title\0');
        return root;
      },
    },
    {
      name: 'it is the one of recovery',
      node: usual,
      started: { entry: 'cairn-recovery.conf', partition: ESP },
    },
    { name: 'it is none of ours', node: usual, started: { entry: 'auto-windows', partition: ESP } },
    { name: 'the loader names no entry', node: usual, started: { entry: '', partition: '' } },
    {
      name: 'the loader is on no disk that is there',
      node: usual,
      started: { ...GOOD, partition: deriveUuid('another', 'ESP') },
    },
  ];
  for (const { name, node, started = GOOD } of LEFT_ALONE) {
    test(`nothing is changed where ${name}`, async () => {
      const root = node();
      const before = entriesOf(root);
      assert.equal(await noteRefusal(hostOf(root), started, REASON), undefined);
      assert.deepEqual(entriesOf(root), before);
      assert.doesNotMatch(readFileSync(join(root, 'proc/self/mountinfo'), 'utf8'), /vfat/);
    });
  }

  test('the recovery entry is another one', async () => {
    const root = makeNode({
      b: { ...NEW, entry: 'cairn-2.conf' },
      recovery: { ...RESCUE, entry: 'cairn-recovery.conf' },
    });
    await noteRefusal(hostOf(root), GOOD, REASON);
    assert.equal(await whatBoots(root, [NEW, RESCUE]), '3.0');
  });

  for (const kind of ['fail', 'cut', 'tear'] as const) {
    test(`wherever the door ${kind}s, an entry of each release is there, and the next refusal completes`, async () => {
      const whole = new Faults({ kind, at: Number.POSITIVE_INFINITY });
      const first = usual();
      await noteRefusal({ ...hostOf(first), ...faultyHost(hostOf(first), whole) }, GOOD, REASON);
      for (const at of whole.log.keys()) {
        removeNodes();
        const root = usual();
        const host = { ...hostOf(root), ...faultyHost(hostOf(root), new Faults({ kind, at })) };
        await noteRefusal(host, GOOD, REASON).catch((error: unknown) => assert.ok(error instanceof Error));
        const entries = entriesOf(root).filter((file) => file.endsWith('.conf'));
        assert.ok(entries.includes('cairn-1.conf'), entries.join());
        assert.ok(entries.includes('cairn-2.conf') || entries.includes('cairn-2+0-1.conf'), entries.join());
        // The loader takes the good one until it is gone.
        boot(root, 'cairn-a', OLD.release);
        if (entries.includes('cairn-2.conf')) await noteRefusal(hostOf(root), GOOD, REASON);
        assert.equal(await whatBoots(root, [OLD, NEW]), '1.0', `after ${whole.log[at]}`);
      }
    });
  }
});

suite('both slots are ruined', () => {
  test('recovery runs, says why, and an upgrade there mends the node, with its own release too', async () => {
    const root = makeNode({
      a: { ...OLD, entry: 'cairn-1.conf' },
      b: { ...NEW, entry: 'cairn-2.conf' },
      recovery: { ...RESCUE, entry: 'cairn-recovery.conf' },
    });
    ruin(root, 'vda2', OLD);
    ruin(root, 'vda3', NEW);
    await noteRefusal(hostOf(root), GOOD, REASON);
    await noteRefusal(hostOf(root), { entry: 'cairn-1.conf', partition: ESP }, REASON);
    assert.equal(await whatBoots(root, [OLD, NEW, RESCUE]), '3.0');
    boot(root, 'cairn-recovery', RESCUE.release);
    assert.deepEqual((await readLife(hostOf(root))).problems, [
      `Sample OS 1.0, by cairn-1+0-1.conf, is not booted any more: ${REASON}`,
      `Sample OS 2.0, by cairn-2+0-1.conf, is not booted any more: ${REASON}`,
      'this is the recovery system, as no slot can be booted: `cairn upgrade` mends the node',
    ]);
    await settle(hostOf(root));
    assert.deepEqual((await loadState(hostOf(root).files)).state.denied, []);
    await upgrade(hostOf(root), async () => folderSource(sourceIn(root, RESCUE)), {});
    assert.deepEqual(entriesOf(root), ['cairn-3+3.conf', 'cairn-recovery.conf']);
    assert.equal(await whatBoots(root, [RESCUE]), '3.0');
    assert.deepEqual((await readLife(hostOf(root))).problems, []);
  });

  test('a slot is lost whose release is in recovery: that runs, and says so', async () => {
    const root = makeNode({
      a: { ...OLD, entry: 'cairn-1.conf' },
      recovery: { ...OLD, entry: 'cairn-recovery.conf' },
    });
    ruin(root, 'vda2', OLD);
    boot(root, 'cairn-recovery', OLD.release);
    assert.deepEqual((await readLife(hostOf(root))).problems, [
      'Sample OS 1.0, by cairn-1.conf, is in no slot any more',
      'this is the recovery system, as no slot can be booted: `cairn upgrade` mends the node',
    ]);
  });

  test('recovery that somebody has chosen has nothing to say', async () => {
    const root = makeNode({
      a: { ...OLD, entry: 'cairn-1.conf' },
      recovery: { ...OLD, entry: 'cairn-recovery.conf' },
    });
    boot(root, 'cairn-recovery', OLD.release);
    assert.deepEqual((await readLife(hostOf(root))).problems, []);
  });
});

suite('an earlier boot has ended in a panic', () => {
  const VERITY = '<3>[    9.9] device-mapper: verity: 254:0: data block 77 is corrupted\n';
  const PANIC = '<0>[    9.9] Kernel panic - not syncing: dm-verity device corrupted\n';
  const OF_VERITY =
    'an earlier boot of it ended in a kernel panic: dm-verity device corrupted (device-mapper: verity: 254:0: data block 77 is corrupted)';
  const verifying = ({ release }: TestRelease) => `<6>[    5.0] cairn: verifying ${release.root.rootHash}\n`;

  function panicked(root: string, ...parts: readonly string[]): void {
    for (const [index, text] of parts.toReversed().entries()) {
      const part = index + 1;
      put(root, `/sys/fs/pstore/dmesg-efi_pstore-17672257000${part}001`, `Panic#1 Part${part}\n${text}`);
    }
  }

  const note = (root: string, release = NEW) =>
    noteLastPanic(hostOf(root), GOOD, release.release.root.rootHash);

  test('it is counted from then on, and a boot that comes up ends that', async () => {
    const root = usual();
    panicked(root, verifying(NEW), `${VERITY}${PANIC}`);
    boot(root, 'cairn-b', NEW.release);
    assert.equal(await note(root), `${OF_VERITY}; boots of cairn-2.conf are counted until one comes up`);
    assert.deepEqual(entriesOf(root), ['cairn-1.conf', 'cairn-2+1-2.conf']);
    assert.ok(existsSync(join(root, 'run/cairn/unsettled')));
    const life = await readLife(hostOf(root));
    assert.deepEqual(life.problems, [`Sample OS 2.0, by cairn-2+1-2.conf, has one try left: ${OF_VERITY}`]);
    assert.deepEqual(life.slots[1]?.why, `${OF_VERITY}; it has one try left`);

    const { acquitted } = await settle(hostOf(root));
    assert.equal(acquitted?.summary, `Sample OS 2.0 has come up again; ${OF_VERITY}`);
    assert.deepEqual(entriesOf(root), ['cairn-1.conf', 'cairn-2.conf']);
    assert.doesNotMatch(readFileSync(join(root, 'esp/loader/entries/cairn-2.conf'), 'utf8'), /doubts/);
    const after = await readLife(hostOf(root));
    assert.deepEqual(after.problems, []);
    assert.equal(after.actions.at(-1)?.detail, acquitted?.summary);
    assert.equal((await settle(hostOf(root))).acquitted, undefined);
    // The next boot comes upon nothing, also where systemd-pstore.service has not taken it away.
    assert.equal(await note(root), undefined);
    assert.deepEqual(entriesOf(root), ['cairn-1.conf', 'cairn-2.conf']);
  });

  test('three boots in a row, and the other release runs; the release may be installed again', async () => {
    const root = usual();
    panicked(root, `${verifying(NEW)}${VERITY}${PANIC}`);
    await note(root);
    // The loader counts the next one, which panics too.
    renameEntry(root, 'cairn-2+1-2.conf', 'cairn-2+0-3.conf');
    assert.equal(await whatBoots(root, [OLD, NEW]), '1.0');
    boot(root, 'cairn-a', OLD.release);
    // What it finds is of another release.
    const other = { entry: 'cairn-1.conf', partition: ESP };
    assert.equal(await noteLastPanic(hostOf(root), other, OLD.release.root.rootHash), undefined);
    assert.deepEqual((await settle(hostOf(root))).denied, []);
    assert.deepEqual((await readLife(hostOf(root))).problems, [
      `Sample OS 2.0, by cairn-2+0-3.conf, is not booted any more: ${OF_VERITY}`,
    ]);
  });

  test('one that comes up while another is on trial is not blessed by it', async () => {
    const root = usual();
    await changeState(hostOf(root).files, (state) => withPending(state, pendingOf(NEW)));
    panicked(root, PANIC);
    boot(root, 'cairn-b', NEW.release);
    await note(root);
    assert.equal((await settle(hostOf(root))).acquitted, undefined);
  });

  const CASES: readonly (readonly [name: string, text: string, counted: boolean])[] = [
    [
      'of this release, for another reason',
      `${verifying(NEW)}<0>[ 1.0] Kernel panic - not syncing: x\n`,
      true,
    ],
    ['of nobody knows which release', PANIC, true],
    ['of another release', `${verifying(OLD)}${PANIC}`, false],
    ['of another release, and then of this one', `${verifying(OLD)}${verifying(NEW)}${PANIC}`, true],
    ['an oops, which is no panic', `${verifying(NEW)}<1>[ 1.0] BUG: unable to handle page fault\n`, false],
  ];
  for (const [name, text, counted] of CASES) {
    test(`what is kept is ${name}: ${counted ? '' : 'not '}counted`, async () => {
      const root = usual();
      panicked(root, text);
      assert.equal((await note(root)) !== undefined, counted);
      assert.equal(entriesOf(root).includes('cairn-2.conf'), !counted);
    });
  }

  test('nothing is kept', async () => {
    const root = usual();
    assert.equal(await note(root), undefined);
    endProcess(root);
  });
});
