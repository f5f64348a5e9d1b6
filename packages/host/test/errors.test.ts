import assert from 'node:assert/strict';
import { chmodSync, mkdirSync, readdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { suite, test } from 'node:test';
import { type Files, HostError, type HostErrorCode, realFiles } from '../src/index.ts';
import { NEEDS_ROOT, scratch, smallDisk, tool } from './scratch.ts';

const files = realFiles();

suite('an error says what was being done to what', () => {
  interface Case {
    readonly name: string;
    readonly code: HostErrorCode;
    readonly message: RegExp;
    readonly path?: string;
    readonly run: (path: string, files: Files) => Promise<unknown>;
  }
  const bytes = new Uint8Array(1);
  const cases: readonly Case[] = [
    {
      name: 'reading what is missing',
      code: 'not-found',
      message: /^cannot open .*missing: there is no such file$/,
      path: 'missing',
      run: (path, files) => files.open(path, 'read'),
    },
    {
      name: 'changing what is missing',
      code: 'not-found',
      message: /^cannot open .*missing/,
      path: 'missing',
      run: (path, files) => files.open(path, 'change'),
    },
    {
      name: 'making what is there',
      code: 'exists',
      message: /^cannot open .*file: it exists already$/,
      run: (path, files) => files.open(path, 'create'),
    },
    {
      name: 'making a file below a file',
      code: 'not-found',
      message: /^cannot open .*file\/x/,
      path: 'file/x',
      run: (path, files) => files.open(path, 'create'),
    },
    {
      name: 'opening a folder',
      code: 'wrong-kind',
      message: /it is a folder/,
      path: '.',
      run: (path, files) => files.open(path, 'read'),
    },
    {
      name: 'opening a device that is none to read by position',
      code: 'wrong-kind',
      message: /\/dev\/null: it is a device/,
      path: '/dev/null',
      run: (path, files) => files.open(path, 'read'),
    },
    {
      name: 'reading a folder',
      code: 'io',
      message: /^cannot read .*EISDIR/,
      path: '.',
      run: (path, files) => files.read(path),
    },
    {
      name: 'replacing in a folder that is missing',
      code: 'not-found',
      message: /^cannot write .*missing\/x/,
      path: 'missing/x',
      run: (path, files) => files.replace(path, bytes),
    },
    {
      name: 'a folder where a file is',
      code: 'exists',
      message: /^cannot make the folder .*file/,
      run: (path, files) => files.makeDirectory(path),
    },
    {
      name: 'a link where a file is',
      code: 'exists',
      message: /^cannot make the link .*file/,
      run: (path, files) => files.symlink('x', path),
    },
    {
      name: 'renaming what is missing',
      code: 'not-found',
      message: /^cannot rename .*missing to .*missing2: there is/,
      path: 'missing',
      run: (path, files) => files.rename(path, `${path}2`),
    },
    {
      name: 'the owner of what is missing',
      code: 'not-found',
      message: /^cannot change the owner of .*missing/,
      path: 'missing',
      run: (path, files) => files.setOwner(path, 0, 0),
    },
    {
      name: 'the mode of what is missing',
      code: 'not-found',
      message: /^cannot change the mode of .*missing/,
      path: 'missing',
      run: (path, files) => files.setMode(path, 0),
    },
    {
      name: 'a loop of links',
      code: 'io',
      message: /^cannot look at .*loop: ELOOP/,
      path: 'loop',
      run: (path, files) => files.stat(path),
    },
    {
      name: 'a name that is too long',
      code: 'io',
      message: /ENAMETOOLONG/,
      path: 'n'.repeat(300),
      run: (path, files) => files.open(path, 'create'),
    },
  ];
  for (const { name, code, message, path = 'file', run } of cases) {
    test(name, async () => {
      using folder = scratch();
      writeFileSync(join(folder.path, 'file'), 'x');
      symlinkSync('loop', join(folder.path, 'loop'));
      const full = path.startsWith('/') ? path : join(folder.path, path);
      await assert.rejects(run(full, files), (error) => {
        assert.ok(error instanceof HostError, String(error));
        assert.equal(error.code, code);
        assert.match(error.message, message);
        return true;
      });
    });
  }

  test('a pipe is refused at once, not waited for', async () => {
    using folder = scratch();
    tool('mkfifo', join(folder.path, 'pipe'));
    await assert.rejects(files.open(join(folder.path, 'pipe'), 'read'), {
      code: 'wrong-kind',
      message: /it is a pipe/,
    });
  });

  test('a file system that is mounted read-only', { skip: NEEDS_ROOT }, async () => {
    using disk = smallDisk('64k');
    tool('mount', '-o', 'remount,ro', disk.path);
    await assert.rejects(files.open(join(disk.path, 'x'), 'create'), {
      code: 'denied',
      message: /x: not permitted$/,
    });
    await assert.rejects(files.replace(join(disk.path, 'x'), 'x'), { code: 'denied' });
  });

  test('a folder that another user may not read', { skip: NEEDS_ROOT }, () => {
    using folder = scratch();
    mkdirSync(join(folder.path, 'locked'), { mode: 0o700 });
    chmodSync(folder.path, 0o755);
    // Root may all: so this runs as somebody else, in a process of its own.
    const program = `
      const { realFiles } = await import(${JSON.stringify(new URL('../src/index.ts', import.meta.url).href)});
      process.setgid(65534); process.setuid(65534);
      const codes = [];
      for (const attempt of [
        () => realFiles().list(${JSON.stringify(join(folder.path, 'locked'))}),
        () => realFiles().read(${JSON.stringify(join(folder.path, 'locked/x'))}),
        () => realFiles().open(${JSON.stringify(join(folder.path, 'locked/x'))}, 'create'),
        () => realFiles().setOwner(${JSON.stringify(folder.path)}, 65534, 65534),
      ]) codes.push(await attempt().then(() => 'done', (error) => error.code));
      console.log(codes.join(' '));`;
    assert.equal(tool(process.execPath, '--input-type=module', '-e', program), 'denied denied denied denied');
  });
});

suite('a disk that is full', { skip: NEEDS_ROOT }, () => {
  test('is told as such by every way to write', async () => {
    using disk = smallDisk('64k');
    await using file = await files.open(join(disk.path, 'big'), 'create');
    await assert.rejects(async () => file.write(0, new Uint8Array(200_000)), {
      code: 'no-space',
      message: /^cannot write to .*big: no space is left/,
    });
    await assert.rejects(files.replace(join(disk.path, 'x'), new Uint8Array(200_000)), {
      code: 'no-space',
      message: /^cannot write .*x: no space/,
    });
  });

  test('keeps the old file when it cannot be replaced, and nothing beside it', async () => {
    using disk = smallDisk('64k');
    const path = join(disk.path, 'config');
    await files.replace(path, 'old');
    await assert.rejects(files.replace(path, new Uint8Array(200_000)), { code: 'no-space' });
    assert.deepEqual(readdirSync(disk.path), ['config']);
    assert.equal(readFileSync(path, 'utf8'), 'old');
    await files.replace(path, 'new');
    assert.equal(readFileSync(path, 'utf8'), 'new');
  });
});

test('no file stays open behind a failure', async () => {
  const before = readdirSync('/proc/self/fd').length;
  using folder = scratch();
  for (let index = 0; index < 20; index++) {
    await files.open(join(folder.path, 'missing'), 'read').catch(() => {});
    await files.open(folder.path, 'read').catch(() => {});
    await files.read('/dev/zero', 10).catch(() => {});
  }
  assert.equal(readdirSync('/proc/self/fd').length, before);
});
