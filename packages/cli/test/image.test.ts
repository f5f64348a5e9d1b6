import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { type Directory, makeDirectory, makeFile, makeSymlink, place } from '@cairn/tree';
import { layFramework } from '../src/image/with-framework.ts';
import { cairn, eventsOf, scratchFolder, writeSample } from './support.ts';

const MTIME = { seconds: 1_700_000_000, nanoseconds: 0 };

function systemTree(): Directory {
  const root = makeDirectory({ mtime: MTIME });
  place(root, '/usr/bin/su', makeFile('su', { mode: 0o4755, mtime: MTIME }));
  place(root, '/usr/bin/wall', makeFile('wall!', { mode: 0o2644, uid: 1, gid: 12345, mtime: MTIME }));
  place(root, '/var/tmp', makeDirectory({ mode: 0o1777, mtime: MTIME }));
  place(root, '/bin', makeSymlink('usr/bin', { mtime: MTIME }));
  place(root, '/etc/evil\x1b[31m', makeFile('red', { mtime: MTIME }));
  place(root, '/etc/dangling', makeSymlink('/nowhere', { mtime: MTIME }));
  place(root, '/etc/motd', makeFile('hello\n', { mtime: MTIME }));
  return root;
}

const LISTS: readonly (readonly [args: readonly string[], lines: readonly string[]])[] = [
  [[], ['bin', 'etc', 'usr', 'var']],
  [['/bin'], ['su', 'wall']],
  [['etc'], ['dangling', 'evil\\x1b[31m', 'motd']],
  [['/bin/su'], ['/bin/su']],
  [['/etc/dangling'], ['/etc/dangling']],
  [
    ['-R', '/bin'],
    ['/usr/bin/su', '/usr/bin/wall'],
  ],
  [['-R', '/var'], ['/var/tmp']],
  [
    ['-l', '/bin'],
    [
      '-rwsr-xr-x  0      0  2  2023-11-14 22:13:20  su',
      '-rw-r-Sr--  1  12345  5  2023-11-14 22:13:20  wall',
    ],
  ],
  [['-l', '/var'], ['drwxrwxrwt  0  0  0  2023-11-14 22:13:20  tmp']],
  [['-l', '/etc/dangling'], ['lrwxrwxrwx  0  0  8  2023-11-14 22:13:20  /etc/dangling -> /nowhere']],
];

test('ls: folders through links, links themselves, all below; no name reaches the terminal as it is', async (context) => {
  const image = await writeSample(scratchFolder(context), systemTree());
  for (const [args, lines] of LISTS) {
    const { exitCode, stdout, stderr } = await cairn(['image', 'ls', `tar:${image}`, ...args, '-q']);
    assert.equal(exitCode, 0, stderr);
    assert.deepEqual(stdout.split('\n').slice(0, -1), lines, args.join(' '));
  }
  const missing = await cairn(['image', 'ls', `tar:${image}`, '/nothing', '-q']);
  assert.match(missing.stderr, /^cairn: there is no \/nothing in tar:/);
  const outcome = await cairn(['image', 'ls', '--json', `tar:${image}`, '/etc']);
  const items = eventsOf(outcome).at(-1)?.['items'] as { path: string; target?: string; mode: string }[];
  assert.deepEqual(
    items.map(({ path, mode, target }) => [path, mode, target]),
    [
      ['dangling', '0777', '/nowhere'],
      ['evil\x1b[31m', '0644', undefined],
      ['motd', '0644', undefined],
    ],
  );
});

test('cat: the bytes of a file, and what is none', async (context) => {
  const image = await writeSample(scratchFolder(context), systemTree());
  const cat = (path: string) => cairn(['image', 'cat', `tar:${image}`, path, '-q']);
  assert.deepEqual(await cat('/etc/motd'), { exitCode: 0, stdout: 'hello\n', stderr: '' });
  assert.equal((await cat('bin/su')).stdout, 'su');
  assert.match((await cat('/etc')).stderr, /\/etc in tar:.* is a folder\nhint: .*cairn image ls/);
  assert.match((await cat('/etc/dangling')).stderr, /there is no \/etc\/dangling in tar:/);
});

test('ls and cat read EROFS file systems that others made', async (context) => {
  const folder = scratchFolder(context);
  const source = join(folder, 'source');
  mkdirSync(join(source, 'deep/er'), { recursive: true });
  execFileSync('sh', ['-c', `printf content >${source}/deep/er/file`]);
  const image = join(folder, 'other.erofs');
  execFileSync('mkfs.erofs', [image, source], { stdio: 'pipe' });
  assert.equal((await cairn(['image', 'cat', image, '/deep/er/file'])).stdout, 'content');
  assert.equal((await cairn(['image', 'ls', '-R', image])).stdout, '/deep\n/deep/er\n/deep/er/file\n');
});

test('the framework is laid over a tree as a layer would be: links followed, what is there kept', () => {
  const root = makeDirectory();
  const kept = makeFile('kept', { mode: 0o600 });
  place(root, '/usr/lib/systemd/own', kept);
  place(root, '/usr/share/real/x', makeFile('x'));
  place(root, '/usr/share/linked', makeSymlink('real'));
  const framework = makeDirectory();
  const added = makeFile('added');
  place(framework, '/usr/lib/systemd/added', added);
  place(framework, '/usr/share/linked/y', added);
  place(framework, '/usr/lib/cairn', makeDirectory({ mode: 0o700 }));
  layFramework(root, framework);
  const at = (...names: string[]) => {
    let inode: unknown = root;
    for (const name of names) inode = (inode as Directory).entries.get(name);
    return inode;
  };
  assert.equal(at('usr', 'lib', 'systemd', 'own'), kept);
  assert.equal(at('usr', 'lib', 'systemd', 'added'), added);
  assert.equal(at('usr', 'share', 'real', 'y'), added);
  assert.equal((at('usr', 'lib', 'cairn') as Directory).mode, 0o700);
});
