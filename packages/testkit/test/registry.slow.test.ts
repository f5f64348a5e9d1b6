import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { get as httpsGet } from 'node:https';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { promisify } from 'node:util';
import { gzipSync } from 'node:zlib';
import { startRegistry, type TestRegistry, type TestRegistryOptions } from '@cairn/testkit';

const run = promisify(execFile);
/** Compressed, so that skopeo keeps it as it is. */
const BLOB = gzipSync(randomBytes(300_000));
const layerMediaType = 'application/vnd.oci.image.layer.v1.tar+gzip';

async function scratchFolder() {
  const path = await mkdtemp(join(tmpdir(), 'cairn-testkit-'));
  return { path, [Symbol.asyncDispose]: () => rm(path, { recursive: true }) };
}

function skopeo(...argv: string[]) {
  return run('skopeo', ['--insecure-policy', ...argv]);
}

function get(registry: TestRegistry, path: string, headers: Record<string, string> = {}) {
  return fetch(`${registry.url}${path}`, { headers, redirect: 'manual' });
}

test('skopeo pushes an image and pulls it back, byte for byte, however it must log in', async (t) => {
  const login = { username: 'ada', password: 'secret' };
  const cases: readonly (readonly [string, TestRegistryOptions, string[]])[] = [
    ['http', {}, []],
    ['https', { tls: true }, []],
    ['basic', { auth: { kind: 'basic', ...login } }, ['ada:secret']],
    ['token', { auth: { kind: 'token', ...login }, tls: true }, ['ada:secret']],
    ['redirected blobs', { redirectBlobs: true, auth: { kind: 'token', ...login } }, ['ada:secret']],
  ];
  for (const [what, options, creds] of cases) {
    await t.test(what, async () => {
      await using scratch = await scratchFolder();
      await using source = await startRegistry();
      await using registry = await startRegistry(options);
      const image = source.putImage('a', 'v1', { layers: [BLOB, gzipSync('second')], layerMediaType });
      const layout = join(scratch.path, 'layout');
      const back = join(scratch.path, 'back');
      await skopeo('copy', '--src-tls-verify=false', `docker://${source.host}/a:v1`, `oci:${layout}:v1`);
      const [to, from] = [
        creds.map((login) => `--dest-creds=${login}`),
        creds.map((login) => `--src-creds=${login}`),
      ];
      const remote = `docker://${registry.host}/team/app:v1`;
      await skopeo('copy', '--dest-tls-verify=false', ...to, `oci:${layout}:v1`, remote);
      await skopeo('copy', '--src-tls-verify=false', ...from, remote, `oci:${back}:v1`);
      assert.deepEqual(registry.tags('team/app'), ['v1']);
      for (const digest of [image.manifest, image.config, ...image.layers]) {
        const path = `blobs/${digest.replace(':', '/')}`;
        assert.deepEqual(await readFile(join(back, path)), await readFile(join(layout, path)));
      }
    });
  }
});

test('an OCI layout is taken in whole, with its tags', async () => {
  await using scratch = await scratchFolder();
  await using first = await startRegistry();
  const image = first.putImage('a', 'v1', { layers: [BLOB], layerMediaType });
  const layout = join(scratch.path, 'layout');
  await skopeo('copy', '--src-tls-verify=false', `docker://${first.host}/a:v1`, `oci:${layout}:stable`);
  await using second = await startRegistry();
  assert.deepEqual(await second.putLayout('b', layout), [image.manifest]);
  const { stdout } = await skopeo('inspect', '--tls-verify=false', `docker://${second.host}/b:stable`);
  assert.equal((JSON.parse(stdout) as { Digest: string }).Digest, image.manifest);
  assert.deepEqual(second.blob(image.layers[0] ?? 'sha256:'), BLOB);
});

test('what is served is recorded and counted by path', async () => {
  await using registry = await startRegistry();
  const digest = registry.putBlob('a', BLOB);
  await (await get(registry, `/v2/a/blobs/${digest}`)).bytes();
  const part = await get(registry, `/v2/a/blobs/${digest}`, { range: 'bytes=100-299', 'x-mark': 'm' });
  assert.equal(part.status, 206);
  assert.equal(part.headers.get('content-range'), `bytes 100-299/${BLOB.length}`);
  assert.deepEqual(Buffer.from(await part.bytes()), BLOB.subarray(100, 300));
  assert.equal(
    (await get(registry, `/v2/a/blobs/${digest}`, { range: `bytes=${BLOB.length}-` })).status,
    416,
  );
  assert.equal((await get(registry, '/v2/b/tags/list')).status, 404);
  assert.equal(registry.served(/tags/).requests, 1);
  assert.deepEqual(
    registry.requests.map((request) => request.status),
    [200, 206, 416, 404],
  );
  assert.deepEqual(
    registry.requests.slice(0, 2).map((request) => request.bytesSent),
    [BLOB.length, 200],
  );
  assert.equal(registry.requests[1]?.headers['x-mark'], 'm');
  registry.forgetRequests();
  assert.deepEqual(registry.served(), { requests: 0, bytes: 0 });
});

test('a fault meets the requests that it is for, as often as told', async () => {
  await using registry = await startRegistry();
  const digest = registry.putBlob('a', BLOB);
  registry.addFault({ kind: 'status', status: 503, path: /blobs/, times: 2, method: 'GET', retryAfter: '3' });
  const path = `/v2/a/blobs/${digest}`;
  const statuses: number[] = [];
  for (let time = 0; time < 3; time++) {
    assert.equal((await get(registry, '/v2/')).status, 200);
    const response = await get(registry, path);
    statuses.push(response.status);
    if (time === 0) assert.equal(response.headers.get('retry-after'), '3');
    await response.body?.cancel();
  }
  assert.deepEqual(statuses, [503, 503, 200]);
  registry.addFault({ kind: 'cut', afterBytes: 1234, path: /blobs/ });
  await assert.rejects((await get(registry, path)).bytes());
  assert.equal(registry.requests.at(-1)?.bytesSent, 1234);
  registry.addFault({ kind: 'wrong-bytes', path: /blobs/ });
  const wrong = Buffer.from(await (await get(registry, path)).bytes());
  assert.equal(wrong.length, BLOB.length);
  assert.equal(wrong.filter((byte, index) => byte !== BLOB[index]).length, 1);
  registry.addFault({ kind: 'status', status: 500, path: /blobs/ });
  registry.clearFaults();
  assert.equal((await get(registry, path)).status, 200);
});

test('blobs go up in chunks, in one piece, and by a mount; wrong digests are refused', async () => {
  await using registry = await startRegistry();
  const other = await startRegistry();
  const digest = other.putBlob('x', BLOB);
  await other.close();
  const send = (method: string, path: string, body?: Uint8Array, headers = {}) =>
    fetch(new URL(path, registry.url), { method, headers, ...(body === undefined ? {} : { body }) });
  const start = await send('POST', '/v2/a/blobs/uploads/');
  assert.equal(start.status, 202);
  const location = start.headers.get('location') ?? '';
  const first = await send('PATCH', location, BLOB.subarray(0, 1000), { 'content-range': '0-999' });
  assert.deepEqual([first.status, first.headers.get('range')], [202, '0-999']);
  const gap = await send('PATCH', location, BLOB.subarray(2000), { 'content-range': '2000-2999' });
  assert.equal(gap.status, 416);
  const last = await send('PUT', `${location}&digest=${digest}`, BLOB.subarray(1000));
  assert.equal(last.status, 201);
  assert.deepEqual(registry.blob(digest), BLOB);
  assert.equal((await send('POST', `/v2/b/blobs/uploads/?mount=${digest}&from=a`)).status, 201);
  assert.equal((await send('POST', `/v2/c/blobs/uploads/?mount=${digest}&from=nowhere`)).status, 202);
  assert.equal((await send('POST', `/v2/c/blobs/uploads/?digest=${digest}`, BLOB.subarray(1))).status, 400);
  assert.equal((await send('HEAD', `/v2/c/blobs/${digest}`)).status, 404);
});

test('the certificate is good for 127.0.0.1 when it is trusted, and only then', async () => {
  await using registry = await startRegistry({ tls: true });
  const ask = (ca?: string) =>
    new Promise<number | undefined>((resolve, reject) => {
      const options = ca === undefined ? {} : { ca };
      httpsGet(`${registry.url}/v2/`, options, (response) => resolve(response.resume().statusCode)).on(
        'error',
        reject,
      );
    });
  assert.equal(await ask(registry.certificate), 200);
  await assert.rejects(ask(), /self-signed/);
});

test('tokens run out, can be revoked, and are for what they were asked for', async () => {
  const auth = {
    kind: 'token',
    username: 'ada',
    password: 'secret',
    anonymousPull: true,
    expiresInSeconds: 1,
  } as const;
  await using registry = await startRegistry({ auth });
  registry.putImage('a', 'v1', { layers: [] });
  const challenge = await get(registry, '/v2/a/manifests/v1');
  assert.equal(challenge.status, 401);
  assert.equal(
    challenge.headers.get('www-authenticate'),
    `Bearer realm="${registry.url}/token",service="cairn-test",scope="repository:a:pull"`,
  );
  const token = async (scope: string, headers = {}) =>
    (await (await get(registry, `/token?service=cairn-test&scope=${scope}`, headers)).json()) as {
      token: string;
    };
  const status = async (granted: { token: string }) =>
    (await get(registry, '/v2/a/manifests/v1', { authorization: `Bearer ${granted.token}` })).status;
  const good = await token('repository:a:pull');
  assert.equal(await status(good), 200);
  assert.equal(await status(await token('repository:b:pull')), 401);
  registry.revokeTokens();
  assert.equal(await status(good), 401);
  const short = await token('repository:a:pull');
  await new Promise((resolve) => setTimeout(resolve, 1050));
  assert.equal(await status(short), 401);
  const push = await token('repository:a:pull,push');
  const upload = await fetch(`${registry.url}/v2/a/blobs/uploads/`, {
    method: 'POST',
    headers: { authorization: `Bearer ${push.token}` },
  });
  assert.equal(upload.status, 401, 'who is nobody may not push');
});

test('an index in a layout brings its manifests', async () => {
  await using scratch = await scratchFolder();
  await using first = await startRegistry();
  const image = first.putImage('a', 'v1', { layers: [BLOB], layerMediaType });
  const manifest = first.manifest('a', 'v1') ?? new Uint8Array();
  const INDEX = 'application/vnd.oci.image.index.v1+json';
  const descriptor = {
    mediaType: 'application/vnd.oci.image.manifest.v1+json',
    digest: image.manifest,
    size: manifest.length,
  };
  first.putManifest('a', { schemaVersion: 2, mediaType: INDEX, manifests: [descriptor] }, INDEX, 'all');
  const layout = join(scratch.path, 'layout');
  await skopeo(
    'copy',
    '--all',
    '--src-tls-verify=false',
    `docker://${first.host}/a:all`,
    `oci:${layout}:all`,
  );
  await using second = await startRegistry();
  await second.putLayout('b', layout);
  assert.deepEqual(Buffer.from(second.manifest('b', image.manifest) ?? []), Buffer.from(manifest));
  assert.deepEqual(second.blob(image.layers[0] ?? 'sha256:'), BLOB);
});
