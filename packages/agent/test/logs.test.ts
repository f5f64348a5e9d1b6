import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { mkdirSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { test } from 'node:test';
import { HostError } from '@cairn/host';
import { type FakeProgram, fakeHost } from '@cairn/testkit';
import { bundleLogs, withoutSecrets } from '../src/logs/bundle.ts';
import { fakeNode } from './fake-node.ts';

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
