import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { suite, test } from 'node:test';
import { HostError } from '@cairn/host';
import { type FakeProgram, fakeHost } from '@cairn/testkit';
import { encodeLoadOption } from '../src/efi/load-option.ts';
import {
  EFI_GLOBAL,
  encodeText,
  encodeVariable,
  KEPT,
  LOADER_VENDOR,
  variablePath,
} from '../src/efi/variable.ts';
import { bundleLogs, withoutSecrets } from '../src/logs/bundle.ts';
import { fakeNode } from './fake-node.ts';
import { hostOf, makeNode, makeRelease } from './upgrade-node.ts';

const { signal } = new AbortController();

function tar(bytes: Uint8Array, ...args: readonly string[]): string {
  return execFileSync('tar', [...args, '-z', '-f', '-'], { input: bytes, encoding: 'utf8' });
}

test('a bundle is an archive of all that there is, and says what there is not', async () => {
  const root = fakeNode();
  const put = (path: string, content: string) => {
    mkdirSync(dirname(join(root, path)), { recursive: true });
    writeFileSync(join(root, path), content);
  };
  put('/oem/.cairn/state.0.json', '{"sequence": 1}\n');
  put('/oem/90_custom.yaml', '#cloud-config\nusers: [{ name: me, passwd: hunter2 }]\n');
  put('/sys/class/dmi/id/sys_vendor', 'QEMU\n');
  put('/sys/class/dmi/id/product_serial', 'S3CR3T\n');
  const journalctl: FakeProgram = ([, ...args]) => ({
    stdout: args.includes('-3') ? '' : 'sshd: password=hunter2 was wrong\nall is well\n',
    exitCode: args.includes('-3') ? 1 : 0,
  });
  const dmesg: FakeProgram = () => {
    throw new HostError('not-found', 'the program dmesg is not installed');
  };
  const notes: string[] = [];
  const { bytes, parts } = await bundleLogs(fakeHost({ root, programs: { journalctl, dmesg } }), {
    signal,
    onProgress: ({ note = '' }) => notes.push(note),
  });
  const names = tar(bytes, '-t').trim().split('\n');
  const [folder = ''] = names[0]?.split('/') ?? [];
  assert.ok(names.every((name) => name.startsWith(`${folder}/`)));
  const has = (name: string) => tar(bytes, '-x', '-O', `${folder}/${name}`);
  assert.equal(has('journal/boot0.txt'), 'sshd: password=*** was wrong\nall is well\n');
  assert.match(has('journal/boot-3.txt'), /exit code 1/);
  assert.match(has('state.txt'), /== \/oem\/.cairn\/state.0.json\n{"sequence": 1}/);
  assert.equal(has('hardware/machine.txt'), 'id: sys_vendor=QEMU\n');
  assert.match(has('configuration.txt'), /^\/oem\/90_custom.yaml: 53 bytes, mode 644$/m);
  assert.doesNotMatch(tar(bytes, '-x', '-O'), /hunter2|S3CR3T/);
  const manifest = JSON.parse(has('manifest.json'));
  assert.deepEqual(manifest.parts, JSON.parse(JSON.stringify(parts)));
  const missing = Object.fromEntries(parts.map(({ name, missing }) => [name, missing]));
  assert.match(missing['kernel-log.txt'] ?? '', /dmesg is not installed/);
  assert.equal(missing['hardware/usb.txt'], 'this machine has none');
  assert.match(missing['status.txt'] ?? '', /was not booted by Cairn/);
  assert.equal(notes.length, parts.length);
});

suite('how the machine boots', async () => {
  const release = await makeRelease('1.0');
  const variable = (data: Uint8Array) => encodeVariable({ attributes: KEPT, data });

  async function partsOf(root: string): Promise<(name: string) => string> {
    const { bytes } = await bundleLogs(hostOf(root), { signal });
    return (name) => tar(bytes, '-x', '-O', '--wildcards', `*/boot/${name}`);
  }

  test('entries, partitions, the loader’s and the firmware’s variables, the last panic', async () => {
    const root = makeNode({ a: { ...release, entry: 'cairn-1.conf' } });
    const put = (path: string, content: Uint8Array | string) => {
      mkdirSync(dirname(join(root, path)), { recursive: true });
      writeFileSync(join(root, path), content);
    };
    const partition = { number: 1, start: 2048, size: 4096, uuid: '11111111-2222-3333-4444-555555555555' };
    const option = { active: true, description: 'Cairn', partition, file: '/EFI/systemd/x.efi' };
    const variables: readonly (readonly [string, string, Uint8Array])[] = [
      ['LoaderEntrySelected', LOADER_VENDOR, encodeText('cairn-1.conf')],
      ['LoaderSystemToken', LOADER_VENDOR, encodeText('S3CR3T')],
      ['BootOrder', EFI_GLOBAL, Uint8Array.of(7, 0, 1, 0)],
      ['Boot0007', EFI_GLOBAL, encodeLoadOption(option)],
      ['Boot0001', EFI_GLOBAL, encodeText('net')],
    ];
    for (const [name, vendor, data] of variables) put(variablePath(name, vendor), variable(data));
    put('/sys/fs/pstore/dmesg-ramoops-0', 'Panic#1 Part1\n<0>[ 1.0] Kernel panic - not syncing: x\n');
    const has = await partsOf(root);
    assert.match(has('loader.txt'), /^== loader\/entries\/cairn-1.conf\ntitle Sample OS 1.0$/m);
    assert.match(has('loader.txt'), new RegExp(`^EFI/cairn/${release.id}.efi: \\d+ bytes$`, 'm'));
    assert.match(has('partitions.txt'), /^vda: cairn-a start=\d+ size=1048576 uuid=/m);
    const efi = has('efi-variables.txt');
    assert.match(efi, /^LoaderEntrySelected=cairn-1.conf$/m);
    assert.match(efi, /^BootOrder=0007 0001$/m);
    assert.match(efi, /^Boot0007=Cairn: \/EFI\/systemd\/x.efi on 11111111-/m);
    assert.match(efi, /^Boot0001=no file on a partition$/m);
    assert.match(efi, /^LoaderSystemToken-/m);
    assert.doesNotMatch(efi, /S3CR3T/);
    assert.match(has('last-panic.txt'), /Kernel panic - not syncing: x/);
    assert.doesNotMatch(readFileSync(join(root, 'proc/self/mountinfo'), 'utf8'), /vfat/);
  });

  test('while another action runs the loader is not looked at, and the bundle says so', async () => {
    const root = makeNode({ a: { ...release, entry: 'cairn-1.conf' } });
    writeFileSync(join(root, 'run/cairn/lock'), '77 5000 upgrade\n');
    const { parts } = await bundleLogs(hostOf(root), { signal });
    const loader = parts.find(({ name }) => name === 'boot/loader.txt');
    assert.match(loader?.missing ?? '', /cairn upgrade/);
  });
});

test('a bundle that is called off is none', async () => {
  const off = AbortSignal.abort(new Error('stopped'));
  await assert.rejects(bundleLogs(fakeHost({ root: fakeNode() }), { signal: off }), /stopped/);
});

const SECRETS: readonly (readonly [string, string])[] = [
  [
    'a\n-----BEGIN OPENSSH PRIVATE KEY-----\nAAAA\nBBBB\n-----END OPENSSH PRIVATE KEY-----\nb',
    'a\n*** a private key ***\nb',
  ],
  ['-----BEGIN PRIVATE KEY-----\nAAAA', '*** a private key ***'],
  ['url=https://me:hunter2@host/', 'url=https://me:***@host/'],
  ['--token abc', '--token ***'],
];
for (const [text, clean] of SECRETS) {
  test(`without secrets: ${clean.replaceAll('\n', '|')}`, () => assert.equal(withoutSecrets(text), clean));
}
