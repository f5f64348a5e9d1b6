import assert from 'node:assert/strict';
import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import { readAll } from '@cairn/bytes';
import { realFiles, realHost } from '@cairn/host';
import { createRegistry, imageRegistry, OciError, openBlobStore } from '@cairn/oci';
import type { Fault } from '@cairn/testkit';
import { type Bench, randomBlob, setUp } from './registry-tools.ts';

const BLOB = randomBlob(2 << 20);
const PATH = /blobs/;

function code(expected: string) {
  return (error: unknown) => {
    assert.ok(error instanceof OciError, String(error));
    assert.equal(error.code, expected, error.message);
    return true;
  };
}

async function contentOf(bench: Bench, digest: typeof BLOB.digest): Promise<Uint8Array> {
  await using stored = await bench.store.open(digest);
  assert.ok(stored !== undefined);
  return readAll(stored, 64 << 20);
}

async function leftBehind(bench: Bench): Promise<string[]> {
  return [
    ...(await readdir(join(bench.folder, 'partial'))),
    ...(await readdir(join(bench.folder, 'blobs/sha256'))),
  ];
}

test('a blob is brought once, and its progress is told', async () => {
  await using bench = await setUp();
  bench.server.putBlob('team/app', BLOB.bytes);
  const seen: number[] = [];
  const onProgress = ({ received }: { received: number }) => seen.push(received);
  const pulled = await bench.client.pullBlob(bench.reference(), BLOB, bench.store, { onProgress });
  assert.equal(pulled.transferred, BLOB.size);
  assert.deepEqual(Buffer.from(await contentOf(bench, BLOB.digest)), Buffer.from(BLOB.bytes));
  assert.equal(seen[0], 0);
  assert.equal(seen.at(-1), BLOB.size);
  assert.deepEqual(
    seen,
    [...seen].sort((a, b) => a - b),
  );
  assert.equal((await bench.client.pullBlob(bench.reference(), BLOB, bench.store)).transferred, 0);
  assert.equal(bench.server.served(PATH).requests, 1);
});

test('sha512 blobs are verified by sha512', async () => {
  await using bench = await setUp();
  bench.server.addFault({ kind: 'status', status: 200, body: 'hello', path: PATH });
  const digest =
    'sha512:9b71d224bd62f3785d96d46ad3ea3d73319bfbc2890caadae2dff72519673ca72323c3d99ba5c11d7c7acc6e14b8c5da0c4663475c2e5c3adef46f73bcdec043';
  await bench.client.pullBlob(bench.reference(), { digest, size: 5 }, bench.store);
  assert.equal(new TextDecoder().decode(await contentOf(bench, digest)), 'hello');
});

test('cut anywhere, a transfer goes on from there: at most 1 % of the bytes come twice', async () => {
  const points = [0, 1, 100, 65_535, 65_536, 65_537, 1_000_000, BLOB.size - 1];
  for (let step = 0; step < 32; step++) points.push(Math.floor((step * 65_521 * 7) % BLOB.size));
  await using bench = await setUp();
  bench.server.putBlob('team/app', BLOB.bytes);
  let served = 0;
  for (const afterBytes of points) {
    bench.server.forgetRequests();
    bench.server.addFault({ kind: 'cut', afterBytes, path: PATH });
    await bench.client.pullBlob(bench.reference(), BLOB, bench.store);
    const { bytes, requests } = bench.server.served(PATH);
    assert.equal(requests, 2, String(afterBytes));
    assert.ok(bytes <= BLOB.size * 1.01, `${bytes} bytes when cut after ${afterBytes}`);
    assert.deepEqual(Buffer.from(await contentOf(bench, BLOB.digest)), Buffer.from(BLOB.bytes));
    served += bytes;
    await bench.store.remove(BLOB.digest);
  }
  assert.ok(served <= BLOB.size * points.length * 1.01, String(served));
});

test('cut again and again in one transfer, it still arrives, since it moves on', async () => {
  const blob = randomBlob(12 << 20);
  await using bench = await setUp();
  bench.server.putBlob('team/app', blob.bytes);
  bench.server.addFault({ kind: 'cut', afterBytes: 300_000, path: PATH, times: 30 });
  await bench.client.pullBlob(bench.reference(), blob, bench.store);
  const { bytes, requests } = bench.server.served(PATH);
  assert.equal(requests, 31);
  assert.ok(bytes <= blob.size * 1.01);
});

test('cut without moving on, it is given up after the retries, and what came is kept for a next run', async () => {
  await using bench = await setUp();
  bench.server.putBlob('team/app', BLOB.bytes);
  bench.server.addFault({ kind: 'cut', afterBytes: 1000, path: PATH, times: 6 });
  await assert.rejects(bench.client.pullBlob(bench.reference(), BLOB, bench.store), code('unreachable'));
  bench.server.forgetRequests();
  const store = openBlobStore(realFiles(), bench.folder);
  const seen: number[] = [];
  const onProgress = ({ received }: { received: number }) => seen.push(received);
  await bench.client.pullBlob(bench.reference(), BLOB, store, { onProgress });
  assert.equal(seen[0], 6000);
  assert.equal(bench.server.served(PATH).bytes, BLOB.size - 6000);
});

test('an abort keeps what came', async () => {
  await using bench = await setUp();
  bench.server.putBlob('team/app', BLOB.bytes);
  const stop = new AbortController();
  const onProgress = ({ received }: { received: number }) => {
    if (received > 500_000) stop.abort(new Error('enough'));
  };
  await assert.rejects(
    bench.client.pullBlob(bench.reference(), BLOB, bench.store, { signal: stop.signal, onProgress }),
    /enough/,
  );
  const writer = await bench.store.create(BLOB);
  assert.ok(writer.offset > 500_000);
  await writer.suspend();
  await bench.client.pullBlob(bench.reference(), BLOB, bench.store);
  assert.equal(bench.server.requests.at(-1)?.headers['range'], `bytes=${writer.offset}-`);
});

test('servers that do ranges badly are got the blob from all the same', async (t) => {
  const cases: readonly (readonly [string, Fault, number])[] = [
    ['the whole blob although a range was asked for', { kind: 'ignore-range', path: PATH }, 2],
    ['another range than was asked for', { kind: 'wrong-range', shift: 5, path: PATH }, 3],
    ['a range that is not said', { kind: 'header', name: 'content-range', value: 'bytes', path: PATH }, 3],
    [
      'a range of a blob of another size',
      { kind: 'header', name: 'content-range', value: `bytes 1000000-${BLOB.size - 1}/9999999`, path: PATH },
      3,
    ],
    ['416', { kind: 'range-refused', path: PATH }, 3],
  ];
  for (const [what, fault, requests] of cases) {
    await t.test(what, async () => {
      await using bench = await setUp();
      bench.server.putBlob('team/app', BLOB.bytes);
      bench.server.addFault({ kind: 'cut', afterBytes: 1_000_000, path: PATH });
      bench.server.addFault(fault);
      await bench.client.pullBlob(bench.reference(), BLOB, bench.store);
      assert.equal(bench.server.served(PATH).requests, requests);
      assert.deepEqual(Buffer.from(await contentOf(bench, BLOB.digest)), Buffer.from(BLOB.bytes));
    });
  }
});

test('a partial that went bad is found out, and the blob is fetched from its start', async () => {
  await using bench = await setUp();
  bench.server.putBlob('team/app', BLOB.bytes);
  const writer = await bench.store.create(BLOB);
  await writer.write(new Uint8Array(1_000_000));
  await writer.suspend();
  await bench.client.pullBlob(bench.reference(), BLOB, bench.store);
  assert.deepEqual(Buffer.from(await contentOf(bench, BLOB.digest)), Buffer.from(BLOB.bytes));
  assert.deepEqual(
    bench.server.requests.map((request) => request.bytesSent),
    [BLOB.size - 1_000_000, BLOB.size],
  );
});

test('a complete partial is put in place without asking the registry', async () => {
  await using bench = await setUp();
  const writer = await bench.store.create(BLOB);
  await writer.write(BLOB.bytes);
  await writer.suspend();
  assert.equal((await bench.client.pullBlob(bench.reference(), BLOB, bench.store)).transferred, 0);
  assert.equal(bench.server.requests.length, 0);
});

test('wrong blobs are refused after a second try, and nothing of them is left', async (t) => {
  const cases: readonly (readonly [string, Fault, string, number])[] = [
    ['wrong bytes', { kind: 'wrong-bytes', path: PATH, times: 9 }, 'digest-mismatch', 2],
    ['too many bytes', { kind: 'extra-byte', path: PATH, times: 9 }, 'size-mismatch', 2],
    [
      'another length',
      { kind: 'status', status: 200, body: 'short', path: PATH, times: 9 },
      'size-mismatch',
      2,
    ],
  ];
  for (const [what, fault, expected, requests] of cases) {
    await t.test(what, async () => {
      await using bench = await setUp();
      bench.server.putBlob('team/app', BLOB.bytes);
      bench.server.addFault(fault);
      await assert.rejects(bench.client.pullBlob(bench.reference(), BLOB, bench.store), code(expected));
      assert.equal(bench.server.requests.length, requests);
      assert.deepEqual(await leftBehind(bench), []);
      bench.server.clearFaults();
      bench.server.addFault({ ...fault, times: 1 });
      await bench.client.pullBlob(bench.reference(), BLOB, bench.store);
      assert.equal(await bench.store.has(BLOB), true);
    });
  }
});

test('a blob without its length, in small pieces, is a blob', async () => {
  await using bench = await setUp();
  bench.server.putBlob('team/app', BLOB.bytes);
  bench.server.addFault({ kind: 'no-length', path: PATH });
  await bench.client.pullBlob(bench.reference(), BLOB, bench.store);
  await bench.store.remove(BLOB.digest);
  bench.server.addFault({ kind: 'slow', pieceBytes: 100_000, delayMs: 2, path: PATH });
  await bench.client.pullBlob(bench.reference(), BLOB, bench.store);
  assert.equal(await bench.store.has(BLOB), true);
});

test('a transfer that stalls is ended and gone on with; one that is slow is not', async () => {
  await using bench = await setUp();
  const client = createRegistry({
    fetch: globalThis.fetch,
    clock: realHost().clock,
    plainHttp: [bench.server.host],
    stallMs: 800,
    backoffMs: 1,
  });
  bench.server.putBlob('team/app', BLOB.bytes);
  bench.server.addFault({ kind: 'stall', afterBytes: 700_000, path: PATH });
  await client.pullBlob(bench.reference(), BLOB, bench.store);
  assert.equal(bench.server.served(PATH).bytes, BLOB.size);
  await bench.store.remove(BLOB.digest);
  bench.server.forgetRequests();
  bench.server.addFault({ kind: 'slow', pieceBytes: 300_000, delayMs: 80, path: PATH });
  await client.pullBlob(bench.reference(), BLOB, bench.store);
  assert.equal(bench.server.requests.length, 1);
  await bench.store.remove(BLOB.digest);
  bench.server.addFault({ kind: 'stall', afterBytes: 0, path: PATH, times: 99 });
  const noRetry = createRegistry({
    fetch: globalThis.fetch,
    clock: realHost().clock,
    plainHttp: [bench.server.host],
    stallMs: 100,
    retries: 0,
  });
  await assert.rejects(noRetry.pullBlob(bench.reference(), BLOB, bench.store), code('stalled'));
});

test('many blobs come at the same time, each once, and no more than four at a time', async () => {
  await using bench = await setUp();
  const blobs = Array.from({ length: 12 }, () => randomBlob(50_000));
  for (const blob of blobs) bench.server.putBlob('team/app', blob.bytes);
  bench.server.addFault({ kind: 'slow', pieceBytes: 10_000, delayMs: 5, path: PATH, times: 99 });
  const open = new Set<string>();
  let most = 0;
  const onProgress = ({ blob, received }: { blob: { digest: string; size: number }; received: number }) => {
    if (received === blob.size) open.delete(blob.digest);
    else open.add(blob.digest);
    most = Math.max(most, open.size);
  };
  const twice = [...blobs, ...blobs];
  const pulled = await bench.client.pullBlobs(bench.reference(), twice, bench.store, { onProgress });
  assert.equal(pulled.transferred, 12 * 50_000);
  assert.equal(bench.server.served(PATH).requests, 12);
  assert.equal(most, 4);
  for (const blob of blobs) assert.equal(await bench.store.has(blob), true);
});

test('the first blob that fails ends the others, and what came of them is kept', async () => {
  await using bench = await setUp();
  const slow = randomBlob(1 << 20);
  bench.server.putBlob('team/app', slow.bytes);
  bench.server.addFault({ kind: 'stall', afterBytes: 400_000, path: new RegExp(slow.digest) });
  bench.server.addFault({ kind: 'slow', pieceBytes: 1000, delayMs: 100, path: PATH });
  await assert.rejects(
    bench.client.pullBlobs(bench.reference(), [slow, randomBlob(10)], bench.store),
    code('blob-unknown'),
  );
  const writer = await bench.store.create(slow);
  assert.ok(writer.offset <= 400_000);
  await writer.discard();
});

test('images are read through the store', async () => {
  await using bench = await setUp();
  const image = bench.server.putImage('team/app', 'v1', { layers: [BLOB.bytes] });
  const source = imageRegistry(bench.client, bench.store);
  assert.equal((await source.manifest(bench.reference(), {})).digest, image.manifest);
  const seen: number[] = [];
  await using blob = await source.blob(bench.reference(), BLOB, { onProgress: (done) => seen.push(done) });
  assert.deepEqual(Buffer.from(await readAll(blob, 4 << 20)), Buffer.from(BLOB.bytes));
  assert.equal(seen.at(-1), BLOB.size);
});
