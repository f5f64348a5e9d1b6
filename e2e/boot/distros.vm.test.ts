import assert from 'node:assert/strict';
import { test } from 'node:test';
import { realHost } from '@cairn/host';
import { buildRelease } from '../support/build.ts';
import type { ImageName } from '../support/images.ts';
import { logIn, startNode, temporaryFolder } from '../support/node.ts';

/** Debian 13 has a file of its own. One initrd serves them all. */
const DISTROS: readonly { image: ImageName; system: RegExp; init: RegExp }[] = [
  { image: 'debian-12', system: /^Debian GNU\/Linux 12/, init: /systemd/ },
  { image: 'debian-sid', system: /^Debian GNU\/Linux/, init: /systemd/ },
  { image: 'debian-13-sysvinit', system: /^Debian GNU\/Linux 13/, init: /init/ },
];

for (const { image, system, init } of DISTROS) {
  test(`${image} boots to its login prompt, immutable`, async () => {
    await using folder = await temporaryFolder();
    await using machine = await startNode(await buildRelease(realHost(), image, `${folder.path}/release`));
    const guest = await logIn(machine);
    assert.match(await guest.output('cat /proc/1/comm'), init);
    assert.notEqual((await guest.run('touch /usr/x')).exitCode, 0);
    assert.notEqual((await guest.run('mount -o remount,rw /')).exitCode, 0);
    // The last thing that a boot starts may come after the login prompt.
    await guest.output('for i in $(seq 60); do [ -e /run/cairn/up ] && exit 0; sleep 1; done; exit 1', {
      timeoutMs: 90_000,
    });
    const status = JSON.parse(await guest.output('cairn status --json', { timeoutMs: 60_000 }));
    assert.match(status.system, system);
    assert.equal(status.verified, true);
    assert.equal(status.persistent, true);
    assert.deepEqual(status.problems, []);
    assert.ok(status.upAfter > 0);
  });
}
