import assert from 'node:assert/strict';
import { mkdirSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { test } from 'node:test';
import { fakeHost } from '@cairn/testkit';
import { nodeCommands } from '../src/commands.ts';
import { measurePaths } from '../src/paths/measure.ts';
import { readStatus } from '../src/status/status.ts';
import { fakeNode, ROOT_HASH } from './fake-node.ts';

const RECORD = {
  formatVersion: 1,
  rootHash: ROOT_HASH,
  slot: 'cairn-a',
  disk: '/dev/vda',
  persistent: true,
  firstBoot: false,
  problems: [],
  took: 900,
};

const MOUNTS = [
  '30 1 254:0 / / ro,relatime - erofs /dev/mapper/root ro',
  '31 30 0:30 / /etc rw - overlay overlay rw,lowerdir=/run/cairn/image/etc,upperdir=/run/cairn/volatile/etc/data',
  '32 30 0:31 / /opt rw - overlay overlay rw,lowerdir=/i/opt,upperdir=/run/cairn/persistent/state/opt/data',
  '33 30 254:6 /state/home/data /home rw - ext4 /dev/vda6 rw',
  '34 30 0:40 / /tmp rw - tmpfs tmpfs rw',
  '35 30 254:6 / /run/cairn/persistent rw - ext4 /dev/vda6 rw',
];

function running(files: Readonly<Record<string, string>>): string {
  const root = fakeNode();
  const all = {
    '/run/cairn/boot.json': JSON.stringify(RECORD),
    '/proc/self/mountinfo': `${MOUNTS.join('\n')}\n`,
    '/sys/dev/block/254:0/dm/uuid': 'CRYPT-VERITY-0102-root\n',
    '/etc/os-release': 'NAME="Debian"\nPRETTY_NAME="Debian GNU/Linux 13 (trixie)"\n',
    '/proc/sys/kernel/osrelease': '6.12.1\n',
    '/run/cairn/up': '12.34\n',
    ...files,
  };
  for (const [path, content] of Object.entries(all)) {
    mkdirSync(dirname(join(root, path)), { recursive: true });
    writeFileSync(join(root, path), content);
  }
  return root;
}

test('a healthy node says so', async () => {
  const status = await readStatus(fakeHost({ root: running({}) }).files);
  assert.deepEqual(status, {
    system: 'Debian GNU/Linux 13 (trixie)',
    kernel: '6.12.1',
    slot: 'cairn-a',
    rootHash: ROOT_HASH,
    verified: true,
    persistent: true,
    live: false,
    upAfter: 12.34,
    problems: [],
  });
});

const UNHEALTHY: readonly [string, Record<string, string>, RegExp][] = [
  [
    'the root is writable',
    { '/proc/self/mountinfo': '30 1 254:0 / / ro - erofs /dev/mapper/root rw\n' },
    /mounted read-only/,
  ],
  [
    'the root is another file system',
    { '/proc/self/mountinfo': '30 1 254:0 / / ro - ext4 /dev/vda1 ro\n' },
    /EROFS/,
  ],
  ['the device below is not verity', { '/sys/dev/block/254:0/dm/uuid': 'CRYPT-LUKS2-x\n' }, /dm-verity/],
  [
    'the boot noted a problem',
    { '/run/cairn/boot.json': JSON.stringify({ ...RECORD, problems: ['no disk'] }) },
    /no disk/,
  ],
  [
    'the record is of another boot',
    { '/run/cairn/boot.json': JSON.stringify({ ...RECORD, rootHash: '0'.repeat(64) }) },
    /another root/,
  ],
];

for (const [name, files, problem] of UNHEALTHY) {
  test(`status tells when ${name}, and exits with 1`, async () => {
    const command = nodeCommands.find((each) => each.name === 'status');
    const answer = await command?.run(fakeHost({ root: running(files) }), {}, new AbortController().signal);
    assert.equal(answer?.healthy, false);
    assert.match(answer?.text ?? '', problem);
  });
}

for (const record of ['', '{', '[]', '{"formatVersion":2}', 'null']) {
  test(`a machine with the boot record "${record}" is no node`, async () => {
    const { files } = fakeHost({ root: running({ '/run/cairn/boot.json': record }) });
    await assert.rejects(readStatus(files), { code: 'not-a-node' });
  });
}

test('paths are measured by mount and by writing', async () => {
  const host = fakeHost({ root: running({}) });
  const paths = new Map((await measurePaths(host.files)).map((path) => [path.path, path]));
  assert.equal(paths.get('/etc')?.kept, false);
  assert.equal(paths.get('/etc')?.on, 'overlay in memory');
  assert.equal(paths.get('/home')?.on, undefined, 'what is not there is not listed');
});
