import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readdir, readFile, stat, utimes, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import { readAll } from '@cairn/bytes';
import { type Files, HostError, realFiles } from '@cairn/host';
import { type BlobIdentity, digestOf, hexOf, OciError, openBlobStore } from '@cairn/oci';
import { randomBlob, scratchFolder } from './registry-tools.ts';

const SEVENS = new Uint8Array(100_000).fill(7);
const BLOB: BlobIdentity = { digest: digestOf(SEVENS), size: SEVENS.length };

function code(expected: string) {
  return (error: unknown) => error instanceof OciError && error.code === expected;
}

async function partials(folder: string): Promise<string[]> {
  return (await readdir(join(folder, 'partial'))).sort();
}

test('a blob that is committed is in its place, whole, and nothing else is left', async () => {
  await using scratch = await scratchFolder();
  const store = openBlobStore(realFiles(), scratch.path);
  assert.equal(await store.has(BLOB), false);
  assert.equal(await store.open(BLOB.digest), undefined);
  const writer = await store.create(BLOB);
  assert.equal(writer.offset, 0);
  for (let at = 0; at < SEVENS.length; at += 999) await writer.write(SEVENS.subarray(at, at + 999));
  assert.equal(await store.has(BLOB), false);
  await writer.commit();
  assert.deepEqual(
    await readFile(join(scratch.path, 'blobs/sha256', hexOf(BLOB.digest))),
    Buffer.from(SEVENS),
  );
  assert.deepEqual(await partials(scratch.path), []);
  assert.equal(await store.has(BLOB), true);
  assert.equal(await store.has({ ...BLOB, size: 1 }), false);
  await using stored = await store.open(BLOB.digest);
  assert.ok(stored !== undefined);
  assert.deepEqual(await readAll(stored, 1 << 20), SEVENS);
  await store.remove(BLOB.digest);
  assert.equal(await store.has(BLOB), false);
});

test('sha512 and empty blobs have their places too', async () => {
  await using scratch = await scratchFolder();
  const store = openBlobStore(realFiles(), scratch.path);
  for (const bytes of [SEVENS, new Uint8Array()]) {
    const writer = await store.create({ digest: digestOf(bytes, 'sha512'), size: bytes.length });
    await writer.write(bytes);
    await writer.commit();
    assert.equal(
      (await stat(join(scratch.path, 'blobs/sha512', hexOf(digestOf(bytes, 'sha512'))))).size,
      bytes.length,
    );
  }
});

test('a suspended writer is gone on with, from where it was', async () => {
  await using scratch = await scratchFolder();
  const { bytes, ...blob } = randomBlob(3 << 20);
  let store = openBlobStore(realFiles(), scratch.path);
  for (const end of [1, 70_000, 1 << 20, (2 << 20) + 1, bytes.length]) {
    const writer = await store.create(blob);
    await writer.write(bytes.subarray(writer.offset, end));
    assert.equal(writer.offset, end);
    await writer.suspend();
    store = openBlobStore(realFiles(), scratch.path);
  }
  const writer = await store.create(blob);
  assert.equal(writer.offset, bytes.length);
  await writer.commit();
  assert.deepEqual(await partials(scratch.path), []);
});

test('wrong bytes never get a name, and leave nothing behind', async () => {
  const cases: readonly (readonly [string, readonly Uint8Array[], string])[] = [
    ['one bit', [SEVENS.map((byte, index) => (index === 500 ? 6 : byte))], 'digest-mismatch'],
    ['too few', [SEVENS.subarray(1)], 'size-mismatch'],
  ];
  for (const [name, chunks, expected] of cases) {
    await using scratch = await scratchFolder();
    const store = openBlobStore(realFiles(), scratch.path);
    const writer = await store.create(BLOB);
    for (const chunk of chunks) await writer.write(chunk);
    await assert.rejects(writer.commit(), code(expected), name);
    assert.deepEqual(await partials(scratch.path), []);
    assert.deepEqual(await readdir(join(scratch.path, 'blobs/sha256')), []);
  }
});

test('too many bytes are refused when they are written, and the writer can start again', async () => {
  await using scratch = await scratchFolder();
  const store = openBlobStore(realFiles(), scratch.path);
  const writer = await store.create(BLOB);
  await writer.write(SEVENS);
  await assert.rejects(writer.write(new Uint8Array(1)), code('size-mismatch'));
  await writer.restart();
  assert.equal(writer.offset, 0);
  await writer.write(SEVENS);
  await writer.commit();
});

test('a partial that is longer than its blob is emptied; one that is wrong is found out and removed', async () => {
  await using scratch = await scratchFolder();
  const store = openBlobStore(realFiles(), scratch.path);
  await (await store.create(BLOB)).suspend();
  const [name = ''] = await partials(scratch.path);
  await writeFile(join(scratch.path, 'partial', name), new Uint8Array(BLOB.size + 1));
  const long = await store.create(BLOB);
  assert.equal(long.offset, 0);
  await long.write(new Uint8Array(10));
  await long.suspend();
  const wrong = await store.create(BLOB);
  assert.equal(wrong.offset, 10);
  await wrong.write(SEVENS.subarray(10));
  await assert.rejects(wrong.commit(), code('digest-mismatch'));
  assert.equal((await store.create(BLOB)).offset, 0);
});

test('two writers of one blob do not meet, and both succeed', async () => {
  await using scratch = await scratchFolder();
  const [a, b] = [openBlobStore(realFiles(), scratch.path), openBlobStore(realFiles(), scratch.path)];
  const first = await a.create(BLOB);
  await first.write(SEVENS.subarray(0, 50_000));
  const second = await b.create(BLOB);
  assert.equal(second.offset, 0);
  await second.write(SEVENS.subarray(0, 10));
  await first.write(SEVENS.subarray(50_000));
  await second.write(SEVENS.subarray(10));
  await first.commit();
  await second.commit();
  assert.deepEqual(await partials(scratch.path), []);
});

test('many writers at once share out what is left: each partial goes to one', async () => {
  await using scratch = await scratchFolder();
  const store = openBlobStore(realFiles(), scratch.path);
  const first = await store.create(BLOB);
  await first.write(SEVENS.subarray(0, 1234));
  await first.suspend();
  const writers = await Promise.all(
    Array.from({ length: 8 }, () => openBlobStore(realFiles(), scratch.path).create(BLOB)),
  );
  assert.deepEqual(
    writers.map((writer) => writer.offset).sort((x, y) => y - x),
    [1234, 0, 0, 0, 0, 0, 0, 0],
  );
  await Promise.all(
    writers.map(async (writer) => {
      await writer.write(SEVENS.subarray(writer.offset));
      await writer.commit();
    }),
  );
  assert.equal(await store.has(BLOB), true);
  assert.deepEqual(await partials(scratch.path), []);
});

test('what a living process writes is let alone, and what a killed one left is gone on with', async () => {
  await using scratch = await scratchFolder();
  const store = openBlobStore(realFiles(), scratch.path);
  const script = join(import.meta.dirname, 'store-writer.ts');
  const child = spawn(process.execPath, [script, scratch.path, BLOB.digest, String(BLOB.size), '60000'], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  await once(child.stdout, 'data');
  const beside = await store.create(BLOB);
  assert.equal(beside.offset, 0);
  await beside.discard();
  child.kill('SIGKILL');
  await once(child, 'exit');
  const writer = await store.create(BLOB);
  assert.equal(writer.offset, 60_000);
  await writer.write(SEVENS.subarray(60_000));
  await writer.commit();
});

test('whose a partial is decides over whether it is taken over', async (t) => {
  const hex = hexOf(BLOB.digest);
  const boot = (await readFile('/proc/sys/kernel/random/boot_id', 'utf8')).replaceAll(/[^0-9a-f]/g, '');
  const namespace = ((await realFiles().readLink('/proc/self/ns/pid')) ?? '').replaceAll(/\D/g, '');
  const cases: readonly (readonly [what: string, name: string, ageMinutes: number, offset: number])[] = [
    ['of nobody', `${hex}.free.01`, 0, 5],
    ['of another boot', `${hex}.0123-${namespace}-1-1.01`, 0, 5],
    ['of a process that is gone', `${hex}.${boot}-${namespace}-4194305-1.01`, 0, 5],
    [
      'of a process whose number is another one by now',
      `${hex}.${boot}-${namespace}-${process.pid}-1.01`,
      0,
      5,
    ],
    ['of another PID namespace, fresh', `${hex}.${boot}-1-1-1.01`, 0, 0],
    ['of another PID namespace, old', `${hex}.${boot}-1-1-1.01`, 90, 5],
    ['of another blob', `${'b'.repeat(64)}.free.01`, 0, 0],
    ['with a name that is none of ours', `${hex}.old`, 0, 0],
  ];
  for (const [what, name, ageMinutes, offset] of cases) {
    await t.test(what, async () => {
      await using scratch = await scratchFolder();
      const store = openBlobStore(realFiles(), scratch.path);
      await (await store.create(BLOB)).discard();
      const path = join(scratch.path, 'partial', name);
      await writeFile(path, SEVENS.subarray(0, 5));
      const when = new Date(Date.now() - ageMinutes * 60_000);
      await utimes(path, when, when);
      const writer = await store.create(BLOB);
      assert.equal(writer.offset, offset);
      await writer.discard();
    });
  }
});

test('the largest partial is taken, and the others are removed', async () => {
  await using scratch = await scratchFolder();
  const store = openBlobStore(realFiles(), scratch.path);
  await (await store.create(BLOB)).discard();
  for (const size of [10, 30, 20]) {
    await writeFile(
      join(scratch.path, `partial/${hexOf(BLOB.digest)}.free.${size}`),
      SEVENS.subarray(0, size),
    );
  }
  const writer = await store.create(BLOB);
  assert.equal(writer.offset, 30);
  assert.equal((await partials(scratch.path)).length, 1);
  await writer.discard();
});

test('a full disk is said so, and what was written is kept', async () => {
  await using scratch = await scratchFolder();
  const real = realFiles();
  const full: Files = {
    ...real,
    async open(path, mode) {
      const file = await real.open(path, mode);
      return {
        size: file.size,
        read: (position, target) => file.read(position, target),
        async write(position, chunk) {
          if (position >= 50_000)
            throw new HostError('no-space', `cannot write to ${path}: no space is left`);
          await file.write(position, chunk);
        },
        sync: () => file.sync(),
        truncate: (size) => file.truncate(size),
        close: () => file.close(),
        [Symbol.asyncDispose]: () => file.close(),
      };
    },
  };
  const writer = await openBlobStore(full, scratch.path).create(BLOB);
  await writer.write(SEVENS.subarray(0, 50_000));
  await assert.rejects(writer.write(SEVENS.subarray(50_000)), code('no-space'));
  await writer.suspend();
  assert.equal((await openBlobStore(real, scratch.path).create(BLOB)).offset, 50_000);
});

test('reading back stops when it is told to, and keeps what is there', async () => {
  await using scratch = await scratchFolder();
  const store = openBlobStore(realFiles(), scratch.path);
  const first = await store.create(BLOB);
  await first.write(SEVENS.subarray(0, 100));
  await first.suspend();
  await assert.rejects(store.create(BLOB, AbortSignal.abort(new Error('enough'))), /enough/);
  assert.equal((await store.create(BLOB)).offset, 100);
});
