import assert from 'node:assert/strict';
import { mkdirSync, readFileSync, statSync, truncateSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { suite, test } from 'node:test';
import { realFiles } from '../src/index.ts';
import { NEEDS_ROOT, scratch, tool } from './scratch.ts';

const files = realFiles();

suite('an open file', () => {
  test('is made, written at any position, cut, and read', async () => {
    using folder = scratch();
    await using file = await files.open(join(folder.path, 'x'), 'create');
    assert.equal(file.size, 0);
    await file.write(5, Uint8Array.of(1, 2, 3));
    assert.equal(file.size, 8);
    await file.write(0, Uint8Array.of(9));
    assert.equal(file.size, 8);
    await file.sync();
    const target = new Uint8Array(10);
    assert.equal(await file.read(0, target), 8);
    assert.deepEqual([...target], [9, 0, 0, 0, 0, 1, 2, 3, 0, 0]);
    assert.equal(await file.read(8, target), 0);
    await file.truncate(6);
    assert.equal(file.size, 6);
    assert.equal(await file.read(0, target), 6);
  });

  test('is read or changed as it was opened', async () => {
    using folder = scratch();
    const path = join(folder.path, 'x');
    writeFileSync(path, 'abc');
    await using reader = await files.open(path, 'read');
    await assert.rejects(async () => reader.write(0, Uint8Array.of(1)), {
      name: 'HostError',
      code: 'io',
      message: /^cannot write to .*x: EBADF/,
    });
    await using writer = await files.open(path, 'change');
    await writer.write(1, new Uint8Array(Buffer.from('B')));
    assert.equal(readFileSync(path, 'utf8'), 'aBc');
  });

  test('is of no use once it is closed, and does no harm to another', async () => {
    using folder = scratch();
    const closed = await files.open(join(folder.path, 'x'), 'create');
    await closed.close();
    await closed.close();
    // Its number is now this one's.
    await using other = await files.open(join(folder.path, 'y'), 'create');
    const attempts = {
      read: async () => closed.read(0, new Uint8Array(1)),
      'write to': async () => closed.write(0, Uint8Array.of(1)),
      flush: () => closed.sync(),
      resize: () => closed.truncate(3),
    };
    for (const [action, attempt] of Object.entries(attempts)) {
      await assert.rejects(attempt(), {
        code: 'io',
        message: `cannot ${action} ${folder.path}/x: it is closed`,
      });
    }
    assert.equal(other.size, 0);
    assert.equal(statSync(join(folder.path, 'y')).size, 0);
  });

  test('ends reading with the reason of an abort', async () => {
    using folder = scratch();
    await using file = await files.open(join(folder.path, 'x'), 'create');
    const reason = new Error('enough');
    await assert.rejects(async () => file.read(0, new Uint8Array(1), AbortSignal.abort(reason)), reason);
  });
});

suite('the size of a block device', { skip: NEEDS_ROOT }, () => {
  for (const sectors of [0, 1, 2, 3, 7, 8, 9, 2047, 2048, 2049, 65_535, 1_000_001]) {
    test(`of ${sectors} sectors`, async () => {
      using folder = scratch();
      const image = join(folder.path, 'disk');
      writeFileSync(image, '');
      truncateSync(image, sectors * 512);
      const device = tool('losetup', '--find', '--show', '--sector-size', '512', image);
      try {
        await using file = await files.open(device, 'read');
        assert.equal(file.size, sectors * 512);
        assert.equal(file.size, Number(tool('blockdev', '--getsize64', device)));
        assert.equal((await files.stat(device))?.kind, 'block-device');
      } finally {
        tool('losetup', '--detach', device);
      }
    });
  }
});

test('a block device that is in use is not opened alone', { skip: NEEDS_ROOT }, async () => {
  using folder = scratch();
  const image = join(folder.path, 'disk');
  writeFileSync(image, '');
  truncateSync(image, 4 << 20);
  tool('mkfs.ext4', '-q', image);
  const device = tool('losetup', '--find', '--show', image);
  const target = join(folder.path, 'mounted');
  mkdirSync(target);
  try {
    await (await files.open(device, 'exclusive')).close();
    tool('mount', device, target);
    await assert.rejects(files.open(device, 'exclusive'), { code: 'busy', message: /it is in use/ });
    tool('umount', target);
    await (await files.open(device, 'exclusive')).close();
  } finally {
    tool('losetup', '--detach', device);
  }
});
