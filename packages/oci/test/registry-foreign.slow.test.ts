import assert from 'node:assert/strict';
import { execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { writeFile } from 'node:fs/promises';
import { type AddressInfo, connect, createServer, type Socket } from 'node:net';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { setTimeout as wait } from 'node:timers/promises';
import { promisify } from 'node:util';
import { memorySource } from '@cairn/bytes';
import { realFiles } from '@cairn/host';
import {
  type Credentials,
  createRegistry,
  digestOf,
  OciError,
  openBlobStore,
  type Registry,
  type RegistryReference,
} from '@cairn/oci';
import { hurriedClock, randomBlob, STALL_MS, scratchFolder } from './registry-tools.ts';

const MANIFEST = 'application/vnd.oci.image.manifest.v1+json';
/** bcrypt of `pa:ss`. */
const HTPASSWD = 'ada:$2b$04$UZhfn1pBklT6Z8tg8vGDEeE/2ohEn9jbHh7SatIB.bmUBTEokvGQu\n';
const LOGIN: Credentials = { kind: 'password', username: 'ada', password: 'pa:ss' };
const LAYER = randomBlob(4 << 20);

let registry: DebianRegistry;
before(async () => {
  registry = await startDebianRegistry();
});
after(() => registry[Symbol.asyncDispose]());

interface DebianRegistry extends AsyncDisposable {
  readonly port: number;
  readonly host: string;
}

/** Debian's docker-registry (distribution 2.8, without the referrers API) on a free port, with basic auth. */
async function startDebianRegistry(): Promise<DebianRegistry> {
  const scratch = await scratchFolder();
  const port = await freePort();
  const config = {
    version: '0.1',
    log: { level: 'error', accesslog: { disabled: true } },
    storage: { filesystem: { rootdirectory: join(scratch.path, 'data') } },
    http: { addr: `127.0.0.1:${port}` },
    auth: { htpasswd: { realm: 'debian', path: join(scratch.path, 'htpasswd') } },
  };
  await writeFile(join(scratch.path, 'config.yml'), JSON.stringify(config));
  await writeFile(join(scratch.path, 'htpasswd'), HTPASSWD);
  const child = spawn('docker-registry', ['serve', join(scratch.path, 'config.yml')], { stdio: 'ignore' });
  const host = `127.0.0.1:${port}`;
  for (let tries = 0; ; tries++) {
    const answer = await fetch(`http://${host}/v2/`).catch(() => undefined);
    await answer?.body?.cancel();
    if (answer?.status === 401) break;
    if (tries > 200 || child.exitCode !== null) throw new Error('docker-registry does not start');
    await wait(50);
  }
  return {
    port,
    host,
    async [Symbol.asyncDispose]() {
      child.kill();
      if (child.exitCode === null) await once(child, 'exit');
      await scratch[Symbol.asyncDispose]();
    },
  };
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  server.close();
  await once(server, 'close');
  return port;
}

/** Passes connections on to a port, ends them where `cuts` say, and counts what the client is sent. */
async function startCuttingRelay(target: number, cuts: number[]) {
  let bytes = 0;
  const sockets = new Set<Socket>();
  const server = createServer((client) => {
    const upstream = connect(target, '127.0.0.1');
    sockets.add(client).add(upstream);
    const limit = cuts.shift() ?? Infinity;
    let passed = 0;
    client.pipe(upstream);
    upstream.on('data', (chunk: Buffer) => {
      const part = chunk.subarray(0, Math.max(0, limit - passed));
      passed += part.length;
      bytes += part.length;
      client.write(part);
      if (part.length < chunk.length) client.end(() => upstream.destroy());
    });
    upstream.on('close', () => client.end());
    for (const socket of [client, upstream]) socket.on('error', () => socket.destroy());
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  return {
    host: `127.0.0.1:${(server.address() as AddressInfo).port}`,
    bytes: () => bytes,
    async [Symbol.asyncDispose]() {
      for (const socket of sockets) socket.destroy();
      server.close();
      await once(server, 'close');
    },
  };
}

function clientFor(host: string, credentials: Credentials | 'nobody' = LOGIN): Registry {
  return createRegistry({
    fetch: globalThis.fetch,
    clock: hurriedClock(),
    stallMs: STALL_MS,
    plainHttp: [host],
    credentials: async () => (credentials === 'nobody' ? undefined : credentials),
  });
}

function reference(repository: string, tag = 'v1', host = registry.host): RegistryReference {
  return { kind: 'registry', registry: host, repository, tag };
}

async function pushImage(repository: string, tag: string): Promise<Uint8Array> {
  const client = clientFor(registry.host);
  const config = new TextEncoder().encode(
    '{"architecture":"amd64","os":"linux","rootfs":{"type":"layers","diff_ids":[]}}',
  );
  const configBlob = await pushBytes(client, repository, config);
  await client.pushBlob(reference(repository), LAYER, memorySource(LAYER.bytes));
  const manifest = {
    schemaVersion: 2,
    mediaType: MANIFEST,
    config: { mediaType: 'application/vnd.oci.image.config.v1+json', ...configBlob },
    layers: [{ mediaType: 'application/vnd.oci.image.layer.v1.tar', digest: LAYER.digest, size: LAYER.size }],
  };
  const bytes = new TextEncoder().encode(JSON.stringify(manifest));
  await client.pushManifest(reference(repository, tag), bytes, MANIFEST);
  return bytes;
}

async function pushBytes(client: Registry, repository: string, bytes: Uint8Array) {
  const blob = { digest: digestOf(bytes), size: bytes.length };
  await client.pushBlob(reference(repository), blob, memorySource(bytes));
  return blob;
}

test('docker-registry: an image is pushed, resolved and pulled', async () => {
  await using scratch = await scratchFolder();
  const store = openBlobStore(realFiles(), scratch.path);
  const client = clientFor(registry.host);
  const bytes = await pushImage('team/app', 'v1');
  const described = await client.resolve(reference('team/app'));
  assert.equal(described.size, bytes.length);
  assert.deepEqual(Buffer.from((await client.manifest(reference('team/app'))).bytes), Buffer.from(bytes));
  assert.equal((await client.pullBlob(reference('team/app'), LAYER, store)).transferred, LAYER.size);
  assert.equal(
    (await client.pushBlob(reference('team/app'), LAYER, memorySource(LAYER.bytes))).transferred,
    0,
  );
  const mounted = { mountFrom: 'team/app' };
  assert.equal(
    (await client.pushBlob(reference('team/copy'), LAYER, memorySource(LAYER.bytes), mounted)).transferred,
    0,
  );
});

test('docker-registry: tags, and what is not there', async () => {
  const client = clientFor(registry.host);
  for (const tag of ['a', 'b', 'c']) await pushImage('team/tags', tag);
  const tags = await Array.fromAsync(client.listTags(reference('team/tags')));
  assert.deepEqual(tags.sort(), ['a', 'b', 'c']);
  const cases: readonly (readonly [() => Promise<unknown>, string])[] = [
    [() => client.resolve(reference('team/tags', 'd')), 'tag-unknown'],
    [() => client.resolve(reference('team/none')), 'tag-unknown'],
    [() => clientFor(registry.host, 'nobody').resolve(reference('team/tags', 'a')), 'denied'],
    [
      () => clientFor(registry.host, { ...LOGIN, password: 'no' }).resolve(reference('team/tags', 'a')),
      'denied',
    ],
  ];
  for (const [attempt, code] of cases) {
    await assert.rejects(attempt, (error: unknown) => error instanceof OciError && error.code === code, code);
  }
});

test('docker-registry: referrers are kept under the tag that stands in for the API', async () => {
  const client = clientFor(registry.host);
  const bytes = await pushImage('team/signed', 'v1');
  const { digest } = await client.resolve(reference('team/signed'));
  assert.deepEqual(await client.referrers(reference('team/signed'), digest), []);
  const config = await pushBytes(client, 'team/signed', new TextEncoder().encode('{}'));
  const referrers: string[] = [];
  for (const artifactType of ['application/x.signature', 'application/x.sbom']) {
    const manifest = {
      schemaVersion: 2,
      mediaType: MANIFEST,
      config: { mediaType: artifactType, ...config },
      layers: [],
      subject: { mediaType: MANIFEST, digest, size: bytes.length },
    };
    const { tag: _tag, ...untagged } = reference('team/signed');
    const pushed = await client.pushManifest(
      untagged,
      new TextEncoder().encode(JSON.stringify(manifest)),
      MANIFEST,
    );
    referrers.push(pushed.digest);
  }
  const found = await client.referrers(reference('team/signed'), digest);
  assert.deepEqual(
    found.map((referrer) => referrer.digest),
    referrers,
  );
  assert.deepEqual(
    found.map((referrer) => referrer.artifactType),
    ['application/x.signature', 'application/x.sbom'],
  );
});

test('docker-registry: cut at 12 places, every transfer goes on, and at most 1 % of the bytes come twice', async () => {
  await pushImage('team/cut', 'v1');
  await using scratch = await scratchFolder();
  const store = openBlobStore(realFiles(), scratch.path);
  const header = 2000;
  const places = Array.from({ length: 12 }, (_, index) => Math.floor(((index + 0.37) / 12) * LAYER.size));
  let worst = 0;
  for (const place of places) {
    // The first connection is cut in the body of the blob; the login that comes before it is small.
    await using relay = await startCuttingRelay(registry.port, [place]);
    const client = clientFor(relay.host);
    await client.pullBlob(reference('team/cut', 'v1', relay.host), LAYER, store);
    worst = Math.max(worst, relay.bytes());
    await store.remove(LAYER.digest);
  }
  assert.ok(worst <= LAYER.size * 1.01 + header, `${worst} bytes for ${LAYER.size}`);
});

test('docker-registry: cut eight times in one transfer', async () => {
  await pushImage('team/cut', 'v1');
  await using scratch = await scratchFolder();
  const store = openBlobStore(realFiles(), scratch.path);
  await using relay = await startCuttingRelay(
    registry.port,
    Array.from({ length: 8 }, () => 450_000),
  );
  await clientFor(relay.host).pullBlob(reference('team/cut', 'v1', relay.host), LAYER, store);
  assert.ok(relay.bytes() <= LAYER.size * 1.01 + 9 * 2000, String(relay.bytes()));
  assert.equal(await store.has(LAYER), true);
});

test('docker-registry: skopeo reads what we pushed, with the same digest', async () => {
  await pushImage('team/skopeo', 'v1');
  const { digest } = await clientFor(registry.host).resolve(reference('team/skopeo'));
  const { stdout } = await promisify(execFile)('skopeo', [
    'inspect',
    '--tls-verify=false',
    '--creds',
    'ada:pa:ss',
    '--format',
    '{{.Digest}}',
    `docker://${registry.host}/team/skopeo:v1`,
  ]);
  assert.equal(stdout.trim(), digest);
});
