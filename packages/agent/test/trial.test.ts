import assert from 'node:assert/strict';
import {
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { HostError } from '@cairn/host';
import { type FakeHostOptions, fakeHost } from '@cairn/testkit';
import { resolveInside } from '../src/boot/inside.ts';
import { prepareSystemd } from '../src/boot/systemd.ts';
import { markBoot } from '../src/boot/trial.ts';
import { withAction, withPending } from '../src/state/change.ts';
import { changeState, loadState } from '../src/state/store.ts';
import type { ActionRecord, NodeState } from '../src/state/types.ts';
import { fakeNode, ROOT_HASH } from './fake-node.ts';
import { JOURNAL } from './journal-sample.ts';
import { PENDING } from './state-sample.ts';

const BOOT_ID = '7f3c9f0e-6f0a-4a51-9a2a-5a2c1b1d0e40';
const RUNNING = { ...PENDING, rootHash: ROOT_HASH, id: ROOT_HASH.slice(0, 32), attempts: [] };
const STATE = '/sysroot/oem/.cairn';

function action(kind: string): ActionRecord {
  return { kind, at: '2026-01-02T03:04:05.000Z', took: 1, result: 'done', detail: kind };
}

interface Marked {
  readonly trial: boolean;
  readonly unsettled: boolean;
  readonly modes: readonly string[];
  readonly runs: number;
  readonly problems: readonly string[];
}

async function mark(
  root: string,
  slot = 'cairn-a',
  fault?: NonNullable<FakeHostOptions['fault']>,
): Promise<Marked> {
  const host = fakeHost({
    root,
    programs: { modprobe: () => ({}) },
    ...(fault === undefined ? {} : { fault }),
  });
  writeFileSync(join(root, 'proc/sys/kernel/random/boot_id'), `${BOOT_ID}\n`);
  mkdirSync(join(root, 'run/cairn'), { recursive: true });
  const problems: string[] = [];
  await markBoot(host, { root: '/sysroot', rootHash: ROOT_HASH, slot }, problems);
  return {
    trial: existsSync(join(root, 'run/cairn/trial')),
    unsettled: existsSync(join(root, 'run/cairn/unsettled')),
    modes: readdirSync(join(root, 'run/cos')),
    runs: host.runs.length,
    problems,
  };
}

interface Case {
  readonly name: string;
  readonly change?: (state: NodeState) => NodeState;
  /** What lies in action.json. */
  readonly journal?: string;
  readonly slot?: string;
  readonly trial?: boolean;
  readonly unsettled?: boolean;
  readonly mode: string;
}

const running = (journal: typeof JOURNAL) =>
  JSON.stringify({
    ...journal,
    plan: { ...journal.plan, steps: [...journal.plan.steps, { step: 'record', pending: RUNNING }] },
  });

const CASES: readonly Case[] = [
  { name: 'a node that remembers nothing', mode: 'active_mode' },
  {
    name: 'a release that is good',
    change: (state) => withAction(state, action('bless')),
    mode: 'active_mode',
  },
  {
    name: 'a release on trial',
    change: (state) => withPending(state, RUNNING),
    trial: true,
    mode: 'active_mode',
  },
  {
    name: 'a release that has just been committed, and not recorded',
    journal: running(JOURNAL),
    trial: true,
    unsettled: true,
    mode: 'active_mode',
  },
  {
    name: 'something else is pending',
    change: (state) => withPending(state, PENDING),
    unsettled: true,
    mode: 'passive_mode',
  },
  {
    name: 'the newest has failed',
    change: (state) => withAction(withAction(state, action('upgrade')), action('deny')),
    mode: 'passive_mode',
  },
  {
    name: 'the newest has failed, and another one proved good since',
    change: (state) => withAction(withAction(state, action('deny')), action('bless')),
    mode: 'active_mode',
  },
  {
    name: 'an action that was interrupted',
    journal: JSON.stringify(JOURNAL),
    unsettled: true,
    mode: 'active_mode',
  },
  { name: 'a journal that is torn', journal: '{"plan', unsettled: true, mode: 'active_mode' },
  { name: 'recovery', slot: 'cairn-recovery', mode: 'recovery_mode' },
  {
    name: 'recovery, with the same release pending in a slot',
    slot: 'cairn-recovery',
    change: (state) => withPending(state, RUNNING),
    unsettled: true,
    mode: 'recovery_mode',
  },
];

for (const { name, change, journal, slot, trial = false, unsettled = false, mode } of CASES) {
  test(`a boot of ${name}: ${[trial && 'trial', unsettled && 'unsettled', mode].filter(Boolean).join(', ')}`, async () => {
    const root = fakeNode();
    const { files } = fakeHost({ root });
    if (change !== undefined) await changeState(files, change, STATE);
    mkdirSync(join(root, STATE), { recursive: true });
    if (journal !== undefined) writeFileSync(join(root, STATE, 'action.json'), journal);
    const before = readdirSync(join(root, STATE));
    const marked = await mark(root, slot);
    assert.deepEqual(marked, { trial, unsettled, modes: [mode], runs: trial ? 1 : 0, problems: [] });
    // Without a trial nothing is written to the disk.
    if (!trial) assert.deepEqual(readdirSync(join(root, STATE)), before);
    const { state } = await loadState(files, STATE);
    const noted = state.pending?.attempts.filter(({ bootId }) => bootId === BOOT_ID) ?? [];
    assert.deepEqual(
      noted.map(({ reached }) => reached),
      trial && journal === undefined ? ['initrd'] : [],
    );
  });
}

test('a boot on trial is noted once, whatever is done again in it', async () => {
  const root = fakeNode();
  const { files } = fakeHost({ root });
  await changeState(files, (state) => withPending(state, RUNNING), STATE);
  await mark(root);
  await mark(root);
  assert.equal((await loadState(files, STATE)).state.pending?.attempts.length, 1);
  assert.equal(readFileSync(join(root, 'run/cairn/trial'), 'utf8'), `${ROOT_HASH}\n`);
});

test('a trial that cannot be noted is one all the same', async () => {
  const root = fakeNode();
  await changeState(fakeHost({ root }).files, (state) => withPending(state, RUNNING), STATE);
  const marked = await mark(root, 'cairn-a', (operation, path) =>
    operation === 'replace' && path.startsWith(STATE) ? new HostError('no-space', 'disk full') : undefined,
  );
  assert.equal(marked.trial, true);
  assert.deepEqual(marked.problems, ['this boot could not be noted: disk full']);
});

test('a state that cannot be read is no trial', async () => {
  const root = fakeNode();
  const { files } = fakeHost({ root });
  await changeState(files, (state) => withPending(state, RUNNING), STATE);
  const broken = await mark(root, 'cairn-a', (_, path) =>
    path.startsWith(STATE) ? new HostError('io', 'cannot read') : undefined,
  );
  assert.deepEqual({ ...broken, runs: 0 }, { ...broken, trial: false, unsettled: false, problems: [] });
  for (const name of ['state.0.json', 'state.1.json']) writeFileSync(join(root, STATE, name), 'torn');
  assert.equal((await mark(root)).trial, false);
});

const LINKS: readonly [string, Readonly<Record<string, string>>, string | undefined][] = [
  ['/usr/lib/systemd/systemd', {}, '/usr/lib/systemd/systemd'],
  [
    '/sbin/init',
    { '/sbin': 'usr/sbin', '/usr/sbin/init': '../lib/systemd/systemd' },
    '/usr/lib/systemd/systemd',
  ],
  ['/sbin/init', { '/sbin/init': '/lib/systemd/systemd', '/lib': '/usr/lib' }, '/usr/lib/systemd/systemd'],
  ['/sbin/init', { '/sbin/init': '../../../../etc/./init' }, '/etc/init'],
  ['/sbin/init', { '/sbin/init': 'init' }, undefined],
];

for (const [path, links, expected] of LINKS) {
  test(`${path} with ${JSON.stringify(links)} is ${expected}`, async () => {
    const root = fakeNode();
    for (const [from, to] of Object.entries(links)) {
      mkdirSync(join(root, 'image', from, '..'), { recursive: true });
      symlinkSync(to, join(root, 'image', from));
    }
    assert.equal(await resolveInside(fakeHost({ root }).files, '/image', path), expected);
  });
}

for (const { init, kept, watchdog, journal } of [
  { init: '/usr/lib/systemd/systemd', kept: true, watchdog: true, journal: true },
  { init: '/usr/lib/systemd/systemd', kept: false, watchdog: true, journal: false },
  { init: '/sbin/init', kept: true, watchdog: false, journal: false },
]) {
  test(`init=${init}, /var/log ${kept ? '' : 'not '}kept: watchdog ${watchdog}, kept journal ${journal}`, async () => {
    const root = fakeNode();
    mkdirSync(join(root, 'run/cairn'), { recursive: true });
    mkdirSync(join(root, 'sysroot/var/log'), { recursive: true });
    const { files } = fakeHost({ root });
    for (let boot = 0; boot < 2; boot++) {
      await prepareSystemd(files, '/sysroot', `roothash=x init=${init} panic=10`, kept);
      assert.equal(existsSync(join(root, 'run/cairn/watchdog')), watchdog);
      assert.equal(existsSync(join(root, 'sysroot/var/log/journal')), journal);
    }
    rmSync(join(root, 'sysroot/var/log'), { recursive: true });
    await prepareSystemd(files, '/sysroot', `init=${init}`, true);
    assert.equal(existsSync(join(root, 'sysroot/var/log')), false);
  });
}
