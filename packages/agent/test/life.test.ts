import assert from 'node:assert/strict';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { settle } from '../src/bless/bless.ts';
import { withAttempt } from '../src/state/change.ts';
import { changeState } from '../src/state/store.ts';
import { readLife } from '../src/status/life.ts';
import { readStatus } from '../src/status/status.ts';
import { statusText } from '../src/status/text.ts';
import { folderSource, upgrade } from '../src/upgrade/upgrade.ts';
import { ATTEMPT } from './state-sample.ts';
import { boot, diskDigest, hostOf, makeNode, makeRelease, renameEntry, sourceIn } from './upgrade-node.ts';

const [OLD, NEW] = await Promise.all(['1.0', '2.0'].map(makeRelease));
if (OLD === undefined || NEW === undefined) throw new TypeError('two releases');

async function textOf(root: string): Promise<string> {
  const host = hostOf(root);
  mkdirSync(join(root, 'etc'), { recursive: true });
  writeFileSync(join(root, 'etc/os-release'), 'ID=x\n');
  return statusText(await readStatus(host.files), await readLife(host));
}

test('a fresh node', async () => {
  const root = makeNode({
    a: { ...OLD, entry: 'cairn-1.conf' },
    recovery: { ...OLD, entry: 'cairn-recovery.conf' },
  });
  const before = diskDigest(root);
  const life = await readLife(hostOf(root));
  assert.deepEqual(
    life.slots.map(({ label, state, booted, version }) => [label, state, booted, version]),
    [
      ['cairn-a', 'good', true, '1.0'],
      ['cairn-b', 'empty', false, undefined],
      ['cairn-recovery', 'good', false, '1.0'],
    ],
  );
  assert.deepEqual(
    life.boots.map(({ entry, slot }) => [entry, slot]),
    [
      ['cairn-1.conf', 'cairn-a'],
      ['cairn-recovery.conf', 'cairn-recovery'],
    ],
  );
  assert.deepEqual(life.problems, []);
  assert.equal(diskDigest(root), before);
});

test('what waits for a reboot, and what has failed and why', async () => {
  const root = makeNode({ a: { ...OLD, entry: 'cairn-1.conf' } });
  await upgrade(hostOf(root), async () => folderSource(sourceIn(root, NEW)), {});
  const pending = await textOf(root);
  assert.match(pending, /^cairn-b: +Sample OS 2\.0, pending: it was not booted yet; it has 3 tries left$/m);
  assert.match(
    pending,
    /^next boot: +Sample OS 2\.0 from cairn-b, on trial \(3 tries left\), by cairn-2\+3\.conf$/m,
  );
  assert.match(pending, /^if it fails: +Sample OS 1\.0 from cairn-a, by cairn-1\.conf$/m);
  assert.match(pending, /^done: .* upgrade done in 0\.0 s: upgrade to Sample OS 2\.0 in cairn-b$/m);

  await changeState(hostOf(root).files, (state) => withAttempt(state, ATTEMPT));
  renameEntry(root, 'cairn-2+3.conf', 'cairn-2+0-3.conf');
  boot(root, 'cairn-a', OLD.release);
  assert.match(await textOf(root), /^cairn-b: .* bad: the unit ssh\.service failed$/m);
  await settle(hostOf(root));
  const failed = await textOf(root);
  assert.match(failed, /^denied: +Sample OS 2\.0, at .*: the unit ssh\.service failed \(Failed\)$/m);
  assert.match(failed, /^next boot: +Sample OS 1\.0 from cairn-a, by cairn-1\.conf$/m);
});

test('while another action runs', async () => {
  const root = makeNode({ a: { ...OLD, entry: 'cairn-1.conf' } });
  writeFileSync(join(root, 'run/cairn/lock'), '77 5000 upgrade\n');
  assert.match(await textOf(root), /^now: +process 77 \(cairn upgrade\) is changing this node$/m);
});
