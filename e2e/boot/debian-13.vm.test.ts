import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { realHost } from '@cairn/host';
import type { Guest, Machine } from '@cairn/testkit';
import { buildRelease } from '../support/build.ts';
import { logIn, startNode, temporaryFolder } from '../support/node.ts';

/** One machine for all of these: each test leaves it as it found it, but for the last, which reboots it. */
let folder: Awaited<ReturnType<typeof temporaryFolder>>;
let machine: Machine;
let guest: Guest;

before(async () => {
  folder = await temporaryFolder();
  machine = await startNode(await buildRelease(realHost(), 'debian-13', `${folder.path}/release`));
  guest = await logIn(machine);
});

after(async () => {
  await machine?.[Symbol.asyncDispose]();
  await folder?.[Symbol.asyncDispose]();
});

/** Each is tried as root, and must not work. */
const REFUSED: readonly string[] = [
  'echo x > /x',
  'echo x > /usr/x',
  'echo x > /usr/bin/true',
  'rm /usr/bin/true',
  'mkdir /data',
  'mount -o remount,rw /',
  'mount -o remount,rw /usr',
  // The mount's own flag can be changed; the file system's cannot, and that is what counts.
  'mount --bind -o remount,rw / && echo x > /x',
  'mv /usr/bin /usr/bin.old',
  'chmod 777 /usr/bin/true',
  'dd if=/dev/zero of=/dev/dm-0 bs=4096 count=1 conv=fsync',
];

for (const script of REFUSED) {
  test(`root cannot: ${script}`, async () => {
    const before = await guest.output('stat -c "%a %s %Y" / /usr /usr/bin/true');
    const { exitCode, stderr } = await guest.run(script);
    assert.notEqual(exitCode, 0, stderr);
    assert.match(
      stderr,
      /Read-only file system|write-protected|Operation not permitted|not mounted|mount point/,
    );
    assert.equal(await guest.output('stat -c "%a %s %Y" / /usr /usr/bin/true'), before);
  });
}

test('the root is EROFS over dm-verity, read-only', async () => {
  const mounts = await guest.output('cat /proc/mounts');
  assert.match(mounts, /^\/dev\/mapper\/root \/ erofs ro,/m);
  assert.match(await guest.output('cat /sys/block/dm-0/dm/uuid'), /^CRYPT-VERITY-/);
  assert.equal((await guest.output('cat /sys/block/dm-0/ro')).trim(), '1');
});

test('the image alone is at /run/cairn/image, and nothing is mounted twice', async () => {
  const targets = (await guest.output('cut -d" " -f2 /proc/mounts')).trim().split('\n');
  assert.deepEqual(
    targets.filter((target) => target.startsWith('/run/cairn/image/')),
    [],
  );
  assert.equal(targets.filter((target) => target === '/etc').length, 1);
});

test('cairn status says that all is well', async () => {
  const status = JSON.parse(await guest.output('cairn status --json', { timeoutMs: 60_000 }));
  assert.equal(status.verified, true);
  assert.equal(status.persistent, true);
  assert.deepEqual(status.problems, []);
  assert.equal(status.slot, 'cairn-a');
  assert.match(status.system, /^Debian GNU\/Linux 13/);
});

test('cairn logs makes a bundle of all that tells what is wrong', async () => {
  await guest.output('cairn logs --output /tmp/logs.tar.gz', { timeoutMs: 120_000 });
  const status = await guest.output('tar -xzOf /tmp/logs.tar.gz --wildcards "*/status.txt"');
  assert.match(status, /^slot: +cairn-a$/m);
  const journal = await guest.output('tar -xzOf /tmp/logs.tar.gz --wildcards "*/journal/boot0.txt" | wc -l');
  assert.ok(Number(journal) > 100, journal);
  const boot = await guest.output('tar -xzOf /tmp/logs.tar.gz --wildcards "*/boot/*"');
  assert.match(boot, /^== loader\/entries\/cairn-1\.conf$/m);
  assert.match(boot, /^LoaderEntrySelected=cairn-1\.conf$/m);
  assert.match(boot, /^vda: COS_OEM start=/m);
  const again = await guest.run('cairn logs --output /tmp/logs.tar.gz', { timeoutMs: 120_000 });
  assert.match(again.stderr, /\/tmp\/logs.tar.gz is there already/);
  assert.notEqual(again.exitCode, 0);
});

test('cairn paths measures what can be written and what is kept', async () => {
  const { items } = JSON.parse(await guest.output('cairn paths --json', { timeoutMs: 60_000 }));
  const found = new Map<string, { writable: boolean; kept: boolean }>(
    items.map((item: { path: string; writable: boolean; kept: boolean }) => [item.path, item]),
  );
  const expected: readonly [string, boolean, boolean][] = [
    ['/', false, false],
    ['/usr', false, false],
    ['/etc', true, false],
    ['/var', true, false],
    ['/tmp', true, false],
    ['/oem', true, true],
    ['/usr/local', true, true],
    ['/home', true, true],
    ['/etc/systemd', true, true],
    ['/var/log', true, true],
  ];
  for (const [path, writable, kept] of expected) {
    assert.equal(found.get(path)?.writable, writable, `${path} writable`);
    assert.equal(found.get(path)?.kept, kept, `${path} kept`);
  }
});

test('capabilities, setuid bits, hard links and sparse files are as in the image', async () => {
  const script = `cd /usr/share/cairn-test
    stat -c '%n %a %u %g %h' setuid first second
    [ "$(stat -c %i first)" = "$(stat -c %i second)" ] && echo one inode
    stat -c '%n %s' sparse; dd if=sparse bs=1 skip=40000000 count=3 status=none; echo
    sha256sum sparse | cut -c1-16
    readlink link`;
  assert.deepEqual((await guest.output(script)).split('\n'), [
    'setuid 6755 1234 4321 1',
    'first 644 0 0 2',
    'second 644 0 0 2',
    'one inode',
    'sparse 67108864',
    'end',
    await sparseDigest(),
    'second',
    '',
  ]);
  // cap_net_admin is bit 12, cap_net_raw bit 13; revision 2 with the effective bit (capability.h).
  const xattr = await guest.output(
    "perl -e 'my $p = q(/usr/share/cairn-test/capable); my $k = q(security.capability); my $v = q( ) x 64; my $n = syscall(191, $p, $k, $v, 64); print unpack(q(H*), substr($v, 0, $n))'",
  );
  assert.equal(xattr, '0100000200300000000000000000000000000000');
});

test('a boot of a good release is no trial, and all checks of health hold', async () => {
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

/** Of 64 MiB of zeros with "end" at 40,000,000. */
async function sparseDigest(): Promise<string> {
  const { createHash } = await import('node:crypto');
  const bytes = new Uint8Array(64 << 20);
  bytes.set(new TextEncoder().encode('end'), 40_000_000);
  return createHash('sha256').update(bytes).digest('hex').slice(0, 16);
}

test('after a reboot /usr/local is there, and what was put in /etc and /var/tmp is gone', async () => {
  await guest.output(
    'echo kept > /usr/local/kept; mkdir /home/me; echo kept > /etc/systemd/kept; echo gone > /etc/gone; echo gone > /var/tmp/gone; sync',
  );
  const machineId = await guest.output('cat /etc/machine-id');
  await guest.reboot();
  guest = await logIn(machine);
  assert.equal(await guest.output('cat /usr/local/kept /etc/systemd/kept; ls /home'), 'kept\nkept\nme\n');
  assert.equal((await guest.run('ls /etc/gone /var/tmp/gone')).stdout, '');
  assert.equal(await guest.output('cat /etc/machine-id'), machineId);
  const status = JSON.parse(await guest.output('cairn status --json', { timeoutMs: 60_000 }));
  assert.deepEqual(status.problems, []);
});

test('the journal is kept over reboots', async () => {
  assert.match(
    await guest.output('journalctl --header | grep "File path" | head -n 1'),
    /\/var\/log\/journal\//,
  );
  assert.equal(await guest.output('journalctl --list-boots | grep -cE "^ *-?[0-9]+ "'), '2\n');
});
