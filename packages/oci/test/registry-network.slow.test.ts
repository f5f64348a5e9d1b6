import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { once } from 'node:events';
import { writeFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import { type AddressInfo, connect, createServer as createTcpServer } from 'node:net';
import { join } from 'node:path';
import { test } from 'node:test';
import { promisify } from 'node:util';
import { realHost } from '@cairn/host';
import { createRegistry, OciError, parseReference, proxyFetch, type RegistryReference } from '@cairn/oci';
import { startRegistry } from '@cairn/testkit';
import { scratchFolder } from './registry-tools.ts';

const CLIENT = join(import.meta.dirname, 'registry-client.ts');

function code(expected: string, message: RegExp, hint: RegExp) {
  return (error: unknown) => {
    assert.ok(error instanceof OciError, String(error));
    assert.equal(error.code, expected, error.message);
    assert.match(error.message, message);
    assert.match(error.hint ?? '', hint);
    return true;
  };
}

function resolve(registry: string, plainHttp: readonly string[] = []): Promise<unknown> {
  const client = createRegistry({ fetch: globalThis.fetch, clock: realHost().clock, plainHttp, retries: 0 });
  return client.resolve({ kind: 'registry', registry, repository: 'team/app', tag: 'v1' });
}

/** Resolves a reference in a process of its own, whose environment is what is tested. */
async function resolveIn(
  environment: Record<string, string>,
  reference: string,
  plainHttp = '',
): Promise<string> {
  const { stdout } = await promisify(execFile)(process.execPath, [CLIENT, reference, plainHttp], {
    env: { PATH: process.env['PATH'], NODE_COMPILE_CACHE: process.env['NODE_COMPILE_CACHE'], ...environment },
  });
  return stdout.trim();
}

test('what is wrong with the way to a registry is said', async (t) => {
  await using plain = await startRegistry();
  await using secure = await startRegistry({ tls: true });
  const closed = createTcpServer().listen(0, '127.0.0.1');
  await once(closed, 'listening');
  const closedPort = (closed.address() as AddressInfo).port;
  closed.close();
  await t.test('plain http where it was not asked for', () =>
    assert.rejects(
      resolve(plain.host),
      code('tls', /does not speak https/, new RegExp(`--plain-http ${plain.host}`)),
    ),
  );
  await t.test('a certificate that is not trusted', () =>
    assert.rejects(
      resolve(secure.host),
      code('tls', /certificate of 127.*not one that/, /NODE_EXTRA_CA_CERTS/),
    ),
  );
  await t.test('no host of that name', () =>
    assert.rejects(resolve('no-such-host.invalid'), (error: unknown) => {
      // Without any name server, the answer is another one.
      assert.ok(error instanceof OciError && /^(?:host-not-found|unreachable)$/.test(error.code));
      assert.match(error.message, /no-such-host\.invalid/);
      return true;
    }),
  );
  await t.test('nobody there', () =>
    assert.rejects(resolve(`127.0.0.1:${closedPort}`), code('unreachable', /ECONNREFUSED/, /network/)),
  );
});

test('a CA that NODE_EXTRA_CA_CERTS names is trusted', async () => {
  await using scratch = await scratchFolder();
  await using server = await startRegistry({ tls: true, auth: { kind: 'token', anonymousPull: true } });
  const image = server.putImage('team/app', 'v1', { layers: [] });
  const file = join(scratch.path, 'ca.pem');
  await writeFile(file, server.certificate ?? '');
  assert.equal(await resolveIn({ NODE_EXTRA_CA_CERTS: file }, `${server.host}/team/app:v1`), image.manifest);
  assert.match(await resolveIn({}, `${server.host}/team/app:v1`), /^tls /);
});

/** A proxy that only does CONNECT, and notes down for whom. */
async function startProxy(login?: string) {
  const seen: string[] = [];
  const server = createServer((_, response) => response.writeHead(405).end());
  server.on('connect', (request, socket, head) => {
    seen.push(`${request.url} ${request.headers['proxy-authorization'] ?? '-'}`);
    if (login !== undefined && request.headers['proxy-authorization'] !== login) {
      socket.end('HTTP/1.1 407 Proxy Authentication Required\r\n\r\n');
      return;
    }
    const [host = '', port = ''] = (request.url ?? '').split(':');
    const upstream = connect(Number(port), host, () => {
      socket.write('HTTP/1.1 200 Connection established\r\n\r\n');
      upstream.write(head);
      upstream.pipe(socket).pipe(upstream);
    });
    upstream.on('error', () => socket.destroy());
    socket.on('error', () => upstream.destroy());
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return {
    seen,
    host: `127.0.0.1:${(server.address() as AddressInfo).port}`,
    async [Symbol.asyncDispose]() {
      const closed = once(server, 'close');
      server.close();
      server.closeAllConnections();
      await closed;
    },
  };
}

test('HTTPS_PROXY is gone through by CONNECT, with its login, and NO_PROXY is not', async (t) => {
  await using scratch = await scratchFolder();
  await using server = await startRegistry({ tls: true });
  const image = server.putImage('team/app', 'v1', { layers: [] });
  const NODE_EXTRA_CA_CERTS = join(scratch.path, 'ca.pem');
  await writeFile(NODE_EXTRA_CA_CERTS, server.certificate ?? '');
  const reference = `${server.host}/team/app:v1`;
  const login = `Basic ${Buffer.from('joe:s3cr3t').toString('base64')}`;
  await t.test('through it', async () => {
    await using proxy = await startProxy(login);
    const HTTPS_PROXY = `http://joe:s3cr3t@${proxy.host}`;
    assert.equal(await resolveIn({ NODE_EXTRA_CA_CERTS, HTTPS_PROXY }, reference), image.manifest);
    assert.deepEqual(proxy.seen, [`${server.host} ${login}`]);
  });
  await t.test('by the name in lower case', async () => {
    await using proxy = await startProxy();
    const environment = { NODE_EXTRA_CA_CERTS, https_proxy: `http://${proxy.host}` };
    assert.equal(await resolveIn(environment, reference), image.manifest);
    assert.deepEqual(proxy.seen, [`${server.host} -`]);
  });
  await t.test('not for hosts in NO_PROXY', async () => {
    await using proxy = await startProxy();
    const environment = {
      NODE_EXTRA_CA_CERTS,
      HTTPS_PROXY: `http://${proxy.host}`,
      NO_PROXY: 'x.example,127.0.0.1',
    };
    assert.equal(await resolveIn(environment, reference), image.manifest);
    assert.deepEqual(proxy.seen, []);
  });
  await t.test('a proxy that refuses', async () => {
    await using proxy = await startProxy(login);
    const environment = { NODE_EXTRA_CA_CERTS, HTTPS_PROXY: `http://joe:wr0ng@${proxy.host}` };
    const said = await resolveIn(environment, reference);
    assert.match(said, /^unreachable .*HTTPS_PROXY/);
    assert.doesNotMatch(said, /wr0ng/);
  });
  await t.test('a proxy that is none', async () => {
    const said = await resolveIn({ HTTPS_PROXY: 'http://joe:s3cr3t@[' }, reference);
    assert.match(said, /^unreachable the address of the proxy is none/);
    assert.doesNotMatch(said, /s3cr3t/);
  });
});

test('the setting of the process is put back when a proxied fetch is disposed of', async () => {
  await using proxy = await startProxy();
  await using server = await startRegistry();
  const image = server.putImage('team/app', 'v1', { layers: [] });
  const reference = parseReference(`${server.host}/team/app:v1`) as RegistryReference;
  const descriptor = (fetch: typeof globalThis.fetch) =>
    createRegistry({ fetch, clock: realHost().clock, plainHttp: [server.host], retries: 0 }).resolve(
      reference,
    );
  {
    using proxied = proxyFetch({ HTTP_PROXY: `http://${proxy.host}`, http_proxy: '' });
    await descriptor(proxied.fetch).catch(() => {});
  }
  const before = proxy.seen.length;
  assert.equal((await descriptor(globalThis.fetch)).digest, image.manifest);
  assert.equal(proxy.seen.length, before);
});
