import assert from 'node:assert/strict';
import { test } from 'node:test';
import { memorySource } from '@cairn/bytes';
import { OciError } from '@cairn/oci';
import { type Bench, randomBlob, setUp } from './registry-tools.ts';

const BLOB = randomBlob(3_000_000);
const MANIFEST = 'application/vnd.oci.image.manifest.v1+json';
const AUTH = { kind: 'token', username: 'u', password: 'p' } as const;
const LOGIN = { credentials: async () => ({ kind: 'password', username: 'u', password: 'p' }) as const };

function code(expected: string) {
  return (error: unknown) => {
    assert.ok(error instanceof OciError, String(error));
    assert.equal(error.code, expected, error.message);
    return true;
  };
}

function push(bench: Bench, options?: { mountFrom?: string }) {
  return bench.client.pushBlob(bench.reference(), BLOB, memorySource(BLOB.bytes), options);
}

test('a blob is put once, with its length said', async () => {
  await using bench = await setUp({ auth: AUTH }, LOGIN);
  assert.equal((await push(bench)).transferred, BLOB.size);
  assert.deepEqual(Buffer.from(bench.server.blob(BLOB.digest) ?? []), Buffer.from(BLOB.bytes));
  const put = bench.server.requests.at(-1);
  assert.equal(put?.headers['content-length'], String(BLOB.size));
  assert.equal(put?.bytesReceived, BLOB.size);
  assert.equal((await push(bench)).transferred, 0);
  assert.equal(bench.server.requests.at(-1)?.method, 'HEAD');
});

test('an empty blob can be put', async () => {
  await using bench = await setUp();
  const { bytes, ...blob } = randomBlob(0);
  await bench.client.pushBlob(bench.reference(), blob, memorySource(bytes));
  assert.equal(bench.server.blob(blob.digest)?.length, 0);
});

test('a blob of another repository is mounted, and put if it is not there', async () => {
  await using bench = await setUp();
  bench.server.putBlob('base', BLOB.bytes);
  assert.equal((await push(bench, { mountFrom: 'base' })).transferred, 0);
  assert.equal(
    await bench.client.pullBlob(bench.reference(), BLOB, bench.store).then((pulled) => pulled.transferred),
    BLOB.size,
  );
  await using other = await setUp();
  assert.equal((await push(other, { mountFrom: 'base' })).transferred, BLOB.size);
});

test('an upload that fails for a moment is done again', async () => {
  for (const fault of [
    { kind: 'status', status: 500 },
    { kind: 'reset' },
    { kind: 'status', status: 429, retryAfter: '1' },
    { kind: 'stale-token' },
  ] as const) {
    for (const method of ['POST', 'PUT']) {
      await using bench = await setUp({ auth: AUTH }, LOGIN);
      bench.server.addFault({ ...fault, path: /uploads/, method });
      await push(bench);
      assert.equal(bench.server.blob(BLOB.digest)?.length, BLOB.size, `${fault.kind} ${method}`);
    }
  }
});

test('a source that is not the blob is refused', async () => {
  await using bench = await setUp();
  const { client } = bench;
  await assert.rejects(
    client.pushBlob(bench.reference(), BLOB, memorySource(new Uint8Array(5))),
    code('size-mismatch'),
  );
  const wrong = memorySource(new Uint8Array(BLOB.size));
  await assert.rejects(client.pushBlob(bench.reference(), BLOB, wrong), code('digest-mismatch'));
  assert.equal(bench.server.blob(BLOB.digest), undefined);
});

test('a manifest is put under a tag or its digest, and not before its blobs are there', async () => {
  await using bench = await setUp({ auth: AUTH }, LOGIN);
  const config = randomBlob(20);
  const manifest = {
    schemaVersion: 2,
    mediaType: MANIFEST,
    config: { mediaType: 'a/b', digest: config.digest, size: 20 },
    layers: [],
  };
  const bytes = new TextEncoder().encode(JSON.stringify(manifest));
  await assert.rejects(bench.client.pushManifest(bench.reference(), bytes, MANIFEST), code('blob-unknown'));
  await bench.client.pushBlob(bench.reference(), config, memorySource(config.bytes));
  const pushed = await bench.client.pushManifest(bench.reference(), bytes, MANIFEST);
  assert.deepEqual(await bench.client.resolve(bench.reference()), pushed);
  const { tag: _tag, ...untagged } = bench.reference({ repository: 'other' });
  await bench.client.pushBlob(untagged, config, memorySource(config.bytes));
  await bench.client.pushManifest(untagged, bytes, MANIFEST);
  assert.deepEqual(bench.server.tags('other'), []);
  assert.equal((await bench.client.resolve({ ...untagged, digest: pushed.digest })).size, bytes.length);
});

test('a registry that stores another manifest than it was sent is found out', async () => {
  await using bench = await setUp();
  bench.server.addFault({
    kind: 'header',
    name: 'docker-content-digest',
    value: `sha256:${'0'.repeat(64)}`,
    path: /manifests/,
  });
  const bytes = new TextEncoder().encode('{}');
  await assert.rejects(
    bench.client.pushManifest(bench.reference(), bytes, MANIFEST),
    code('digest-mismatch'),
  );
});

test('a referrer is listed once, however often it is pushed', async () => {
  await using bench = await setUp({ referrers: false });
  const image = bench.server.putImage('team/app', 'v1', { layers: [] });
  const subject = { mediaType: MANIFEST, digest: image.manifest, size: 1 };
  const bytes = new TextEncoder().encode(
    JSON.stringify({ schemaVersion: 2, artifactType: 'a/b', layers: [], subject }),
  );
  for (let time = 0; time < 2; time++)
    await bench.client.pushManifest(bench.reference({ tag: 'sig' }), bytes, MANIFEST);
  assert.equal((await bench.client.referrers(bench.reference(), image.manifest)).length, 1);
});
