import assert from 'node:assert/strict';
import { existsSync, mkdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, test } from 'node:test';
import { HostError } from '@cairn/host';
import type { FakeHost } from '@cairn/testkit';
import { settle } from '../src/bless/bless.ts';
import { nodeCommands } from '../src/commands.ts';
import { judge } from '../src/health/judge.ts';
import { withoutPending } from '../src/state/change.ts';
import { changeState, loadState } from '../src/state/store.ts';
import { folderSource, upgrade } from '../src/upgrade/upgrade.ts';
import {
  networkOf,
  pendingOf,
  put,
  ROUTE,
  type Said,
  TRIAL_BOOT_ID,
  trialHost,
  trialNode,
} from './health-node.ts';
import {
  boot,
  entriesOf,
  hostOf,
  makeNode,
  makeRelease,
  removeNodes,
  renameEntry,
  sourceIn,
} from './upgrade-node.ts';

const [OLD, NEW] = await Promise.all(['1.0', '2.0'].map(makeRelease));
if (OLD === undefined || NEW === undefined) throw new TypeError('two releases');
const node = () => trialNode(OLD, NEW);

afterEach(removeNodes);

async function judged(root: string, said: Said = {}) {
  const host = trialHost(root, said);
  const verdict = await judge({ host, network: networkOf() }, new AbortController().signal);
  return { host, verdict, state: (await loadState(host.files)).state };
}

function reboots({ runs }: FakeHost): string[] {
  return runs.map((argv) => argv.join(' ')).filter((line) => line.includes('reboot'));
}

test('healthy twice in a row, five seconds apart: blessed, and not rebooted', async () => {
  const root = await node();
  const { host, verdict, state } = await judged(root);
  assert.deepEqual([verdict.healthy, verdict.reason, verdict.took], [true, undefined, 5000]);
  assert.deepEqual(entriesOf(root), ['cairn-1.conf', 'cairn-2.conf']);
  assert.equal(state.pending, undefined);
  assert.equal(existsSync(join(root, 'run/cairn/trial')), false);
  assert.deepEqual(reboots(host), []);
});

test('once healthy and then not again does not count', async () => {
  const root = await node();
  put(root, '/run/cairn/up', '95.00\n');
  const rounds = [[], ['a.service'], [], ['a.service'], [], []];
  let round = 0;
  const { verdict } = await judged(root, { failed: () => rounds[round++] ?? [] });
  assert.deepEqual([verdict.healthy, verdict.took], [true, 25_000]);
});

test('a unit that has failed: rebooted at once, with the reason and the log kept', async () => {
  const root = await node();
  const { host, verdict, state } = await judged(root, {
    failed: () => ['db.service'],
    journal: `${Array.from({ length: 60 }, (_, index) => `line ${index}`).join('\n')}\ntoken=abc\n`,
  });
  assert.deepEqual([verdict.healthy, verdict.reason, verdict.took], [false, 'the unit db.service failed', 0]);
  assert.deepEqual(reboots(host), ['systemctl reboot --force']);
  const [attempt, ...others] = state.pending?.attempts ?? [];
  assert.deepEqual(others, []);
  assert.equal(attempt?.bootId, TRIAL_BOOT_ID);
  assert.equal(attempt?.reached, 'health');
  assert.equal(attempt?.failure?.reason, 'the unit db.service failed');
  const log = attempt?.failure?.log ?? [];
  assert.equal(log.length, 50);
  assert.deepEqual(
    [log[0], log[1], log.at(-2), log.at(-1)],
    ['of db.service', 'line 12', 'line 59', 'token=***'],
  );
  assert.deepEqual(entriesOf(root), ['cairn-1.conf', 'cairn-2+2-1.conf']);
});

const DEADLINES: readonly [string, (root: string) => void, Said, string][] = [
  [
    'it does not come up',
    (root) => rmSync(join(root, 'run/cairn/up')),
    { jobs: '7 slow.service start running\n' },
    'the system has not come up: it still waits for slow.service, after 600 s',
  ],
  [
    'the network is gone',
    (root) => put(root, '/proc/net/route', ROUTE),
    {},
    'there is no default route for IPv4; before the upgrade there was one by eth0, after 600 s',
  ],
  [
    'a check of the owner says no, with a deadline of the owner',
    (root) => {
      put(root, '/oem/90.yaml', '#cloud-config\nhealth:\n  deadline: 1m\n  checks: [{command: [not]}]\n');
    },
    { programs: { not: () => ({ exitCode: 1, stderr: 'no leader\n' }) } },
    'not says: no leader, after 60 s',
  ],
  [
    'it is healthy, and cannot be noted',
    (root) => {
      rmSync(join(root, 'dev/vda'));
    },
    {},
    'it is healthy, and could not be noted as good: ',
  ],
];
for (const [name, change, said, reason] of DEADLINES) {
  test(`at the deadline it is given up: ${name}`, async () => {
    const root = await node();
    change(root);
    const { host, verdict, state } = await judged(root, said);
    assert.equal(verdict.healthy, false);
    assert.ok(verdict.reason?.startsWith(reason) === true, String(verdict.reason));
    assert.equal(state.pending?.attempts[0]?.failure?.reason, verdict.reason);
    assert.deepEqual(reboots(host), ['systemctl reboot --force']);
  });
}

test('a wrong configuration is given up at once', async () => {
  const root = await node();
  put(root, '/oem/90.yaml', '#cloud-config\nhealth:\n  cheks: []\n');
  const { verdict } = await judged(root);
  assert.deepEqual(
    [verdict.took, verdict.reason],
    [
      0,
      'the configuration of health is wrong: /oem/90.yaml:3: health has the key "cheks", and only deadline, allow-failed, checks are known',
    ],
  );
});

test('a deny list that says why, after three such boots', async () => {
  const root = await node();
  await judged(root, { failed: () => ['db.service'] });
  renameEntry(root, 'cairn-2+2-1.conf', 'cairn-2+0-3.conf');
  boot(root, 'cairn-a', OLD.release);
  await settle(hostOf(root));
  const { state } = await loadState(hostOf(root).files);
  assert.equal(state.denied[0]?.reason, 'the unit db.service failed');
  assert.deepEqual(state.denied[0]?.log.slice(0, 1), ['of db.service']);
});

test('a release whose commit was cut short of being remembered is judged all the same', async () => {
  const root = await node();
  await changeState(hostOf(root).files, withoutPending);
  put(
    root,
    '/oem/.cairn/action.json',
    JSON.stringify({
      formatVersion: 1,
      startedAt: '2026-01-01T00:00:00.000Z',
      plan: {
        kind: 'upgrade',
        summary: 'upgrade',
        steps: [
          { step: 'commit', id: NEW.id, generation: 2, rootHash: NEW.release.root.rootHash, entry: '' },
          { step: 'record', pending: pendingOf(NEW) },
        ],
      },
      step: 1,
    }),
  );
  const { verdict, state } = await judged(root, { failed: () => ['db.service'] });
  assert.equal(verdict.healthy, false);
  assert.equal(state.pending?.attempts[0]?.failure?.reason, 'the unit db.service failed');
});

test('somebody blesses it meanwhile: it is good', async () => {
  const root = await node();
  const { verdict, host } = await judged(root, {
    failed: () => {
      rmSync(join(root, 'run/cairn/trial'));
      put(root, '/run/cairn/up', '95.00\n');
      return ['db.service'];
    },
  });
  assert.equal(verdict.healthy, true);
  assert.deepEqual(reboots(host), []);
});

test('what cannot be written changes nothing: it reboots', async () => {
  const root = await node();
  const host = trialHost(root, { failed: () => ['db.service'] });
  const files = {
    ...host.files,
    replace: async () => {
      throw new HostError('no-space', 'disk full');
    },
  };
  const broken = { ...host, files };
  const verdict = await judge({ host: broken, network: networkOf() }, new AbortController().signal);
  assert.equal(verdict.healthy, false);
  assert.deepEqual(reboots(host), ['systemctl reboot --force']);
});

test('without systemd it reboots by reboot(8)', async () => {
  const root = await node();
  rmSync(join(root, 'run/systemd'), { recursive: true });
  put(root, '/proc/net/route', ROUTE);
  const missing = () => {
    throw new HostError('not-found', 'not installed');
  };
  const { host } = await judged(root, {
    programs: {
      systemctl: missing,
      journalctl: missing,
      reboot: () => ({}),
      dmesg: () => ({ stdout: 'k\n' }),
    },
  });
  assert.deepEqual(reboots(host), ['systemctl reboot --force', 'reboot -f']);
});

test('a systemctl that cannot is not the end: it reboots by reboot(8)', async () => {
  const root = await node();
  put(root, '/oem/90.yaml', '#cloud-config\nhealth: 7\n');
  const { host } = await judged(root, {
    programs: { systemctl: () => ({ exitCode: 1, stderr: 'not the init\n' }), reboot: () => ({}) },
  });
  assert.deepEqual(reboots(host), ['systemctl reboot --force', 'reboot -f']);
});

const health = nodeCommands.find(({ name }) => name === 'health');
if (health === undefined) throw new TypeError('there is a command health');

for (const { name, trial, flags, reboot } of [
  { name: '--once on trial', trial: true, flags: ['once'], reboot: 0 },
  { name: 'not on trial', trial: false, flags: [], reboot: 0 },
  { name: 'on trial', trial: true, flags: [], reboot: 1 },
]) {
  test(`cairn health, ${name}: ${reboot === 0 ? 'only tells' : 'acts'}`, async () => {
    const root = await node();
    if (!trial) rmSync(join(root, 'run/cairn/trial'));
    const host = trialHost(root, { failed: () => ['db.service'] });
    const answer = await health.run(host, {}, new AbortController().signal, { flags: new Set(flags) });
    assert.equal(answer.healthy, false);
    assert.match(answer.text, /the unit db\.service failed/);
    assert.equal(reboots(host).length, reboot);
  });
}

test('an upgrade notes the network as it is', async () => {
  const root = makeNode({ a: { ...OLD, entry: 'cairn-1.conf' } });
  put(root, '/proc/net/route', `${ROUTE}eth7\t00000000\t0102000A\t0003\t0\t0\t0\t00000000\t0\t0\t0\n`);
  mkdirSync(join(root, 'oem'), { recursive: true });
  await upgrade(hostOf(root), async () => folderSource(sourceIn(root, NEW)), {});
  const { state } = await loadState(hostOf(root).files);
  assert.deepEqual(state.pending?.network, { ipv4: ['eth7'], ipv6: [] });
});
