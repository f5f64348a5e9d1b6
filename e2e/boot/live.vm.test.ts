import assert from 'node:assert/strict';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { realHost } from '@cairn/host';
import type { StartOptions } from '@cairn/testkit';
import { buildRelease } from '../support/build.ts';
import { logIn, startNode, temporaryFolder } from '../support/node.ts';

let folder: Awaited<ReturnType<typeof temporaryFolder>>;
let iso = '';

before(async () => {
  folder = await temporaryFolder();
  const release = join(folder.path, 'release');
  await buildRelease(realHost(), 'debian-13', release, { args: ['--format', 'iso'] });
  iso = join(release, 'disk.iso');
});

after(() => folder?.[Symbol.asyncDispose]());

const MEDIA: readonly (readonly [name: string, options: () => Partial<StartOptions>])[] = [
  ['a stick', () => ({ disks: [{ path: iso }] })],
  [
    'a disc',
    () => ({
      disks: [],
      extraArguments: [
        '-drive',
        `if=none,id=disc,media=cdrom,readonly=on,format=raw,file=${iso}`,
        '-device',
        'ide-cd,drive=disc',
      ],
    }),
  ],
];
for (const [name, options] of MEDIA) {
  test(`the ISO boots by UEFI as ${name}: verified, all in memory`, async () => {
    await using machine = await startNode(iso, { memoryMiB: 1536, ...options() });
    const guest = await logIn(machine);
    const status = JSON.parse(await guest.output('cairn status --json', { timeoutMs: 120_000 }));
    assert.equal(status.slot, 'live');
    assert.equal(status.verified, true);
    assert.deepEqual(status.problems, []);
    assert.match(await guest.output('cat /proc/mounts'), /^\/dev\/mapper\/root \/ erofs ro,/m);
    assert.equal(await guest.output('ls /run/cos'), 'live_mode\n');
  });
}
