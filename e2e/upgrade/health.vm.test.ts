import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { encodeState, type Pending, parseState } from '@cairn/agent';
import { realHost } from '@cairn/host';
import { loadRelease } from '@cairn/release';
import type { Guest, Machine } from '@cairn/testkit';
import { buildRelease } from '../support/build.ts';
import { logIn, startNode, temporaryFolder } from '../support/node.ts';

let folder: Awaited<ReturnType<typeof temporaryFolder>>;
let machine: Machine;
let guest: Guest;
let pending: Pending;

before(async () => {
  const host = realHost();
  folder = await temporaryFolder();
  const release = `${folder.path}/release`;
  machine = await startNode(await buildRelease(host, 'debian-13', release));
  guest = await logIn(machine);
  const { root, name, version, image } = await loadRelease(host.files, release);
  pending = {
    id: root.rootHash.slice(0, 32),
    rootHash: root.rootHash,
    generation: 1,
    slot: 'cairn-a',
    name,
    version,
    digest: image.digest,
    since: '2026-01-01T00:00:00.000Z',
    network: { ipv4: [], ipv6: [] },
    attempts: [],
  };
});

after(async () => {
  await machine?.[Symbol.asyncDispose]();
  await folder?.[Symbol.asyncDispose]();
});

/** Does something on the ESP. */
function onEsp(script: string): Promise<string> {
  return guest.output(`mkdir -p /tmp/esp && mount -t vfat /dev/vda1 /tmp/esp && cd /tmp/esp && { ${script}; }
    code=$?; cd / && umount /tmp/esp && exit $code`);
}

/** As an upgrade leaves it: pending in the state, counted in the loader. */
async function putOnTrial(): Promise<void> {
  const state = encodeState({ sequence: 9, state: { pending, denied: [], actions: [] } });
  await guest.output(
    `mkdir -p /oem/.cairn && echo ${Buffer.from(state).toString('base64')} | base64 -d > /oem/.cairn/state.0.json && sync`,
  );
  await onEsp('mv loader/entries/cairn-1.conf loader/entries/cairn-1+3.conf && sync');
}

async function stateOf() {
  const copies: ReturnType<typeof parseState>[] = [];
  for (const index of [0, 1]) {
    const { exitCode, stdoutBytes } = await guest.run(`cat /oem/.cairn/state.${index}.json`);
    if (exitCode === 0) copies.push(parseState(stdoutBytes));
  }
  return copies.toSorted((a, b) => b.sequence - a.sequence)[0]?.state;
}

/** Waits, in the guest, until the trial is over. */
const TRIAL_OVER = `for second in $(seq 100); do [ -e /run/cairn/trial ] || exit 0; sleep 3; done
  cairn health --once >&2; journalctl -u cairn-health >&2; exit 1`;

test('a boot of a good release is no trial, and all checks hold', async () => {
  const { stdout, exitCode } = await guest.run('ls -A /run/cairn /run/cos; cairn health --once', {
    timeoutMs: 120_000,
  });
  assert.equal(exitCode, 0, stdout);
  assert.match(stdout, /^active_mode$/m);
  assert.doesNotMatch(stdout, /^(?:trial|unsettled)$/m);
  for (const check of ['up', 'units', 'persistent', 'network']) {
    assert.match(stdout, new RegExp(`^${check} +ok$`, 'm'));
  }
});

test('a watchdog counts, and systemd feeds it', async () => {
  assert.equal(
    await guest.output('cd /sys/class/watchdog/watchdog0 && cat identity state timeout'),
    'Software Watchdog\nactive\n60\n',
  );
});

test('the journal is kept over reboots', async () => {
  assert.match(
    await guest.output('journalctl --header | grep "File path" | head -n 1'),
    /\/var\/log\/journal\//,
  );
});

test('a release on trial that is healthy is blessed', async () => {
  await putOnTrial();
  await guest.reboot();
  guest = await logIn(machine);
  await guest.output(TRIAL_OVER, { timeoutMs: 400_000 });
  assert.equal(await onEsp('ls loader/entries'), 'cairn-1.conf\n');
  const state = await stateOf();
  assert.equal(state?.pending, undefined);
  assert.deepEqual(
    state?.actions.map(({ kind, result }) => [kind, result]),
    [['bless', 'done']],
  );
  assert.match(await guest.output('journalctl -u cairn-health -o cat'), /this release is good from now on/);
  assert.match(await guest.output('journalctl --list-boots | wc -l'), /^[23]\n$/);
});
