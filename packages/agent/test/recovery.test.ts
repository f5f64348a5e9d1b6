import assert from 'node:assert/strict';
import { mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, before, suite, test } from 'node:test';
import { HostError } from '@cairn/host';
import { settle } from '../src/bless/bless.ts';
import { EFI_VARIABLES, LOADER_VENDOR } from '../src/efi/variable.ts';
import { bootIntoRecovery, refreshRecovery } from '../src/recovery/recovery.ts';
import {
  boot,
  diskDigest,
  endProcess,
  entriesOf,
  hostOf,
  makeNode,
  makeRelease,
  removeNodes,
  type TestRelease,
  whatBoots,
} from './upgrade-node.ts';

let one: TestRelease;
let two: TestRelease;

before(async () => {
  one = await makeRelease('1.0');
  two = await makeRelease('2.0');
});
afterEach(removeNodes);

/** What recovery would boot: the node without its other entries. */
async function whatRecovers(root: string): Promise<string | undefined> {
  const folder = join(root, 'esp/loader/entries');
  for (const file of entriesOf(root)) if (!file.startsWith('cairn-recovery')) rmSync(join(folder, file));
  return whatBoots(root, [one, two]);
}

suite('cairn upgrade --recovery', () => {
  test('fills an empty recovery slot from what runs', async () => {
    const root = makeNode({ a: { ...one, entry: 'cairn-1.conf' } });
    const { done } = await refreshRecovery(hostOf(root));
    assert.ok(done);
    assert.equal(await whatBoots(root, [one, two]), '1.0');
    assert.deepEqual(entriesOf(root), ['cairn-1.conf', 'cairn-recovery.conf']);
    assert.equal(await whatRecovers(root), '1.0');
  });

  test('puts what runs in the place of an older one, whose UKI goes', async () => {
    const root = makeNode({
      a: { ...two, entry: 'cairn-2.conf' },
      recovery: { ...one, entry: 'cairn-recovery.conf' },
    });
    await refreshRecovery(hostOf(root));
    assert.throws(() => readFileSync(join(root, `esp/EFI/cairn/${one.id}.efi`)), /ENOENT/);
    assert.equal(await whatRecovers(root), '2.0');
  });

  test('changes nothing where it is there already, and where it is only looked at', async () => {
    const root = makeNode({
      a: { ...one, entry: 'cairn-1.conf' },
      recovery: { ...one, entry: 'cairn-recovery.conf' },
    });
    const digest = diskDigest(root);
    assert.equal((await refreshRecovery(hostOf(root))).plan, undefined);
    const other = makeNode({ a: { ...one, entry: 'cairn-1.conf' } });
    const before = diskDigest(other);
    const { plan } = await refreshRecovery(hostOf(other), { dryRun: true });
    assert.deepEqual(
      plan?.steps.map(({ step }) => step),
      [
        'remove-entries',
        'remove-files',
        'invalidate-slot',
        'write-slot',
        'verify-slot',
        'verify-uki',
        'commit-recovery',
      ],
    );
    assert.deepEqual([diskDigest(root), diskDigest(other)], [digest, before]);
  });

  test('waits for a release to be good', async () => {
    const root = makeNode({ a: { ...one, entry: 'cairn-1+2-1.conf' } });
    await assert.rejects(refreshRecovery(hostOf(root)), { code: 'unproven' });
  });

  test('cut at any step leaves the node booting, and no recovery that is not whole', async () => {
    for (let cut = 0; cut < 40; cut++) {
      const root = makeNode({
        a: { ...two, entry: 'cairn-2.conf' },
        recovery: { ...one, entry: 'cairn-recovery.conf' },
      });
      const host = hostOf(root);
      let left = cut;
      const fail = <T>(value: T): T => {
        if (left-- <= 0) throw new HostError('io', 'cut');
        return value;
      };
      const files = {
        ...host.files,
        remove: async (path: string) => fail(host.files.remove(path)),
        rename: async (from: string, to: string) => fail(host.files.rename(from, to)),
      };
      const whole = await refreshRecovery({ ...host, files }).then(
        () => true,
        () => false,
      );
      endProcess(root);
      boot(root, 'cairn-a', two.release);
      await settle(hostOf(root));
      assert.equal(await whatBoots(root, [one, two]), '2.0', `after ${cut}`);
      const recovers = await whatRecovers(root);
      assert.ok(
        recovers === undefined || recovers === '2.0' || recovers === '1.0',
        `after ${cut}: ${recovers}`,
      );
      if (whole) return;
    }
    assert.fail('it never came to its end');
  });
});

suite('cairn boot-into recovery', () => {
  function withEfi(root: string): void {
    mkdirSync(join(root, EFI_VARIABLES), { recursive: true });
    const line = `40 30 0:40 / ${EFI_VARIABLES} rw - efivarfs efivarfs rw\n`;
    writeFileSync(join(root, 'proc/self/mountinfo'), line, { flag: 'a' });
  }

  test('tells the loader, once', async () => {
    const root = makeNode({
      a: { ...one, entry: 'cairn-1.conf' },
      recovery: { ...one, entry: 'cairn-recovery.conf' },
    });
    withEfi(root);
    await bootIntoRecovery(hostOf(root));
    const bytes = readFileSync(join(root, EFI_VARIABLES, `LoaderEntryOneShot-${LOADER_VENDOR}`));
    assert.equal(bytes.readUInt32LE(0), 7);
    assert.equal(bytes.subarray(4).toString('utf16le'), 'cairn-recovery.conf\0');
  });

  test('is refused where there is no recovery release, or only a part of it', async () => {
    const empty = makeNode({ a: { ...one, entry: 'cairn-1.conf' } });
    const damaged = makeNode({
      a: { ...one, entry: 'cairn-1.conf' },
      recovery: { ...two, entry: 'cairn-recovery.conf' },
    });
    writeFileSync(join(damaged, 'dev/vda4'), new Uint8Array(2 << 20));
    for (const root of [empty, damaged]) {
      withEfi(root);
      await assert.rejects(bootIntoRecovery(hostOf(root)), {
        code: 'no-fallback',
        hint: /cairn upgrade --recovery/,
      });
    }
  });
});
