import assert from 'node:assert/strict';
import {
  chmodSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { suite, test } from 'node:test';
import { HostError, realFiles } from '../src/index.ts';
import { scratch, tool } from './scratch.ts';

const files = realFiles();

suite('replacing a file', () => {
  test('takes bytes and text, and the mode', async () => {
    using folder = scratch();
    const path = join(folder.path, 'x');
    await files.replace(path, Uint8Array.of(1, 2), 0o600);
    assert.deepEqual([...readFileSync(path)], [1, 2]);
    assert.equal(statSync(path).mode & 0o7777, 0o600);
    await files.replace(path, 'text', 0o444);
    assert.equal(readFileSync(path, 'utf8'), 'text');
    assert.equal(statSync(path).mode & 0o7777, 0o444);
    assert.deepEqual(readdirSync(folder.path), ['x']);
  });

  test('is seen whole or not at all, however many write at once', async () => {
    using folder = scratch();
    const path = join(folder.path, 'x');
    const contents = Array.from({ length: 12 }, (_, index) => String(index).repeat(100_000));
    await files.replace(path, contents[0] ?? '');
    const done = new AbortController();
    async function look(): Promise<number> {
      let times = 0;
      while (!done.signal.aborted) {
        assert.ok(contents.includes((await files.readText(path)) ?? 'missing'), 'a part of a file was seen');
        times++;
      }
      return times;
    }
    const looking = look();
    await Promise.all(contents.map((content) => files.replace(path, content)));
    done.abort();
    assert.ok((await looking) > 0);
    assert.ok(contents.includes(readFileSync(path, 'utf8')));
    assert.deepEqual(readdirSync(folder.path), ['x']);
  });

  test('that fails at the last step leaves nothing beside it', async () => {
    using folder = scratch();
    mkdirSync(join(folder.path, 'x/full'), { recursive: true });
    await assert.rejects(
      files.replace(join(folder.path, 'x'), 'text'),
      (error) => error instanceof HostError,
    );
    assert.deepEqual(readdirSync(folder.path), ['x']);
  });

  test('replaces a link, not what it leads to', async () => {
    using folder = scratch();
    writeFileSync(join(folder.path, 'target'), 'kept');
    symlinkSync('target', join(folder.path, 'link'));
    await files.replace(join(folder.path, 'link'), 'new');
    assert.equal(readFileSync(join(folder.path, 'target'), 'utf8'), 'kept');
    assert.equal((await files.lstat(join(folder.path, 'link')))?.kind, 'file');
  });
});

suite('a whole small file', () => {
  test('is read up to the limit', async () => {
    using folder = scratch();
    const path = join(folder.path, 'x');
    for (const length of [0, 1, 4095, 4096, 4097, 100_000]) {
      const content = 'x'.repeat(length);
      writeFileSync(path, content);
      assert.equal(await files.readText(path, length), content);
      assert.equal((await files.read(path))?.length, length);
      if (length > 0) {
        await assert.rejects(files.read(path, length - 1), {
          code: 'too-large',
          message: `${path} has ${length} bytes, more than the ${length - 1} allowed here`,
        });
      }
    }
  });

  test('is never a pipe, which would be waited for without an end', async () => {
    using folder = scratch();
    const pipe = join(folder.path, 'pipe');
    tool('mkfifo', pipe);
    await assert.rejects(files.read(pipe), {
      code: 'wrong-kind',
      message: `cannot read ${pipe}: it is a pipe`,
    });
  });

  test('that says it has no bytes is read to its end, and no further than the limit', async () => {
    const mounts = readFileSync('/proc/self/mountinfo', 'utf8');
    assert.equal(await files.readText('/proc/self/mountinfo'), mounts);
    await assert.rejects(files.read('/proc/self/mountinfo', 10), { code: 'too-large' });
    await assert.rejects(files.read('/dev/zero', 1 << 20), { code: 'too-large' });
  });

  test('that is missing, or below a file, is undefined', async () => {
    using folder = scratch();
    writeFileSync(join(folder.path, 'file'), '');
    for (const name of ['missing', 'file/x', 'missing/x']) {
      const path = join(folder.path, name);
      assert.equal(await files.read(path), undefined);
      assert.equal(await files.readText(path), undefined);
      assert.equal(await files.stat(path), undefined);
      assert.equal(await files.lstat(path), undefined);
      assert.equal(await files.readLink(path), undefined);
      assert.deepEqual(await files.list(path), []);
      await files.remove(join(folder.path, 'missing'));
    }
  });
});

suite('folders', () => {
  test('are listed in byte order', async () => {
    using folder = scratch();
    const names = ['a', 'B', 'a-', 'a.b', 'é', '\u{ff5e}', '\u{1f600}', 'z'];
    for (const name of names) writeFileSync(join(folder.path, name), '');
    const expected = tool('sh', '-c', `ls -A '${folder.path}' | LC_ALL=C sort`).split('\n');
    assert.deepEqual(await files.list(folder.path), expected);
    assert.deepEqual(await files.list(join(folder.path, 'a')), []);
  });

  test('are made with their parents, and removed with what is in them', async () => {
    using folder = scratch();
    const path = join(folder.path, 'a/b/c');
    await files.makeDirectory(path, 0o750);
    await files.makeDirectory(path);
    assert.equal(statSync(path).mode & 0o7777, 0o750);
    writeFileSync(join(path, 'x'), '');
    await files.remove(join(folder.path, 'a'));
    assert.deepEqual(readdirSync(folder.path), []);
  });
});

test('what a path is', async () => {
  using folder = scratch();
  writeFileSync(join(folder.path, 'file'), 'four');
  chmodSync(join(folder.path, 'file'), 0o4750);
  await files.symlink('file', join(folder.path, 'link'));
  const kinds = new Map<string, string | undefined>();
  for (const path of [folder.path, join(folder.path, 'file'), join(folder.path, 'link'), '/dev/null']) {
    kinds.set(path.replace(folder.path, ''), (await files.lstat(path))?.kind);
  }
  assert.deepEqual(
    [...kinds],
    [
      ['', 'directory'],
      ['/file', 'file'],
      ['/link', 'symlink'],
      ['/dev/null', 'other'],
    ],
  );
  const status = await files.stat(join(folder.path, 'link'));
  const real = statSync(join(folder.path, 'file'));
  assert.deepEqual(status, {
    kind: 'file',
    size: 4,
    mode: 0o4750,
    uid: real.uid,
    gid: real.gid,
    modified: real.mtimeMs,
    device: real.dev,
  });
  assert.equal(await files.readLink(join(folder.path, 'link')), 'file');
  await files.rename(join(folder.path, 'link'), join(folder.path, 'other'));
  assert.equal(await files.readLink(join(folder.path, 'other')), 'file');
});

test('flushing, and the space that is left', async () => {
  using folder = scratch();
  await files.sync(folder.path);
  await assert.rejects(files.sync(join(folder.path, 'x')), { code: 'not-found' });
  const { total, free, blockSize } = await files.space(folder.path);
  assert.ok(total > free && free > 0 && blockSize >= 512);
  await assert.rejects(files.space(join(folder.path, 'x')), { code: 'not-found' });
});
