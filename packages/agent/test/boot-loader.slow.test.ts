import assert from 'node:assert/strict';
import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { suite, test } from 'node:test';
import { HostError } from '@cairn/host';
import { bless, settle } from '../src/bless/bless.ts';
import { loadState } from '../src/state/store.ts';
import { boot, entriesOf, hostOf, makeNode, makeRelease } from './upgrade-node.ts';

const [OLD, NEW] = await Promise.all(['1.0', '2.0'].map(makeRelease));
if (OLD === undefined || NEW === undefined) throw new TypeError('two releases');
const RELEASES = { old: OLD, next: NEW };

const FALLBACK = 'EFI/BOOT/BOOTX64.EFI';
const ENTRY = 'EFI/systemd/systemd-bootx64.efi';
const loader = (version: string, more = '') => `MZ${more}\0#### LoaderInfo: systemd-boot ${version} ####\0`;
const OURS = loader('257.13-1~deb13u1');

/** A node whose release on trial brings a boot loader, with these on its ESP. */
function node(fallback: string | undefined, entry: string | undefined, own: string | null = OURS): string {
  const root = makeNode({
    a: { ...RELEASES.old, entry: 'cairn-1.conf' },
    b: { ...RELEASES.next, entry: 'cairn-2+2-1.conf' },
  });
  boot(root, 'cairn-b', RELEASES.next.release);
  put(root, `esp/${FALLBACK}`, fallback);
  put(root, `esp/${ENTRY}`, entry);
  put(root, 'usr/lib/cairn/boot.efi', own ?? undefined);
  return root;
}

function put(root: string, path: string, content: string | undefined): void {
  if (content === undefined) return;
  mkdirSync(dirname(join(root, path)), { recursive: true });
  writeFileSync(join(root, path), content);
}

const onEsp = (root: string, path: string) =>
  existsSync(join(root, 'esp', path)) ? readFileSync(join(root, 'esp', path), 'utf8') : undefined;
const actionsOf = async (root: string) =>
  (await loadState(hostOf(root).files)).state.actions.map(({ kind, result }) => `${kind} ${result}`);

suite('the release that is blessed brings the boot loader', () => {
  const OLDER = loader('252.1');
  const NEWER = loader('258~rc1');
  const CASES: readonly {
    readonly name: string;
    readonly there: readonly [fallback: string | undefined, entry: string | undefined];
    readonly becomes: readonly [fallback: string | undefined, entry: string | undefined];
  }[] = [
    { name: 'both are older', there: [OLDER, OLDER], becomes: [OURS, OURS] },
    { name: 'both are it', there: [OURS, OURS], becomes: [OURS, OURS] },
    { name: 'both are newer', there: [NEWER, NEWER], becomes: [NEWER, NEWER] },
    { name: 'one is older', there: [OURS, OLDER], becomes: [OURS, OURS] },
    {
      name: 'of the same version, built anew',
      there: [loader('257.13-1~deb13u1', 'x'), OURS],
      becomes: [OURS, OURS],
    },
    { name: 'one is missing', there: [undefined, OLDER], becomes: [OURS, OURS] },
    { name: 'one is damaged', there: ['', OLDER], becomes: [OURS, OURS] },
  ];
  for (const { name, there, becomes } of CASES) {
    test(name, async () => {
      const root = node(...there);
      await bless(hostOf(root));
      assert.deepEqual([onEsp(root, FALLBACK), onEsp(root, ENTRY)], becomes);
      assert.deepEqual(entriesOf(root), ['cairn-1.conf', 'cairn-2.conf']);
      const changed = there.join() !== becomes.join();
      assert.deepEqual(await actionsOf(root), changed ? ['bless done', 'boot-loader done'] : ['bless done']);
      assert.equal(await bless(hostOf(root)), undefined);
    });
  }

  test('a release that has none changes none', async () => {
    const root = node(OLDER, OLDER, null);
    await bless(hostOf(root));
    assert.deepEqual([onEsp(root, FALLBACK), onEsp(root, ENTRY)], [OLDER, OLDER]);
  });

  test('an ESP that is full: the release is good all the same, the copies are as they were, and it is told', async () => {
    const root = node(OLDER, OLDER);
    const host = hostOf(root);
    const open: typeof host.files.open = async (path, mode) => {
      if (path.endsWith('BOOTX64.EFI.new'))
        throw new HostError('no-space', `cannot write ${path}: no space left`);
      return host.files.open(path, mode);
    };
    await bless({ ...host, files: { ...host.files, open } });
    assert.deepEqual([onEsp(root, FALLBACK), onEsp(root, ENTRY)], [OLDER, OLDER]);
    assert.deepEqual(readdirSync(join(root, 'esp/EFI/BOOT')), ['BOOTX64.EFI']);
    assert.deepEqual(await actionsOf(root), ['bless done', 'boot-loader failed']);
  });

  test('the old one is held open until the folder is flushed', async () => {
    const root = node(OLDER, OLDER);
    const host = hostOf(root);
    const calls: string[] = [];
    const open: typeof host.files.open = async (path, mode) => {
      const file = await host.files.open(path, mode);
      if (mode !== 'read' || !path.endsWith('BOOTX64.EFI')) return file;
      const close = file[Symbol.asyncDispose].bind(file);
      return Object.assign(file, {
        [Symbol.asyncDispose]: async () => {
          calls.push('close');
          await close();
        },
      });
    };
    const rename: typeof host.files.rename = async (from, to) => {
      if (to.endsWith('BOOTX64.EFI')) calls.push('rename');
      await host.files.rename(from, to);
    };
    const sync: typeof host.files.sync = async (path) => {
      if (path.endsWith('EFI/BOOT')) calls.push('flush');
      await host.files.sync(path);
    };
    await bless({ ...host, files: { ...host.files, open, rename, sync } });
    const at = calls.indexOf('rename');
    assert.deepEqual(calls.slice(at, at + 3), ['rename', 'flush', 'close']);
  });

  test('one that was interrupted is left, and done with the next release that is blessed', async () => {
    const root = node(OLDER, OLDER);
    const host = hostOf(root);
    const killed = new TypeError('killed');
    const rename: typeof host.files.rename = async (from, to) => {
      if (to.endsWith('systemd-bootx64.efi')) throw killed;
      await host.files.rename(from, to);
    };
    const remove: typeof host.files.remove = async (path) => {
      // As a kill leaves it: nothing is done after it.
      if (path.endsWith('systemd-bootx64.efi.new')) throw killed;
      await host.files.remove(path);
    };
    await assert.rejects(bless({ ...host, files: { ...host.files, rename, remove } }), killed);
    assert.deepEqual([onEsp(root, FALLBACK), onEsp(root, ENTRY)], [OURS, OLDER]);
    await settle(hostOf(root));
    assert.deepEqual(entriesOf(root), ['cairn-1.conf', 'cairn-2.conf']);
    assert.deepEqual([onEsp(root, FALLBACK), onEsp(root, ENTRY)], [OURS, OLDER]);
  });
});
