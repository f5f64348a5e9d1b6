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
import { dirname, join } from 'node:path';
import { afterEach, before, suite, test } from 'node:test';
import { HostError } from '@cairn/host';
import { type FakeProgram, fakeHost } from '@cairn/testkit';
import { EFI_VARIABLES, LOADER_VENDOR } from '../src/efi/variable.ts';
import { performReset } from '../src/reset/perform.ts';
import { encodeReset, parseReset, type ResetRequest } from '../src/reset/request.ts';
import { requestReset } from '../src/reset/reset.ts';
import { loadState } from '../src/state/store.ts';
import { fakeNode } from './fake-node.ts';
import { boot, hostOf, makeNode, makeRelease, removeNodes, type TestRelease } from './upgrade-node.ts';

const DISK = {
  device: '/dev/vda',
  slot: 'cairn-recovery',
  partitions: new Map([
    ['COS_OEM', '/dev/vda5'],
    ['COS_PERSISTENT', '/dev/vda6'],
  ]),
};
const REQUEST: ResetRequest = {
  formatVersion: 1,
  keep: [],
  identity: false,
  oem: false,
  at: '2026-01-01T00:00:00Z',
};
const PERSISTENT = [
  'identity/machine-id',
  'state/home/data/me',
  'state/etc-ssh/data/ssh_host_ed25519_key',
  'state/var-log/data/syslog',
  'work/upgrade/x',
];

/** A recovery boot in its initrd: the two partitions are folders that mount(8) puts in place. */
function recoveryBoot(request: ResetRequest | undefined) {
  const root = fakeNode();
  const put = (path: string, content: string) => {
    mkdirSync(dirname(join(root, path)), { recursive: true });
    writeFileSync(join(root, path), content);
  };
  for (const path of PERSISTENT) put(`/disk/vda6/${path}`, 'x');
  put('/disk/vda5/90_custom.yaml', 'x');
  put('/disk/vda5/.cairn/state.0.json', 'x');
  if (request !== undefined) put('/disk/vda5/.cairn/reset.json', encodeReset(request));
  const programs: Record<string, FakeProgram> = {
    mount: (argv) => {
      const [device = '', target = ''] = argv.slice(-2);
      rmSync(join(root, target), { recursive: true });
      symlinkSync(join(root, 'disk', device.slice(5)), join(root, target));
      return {};
    },
    umount: ([, target = '']) => {
      rmSync(join(root, target));
      return {};
    },
    sync: () => ({}),
    'mkfs.ext4': () => {
      rmSync(join(root, 'disk/vda6'), { recursive: true });
      mkdirSync(join(root, 'disk/vda6'));
      return {};
    },
  };
  const left = (partition: string) =>
    readdirSync(join(root, 'disk', partition), { recursive: true, withFileTypes: true })
      .filter((entry) => entry.isFile())
      .map((entry) => join(entry.parentPath, entry.name).slice(join(root, 'disk', partition).length + 1))
      .sort();
  return { root, programs, left, host: fakeHost({ root, programs }) };
}

suite('a reset', () => {
  const CASES: readonly (readonly [Partial<ResetRequest>, readonly string[]])[] = [
    [{}, []],
    [{ identity: true }, ['identity/machine-id', 'state/etc-ssh/data/ssh_host_ed25519_key']],
    [{ keep: ['/home'] }, ['state/home/data/me']],
    [
      { keep: ['/home', '/var/log'], identity: true },
      PERSISTENT.filter((path) => !path.startsWith('work')).toSorted(),
    ],
  ];
  for (const [wanted, expected] of CASES) {
    test(`with ${JSON.stringify(wanted)} leaves ${expected.length} files`, async () => {
      const { host, left, root } = recoveryBoot({ ...REQUEST, ...wanted });
      const problems: string[] = [];
      assert.equal(await performReset(host, DISK, problems), true);
      assert.deepEqual([problems, left('vda6')], [[], expected]);
      assert.ok(existsSync(join(root, 'disk/vda5/90_custom.yaml')));
      assert.ok(!existsSync(join(root, 'disk/vda5/.cairn/reset.json')), 'it is done once');
      const { state } = await loadState(host.files, '/disk/vda5/.cairn');
      assert.equal(state.actions.at(-1)?.kind, 'reset');
    });
  }

  test('of OEM leaves what the node remembers of its releases', async () => {
    const { host, left } = recoveryBoot({ ...REQUEST, oem: true });
    await performReset(host, DISK, []);
    assert.ok(
      left('vda5').every((path) => path.startsWith('.cairn/')),
      left('vda5').join(),
    );
  });

  test('that nobody asked for is not done', async () => {
    const { host, left } = recoveryBoot(undefined);
    assert.equal(await performReset(host, DISK, []), false);
    assert.deepEqual(left('vda6'), PERSISTENT.toSorted());
  });

  test('that is not understood is told of, and not done', async () => {
    const { host, left, root } = recoveryBoot(REQUEST);
    writeFileSync(
      join(root, 'disk/vda5/.cairn/reset.json'),
      '{"formatVersion":1,"keep":["/etc/passwd"],"at":"x"}',
    );
    const problems: string[] = [];
    assert.equal(await performReset(host, DISK, problems), false);
    assert.match(problems.join(), /the reset was not done.*\/etc\/passwd is none of the paths/);
    assert.deepEqual(left('vda6'), PERSISTENT.toSorted());
  });

  test('cut at any moment is done by the next boot of recovery', async () => {
    const wanted = { ...REQUEST, keep: ['/home'], oem: true };
    for (let cut = 0; ; cut++) {
      const { root, programs, left, host } = recoveryBoot(wanted);
      let steps = cut;
      const files = {
        ...host.files,
        remove: async (path: string) => {
          if (steps-- <= 0) throw new HostError('io', 'cut');
          await host.files.remove(path);
        },
      };
      const done = await performReset({ ...host, files }, DISK, []);
      await performReset(fakeHost({ root, programs }), DISK, []);
      assert.deepEqual(left('vda6'), ['state/home/data/me'], `after ${cut}`);
      assert.ok(!existsSync(join(root, 'disk/vda5/90_custom.yaml')), `after ${cut}`);
      if (done) break;
      assert.ok(cut < 50, 'it comes to its end');
    }
  });

  test('request is read as it was written, and nothing else is', () => {
    const request = { ...REQUEST, keep: ['/home', '/etc/ssh'], identity: true };
    assert.deepEqual(parseReset(new TextEncoder().encode(encodeReset(request))), request);
    for (const text of ['', '[]', '{}', '{"formatVersion":1}', '{"formatVersion":1,"keep":[1],"at":""}']) {
      assert.throws(() => parseReset(new TextEncoder().encode(text)), { name: 'AgentError' });
    }
  });
});

suite('cairn reset', () => {
  let release: TestRelease;
  before(async () => {
    release = await makeRelease('1.0');
  });
  afterEach(removeNodes);

  function node(booted: string): string {
    const root = makeNode({
      a: { ...release, entry: 'cairn-1.conf' },
      recovery: { ...release, entry: 'cairn-recovery.conf' },
    });
    boot(root, booted, release.release);
    mkdirSync(join(root, EFI_VARIABLES), { recursive: true });
    const line = `40 30 0:40 / ${EFI_VARIABLES} rw - efivarfs efivarfs rw\n`;
    writeFileSync(join(root, 'proc/self/mountinfo'), line, { flag: 'a' });
    return root;
  }
  const OPTIONS = { keep: ['/home'], identity: false, oem: false, now: false };
  const asked = (root: string) => existsSync(join(root, 'oem/.cairn/reset.json'));
  const told = (root: string) => existsSync(join(root, EFI_VARIABLES, `LoaderEntryOneShot-${LOADER_VENDOR}`));

  test('asks for it in recovery, and elsewhere only with --now', async () => {
    const recovery = node('cairn-recovery');
    await requestReset(hostOf(recovery), OPTIONS);
    assert.deepEqual([asked(recovery), told(recovery)], [true, true]);
    assert.deepEqual(parseReset(readFileSync(join(recovery, 'oem/.cairn/reset.json'))).keep, ['/home']);
    const system = node('cairn-a');
    await assert.rejects(requestReset(hostOf(system), OPTIONS), { code: 'unfit', hint: /--now/ });
    assert.deepEqual([asked(system), told(system)], [false, false]);
    await requestReset(hostOf(system), { ...OPTIONS, now: true });
    assert.deepEqual([asked(system), told(system)], [true, true]);
  });

  test('asks for nothing with a path that is not kept, without a recovery release, or if it is only looked at', async () => {
    const root = node('cairn-a');
    const now = { ...OPTIONS, now: true };
    await assert.rejects(requestReset(hostOf(root), { ...now, keep: ['/usr'] }), { code: 'bad-request' });
    await requestReset(hostOf(root), { ...now, dryRun: true });
    writeFileSync(join(root, 'dev/vda4'), new Uint8Array(2 << 20));
    await assert.rejects(requestReset(hostOf(root), now), { code: 'no-fallback' });
    assert.deepEqual([asked(root), told(root)], [false, false]);
  });
});
