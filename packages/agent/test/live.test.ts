import assert from 'node:assert/strict';
import { cpSync, readdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { type FakeProgram, fakeHost } from '@cairn/testkit';
import { boot } from '../src/boot/boot.ts';
import { findNodeDisk } from '../src/node/disk.ts';
import { readLife } from '../src/status/life.ts';
import { readStatus } from '../src/status/status.ts';
import { statusText } from '../src/status/text.ts';
import { fakeNode, ROOT_HASH } from './fake-node.ts';

/** Programs of the machine that is this folder. */
function programsOf(root: string): Readonly<Record<string, FakeProgram>> {
  return {
    mount: () => ({}),
    sync: () => ({}),
    cp: ([, , from = '', to = '']) => {
      cpSync(join(root, from), join(root, to), { recursive: true });
      return {};
    },
  };
}

/** A machine in the initrd of a live medium, with a node's disk beside it that is nothing to it. */
async function bootLive() {
  const root = fakeNode();
  symlinkSync('/dev/sr0', join(root, '/dev/cairn/medium'));
  const host = fakeHost({ root, programs: programsOf(root) });
  return { root, host, record: await boot(host, { root: '/sysroot' }) };
}

test('a live system has everything in memory, and that is no problem', async () => {
  const { root, host, record } = await bootLive();
  const { took: _, ...rest } = record;
  assert.deepEqual(rest, {
    formatVersion: 1,
    rootHash: ROOT_HASH,
    slot: 'live',
    disk: '/dev/sr0',
    persistent: false,
    firstBoot: false,
    problems: [],
  });
  const mounts = readFileSync(join(root, '/run/cairn/fstab.base'), 'utf8');
  assert.doesNotMatch(mounts, /\/dev\//, 'no device is mounted');
  assert.match(mounts, /^tmpfs \/sysroot\/oem tmpfs /m);
  const writable = readFileSync(join(root, '/run/cairn/fstab.writable'), 'utf8');
  assert.match(writable, /\/run\/cairn\/volatile\/state\/home\/data \/sysroot\/home /);
  assert.ok(!host.runs.some(([program]) => program === 'systemd-repart'));
});

test('a live system has a sentinel of Kairos’s of its own', async () => {
  const { root } = await bootLive();
  assert.deepEqual(readdirSync(join(root, '/run/cos')), ['live_mode']);
  const node = fakeNode();
  await boot(fakeHost({ root: node, programs: programsOf(node) }), { root: '/sysroot' });
  assert.deepEqual(readdirSync(join(node, '/run/cos')), ['active_mode']);
});

test('cairn status says that it is a live system', async () => {
  const { root, host } = await bootLive();
  writeFileSync(join(root, '/proc/cmdline'), `roothash=${ROOT_HASH} ro\n`);
  const life = await readLife(host);
  assert.deepEqual(life.problems, []);
  const text = statusText({ ...(await readStatus(host.files)), problems: [] }, life);
  assert.match(text, /^slot: +none: a live system, which `cairn install` puts on a disk$/m);
  assert.match(text, /^persistent: +nothing: all that is written is in memory$/m);
});

test('what changes a node is refused there', async () => {
  const { host } = await bootLive();
  await assert.rejects(findNodeDisk(host.files), { code: 'live', message: /booted from \/dev\/sr0/ });
});
