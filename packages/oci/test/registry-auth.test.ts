import assert from 'node:assert/strict';
import { test } from 'node:test';
import { inspect } from 'node:util';
import { type Credentials, OciError, parseReference } from '@cairn/oci';
import { startRegistry, type TestRegistryOptions } from '@cairn/testkit';
import { type Bench, randomBlob, setUp } from './registry-tools.ts';

const USER = { username: 'ada', password: 'pa:ss wörd' };
const LOGIN: Credentials = { kind: 'password', ...USER };
const LAYER = randomBlob(100_000);

function logins(credentials: Credentials | undefined) {
  return { credentials: async () => credentials };
}

function code(expected: string, message = /(?:)/, hint = /(?:)/) {
  return (error: unknown) => {
    assert.ok(error instanceof OciError, String(error));
    assert.equal(error.code, expected, error.message);
    assert.match(error.message, message);
    assert.match(error.hint ?? '', hint);
    assert.doesNotMatch(
      inspect(error, { depth: 9 }),
      /pa:ss|cGE6c3Mg|YWRhOn|test-token-|r3fresh|signed-secret/,
    );
    return true;
  };
}

async function withImage(server: TestRegistryOptions, client: Parameters<typeof setUp>[1]): Promise<Bench> {
  const bench = await setUp(server, client);
  bench.server.putImage('team/app', 'v1', { layers: [LAYER.bytes] });
  return bench;
}

async function pullAll(bench: Bench): Promise<void> {
  await bench.client.manifest(bench.reference());
  await bench.client.pullBlob(bench.reference(), LAYER, bench.store);
}

test('basic: the password goes only where it is asked for', async () => {
  await using bench = await withImage({ auth: { kind: 'basic', ...USER } }, logins(LOGIN));
  await pullAll(bench);
  const [first, ...others] = bench.server.requests;
  assert.equal(first?.headers['authorization'], undefined);
  assert.deepEqual(
    others.map((request) => request.status),
    [200, 200],
  );
});

test('token: as nobody, by password and by refresh token; one token serves many requests', async (t) => {
  const cases: readonly (readonly [string, TestRegistryOptions['auth'], Credentials | undefined])[] = [
    ['as nobody', { kind: 'token', anonymousPull: true }, undefined],
    ['by password', { kind: 'token', ...USER }, LOGIN],
    [
      'by refresh token',
      { kind: 'token', identityToken: 'r3fresh' },
      { kind: 'identity-token', token: 'r3fresh' },
    ],
  ];
  for (const [what, auth, credentials] of cases) {
    await t.test(what, async () => {
      await using bench = await withImage({ auth: auth ?? { kind: 'none' } }, logins(credentials));
      await pullAll(bench);
      await bench.client.resolve(bench.reference());
      assert.deepEqual(
        bench.server.requests.map((request) => `${request.path.split('/').at(-1)} ${request.status}`),
        ['v1 401', 'token 200', 'v1 200', `${LAYER.digest} 200`, 'v1 200'],
      );
    });
  }
});

test('a token is for its repository and its access', async () => {
  await using bench = await withImage({ auth: { kind: 'token', ...USER } }, logins(LOGIN));
  bench.server.putImage('other', 'v1', { layers: [] });
  await bench.client.manifest(bench.reference());
  await bench.client.manifest(bench.reference({ repository: 'other' }));
  await bench.client.pushBlob(bench.reference(), randomBlob(5), { size: 5, read: () => 5 }).catch(() => {});
  const scopes = bench.server.requests
    .filter((request) => request.path === '/token')
    .map((request) => new URLSearchParams(request.query).get('scope'));
  assert.deepEqual(scopes.slice(0, 2), ['repository:team/app:pull', 'repository:other:pull']);
  assert.equal(scopes.length, 3);
});

test('a token that has run out, was revoked or is not taken any more is replaced, also in the middle of a transfer', async () => {
  await using bench = await withImage(
    { auth: { kind: 'token', ...USER, expiresInSeconds: 1 } },
    logins(LOGIN),
  );
  await bench.client.manifest(bench.reference());
  await new Promise((resolve) => setTimeout(resolve, 1050));
  await bench.client.manifest(bench.reference());
  assert.equal(bench.server.served(/^\/token$/).requests, 2);

  await using long = await withImage({ auth: { kind: 'token', ...USER } }, logins(LOGIN));
  await long.client.manifest(long.reference());
  long.server.revokeTokens();
  await long.client.manifest(long.reference());
  long.server.addFault({ kind: 'stale-token', path: /manifests/ });
  await long.client.manifest(long.reference());
  assert.equal(long.server.served(/^\/token$/).requests, 3);
  long.server.addFault({ kind: 'cut', afterBytes: 40_000, path: /blobs/ });
  long.server.addFault({ kind: 'stale-token', path: /blobs/ });
  await long.client.pullBlob(long.reference(), LAYER, long.store);
  assert.equal(long.server.served(/^\/token$/).requests, 4);
  assert.equal(long.server.requests.at(-1)?.bytesSent, LAYER.size - 40_000);
});

test('many at once ask for one token', async () => {
  await using bench = await withImage({ auth: { kind: 'token', ...USER } }, logins(LOGIN));
  const blobs = Array.from({ length: 8 }, () => randomBlob(1000));
  for (const blob of blobs) bench.server.putBlob('team/app', blob.bytes);
  await bench.client.pullBlobs(bench.reference(), blobs, bench.store);
  assert.equal(bench.server.served(/^\/token$/).requests, 1);
});

test('one who waits for a token is not hurt when the one who asks for it gives up', async () => {
  await using bench = await withImage({ auth: { kind: 'token', ...USER } }, logins(LOGIN));
  bench.server.addFault({ kind: 'slow', pieceBytes: 10, delayMs: 20, path: /^\/token$/ });
  const impatient = new AbortController();
  const first = bench.client.manifest(bench.reference(), { signal: impatient.signal });
  const second = bench.client.manifest(bench.reference());
  setTimeout(() => impatient.abort(new Error('enough')), 40);
  await assert.rejects(first, /enough/);
  assert.equal((await second).mediaType, 'application/vnd.oci.image.manifest.v1+json');
});

test('who is not let in is told so, with what to do; no secret is in the error', async (t) => {
  const wrong: Credentials = { kind: 'password', username: 'ada', password: 'pa:ss wrong' };
  const cases: readonly (readonly [
    string,
    TestRegistryOptions['auth'],
    Credentials | undefined,
    RegExp,
    RegExp,
  ])[] = [
    [
      'basic, nobody',
      { kind: 'basic', ...USER },
      undefined,
      /wants a name and a password/,
      /docker login 127/,
    ],
    [
      'basic, wrong',
      { kind: 'basic', ...USER },
      wrong,
      /does not give access to team\/app:v1/,
      /whether the login/,
    ],
    [
      'basic, refresh token',
      { kind: 'basic', ...USER },
      { kind: 'identity-token', token: 'r3fresh' },
      /wants a name/,
      /login/,
    ],
    [
      'token, nobody',
      { kind: 'token', ...USER },
      undefined,
      /team\/app.*token/,
      /log in first: docker login 127/,
    ],
    ['token, wrong', { kind: 'token', ...USER }, wrong, /team\/app.*token/, /whether the login/],
    [
      'refresh token, wrong',
      { kind: 'token', ...USER },
      { kind: 'identity-token', token: 'r3fresh' },
      /token/,
      /whether/,
    ],
  ];
  for (const [what, auth, credentials, message, hint] of cases) {
    await t.test(what, async () => {
      await using bench = await withImage({ auth: auth ?? { kind: 'none' } }, logins(credentials));
      await assert.rejects(bench.client.manifest(bench.reference()), code('denied', message, hint));
    });
  }
  await t.test('to push', async () => {
    await using bench = await withImage({ auth: { kind: 'token', anonymousPull: true } }, logins(undefined));
    const bytes = new TextEncoder().encode('{}');
    await assert.rejects(
      bench.client.pushManifest(bench.reference(), bytes, 'application/json'),
      code('denied', /pushing/, /log in/),
    );
  });
});

test('a token server that fails for a moment is asked again; one that answers nonsense is not', async () => {
  await using bench = await withImage({ auth: { kind: 'token', ...USER } }, logins(LOGIN));
  bench.server.addFault({ kind: 'status', status: 503, path: /^\/token$/, times: 2 });
  bench.server.addFault({ kind: 'cut', afterBytes: 5, path: /^\/token$/ });
  await pullAll(bench);
  for (const body of ['', '{}', '{"token": 5}', '{"token": ""}', '{"token": "test-token-\\r\\nx: y"}']) {
    bench.server.revokeTokens();
    bench.server.addFault({ kind: 'status', status: 200, body, path: /^\/token$/ });
    await assert.rejects(bench.client.manifest(bench.reference()), code('protocol', /without a token/), body);
  }
});

test('challenges that would send the password to a wrong place, or nowhere, are refused', async (t) => {
  const cases: readonly (readonly [string, string, RegExp])[] = [
    ['none at all', '', /offers no way we know \(none\)/],
    ['of another scheme', 'Negotiate, Digest realm="x"', /negotiate, digest/],
    ['malformed', 'Bearer realm="', /malformed/],
    ['no realm', 'Bearer service="x"', /whose address is none/],
    ['a file', 'Bearer realm="file:///etc/passwd"', /whose address is none/],
    ['with a name in it', 'Bearer realm="https://a:b@h/"', /whose address is none/],
  ];
  for (const [what, header, message] of cases) {
    await t.test(what, async () => {
      await using bench = await setUp(
        {},
        { ...logins(LOGIN), fetch: answering(401, { 'www-authenticate': header }) },
      );
      await assert.rejects(bench.client.manifest(bench.reference()), code('protocol', message));
    });
  }
  await t.test('by plain http, when the registry is spoken to by https', async () => {
    const fetch = answering(401, { 'www-authenticate': 'Bearer realm="http://h/token"' });
    await using bench = await setUp({}, { ...logins(LOGIN), fetch, plainHttp: [] });
    await assert.rejects(bench.client.manifest(bench.reference()), code('protocol', /plain http to h/));
  });
});

/** A fetch that always gets the same answer. */
function answering(status: number, headers: Record<string, string>): typeof globalThis.fetch {
  return async () => new Response('', { status, headers });
}

test('blobs are followed to another host and port, and the login is not sent there', async () => {
  for (const auth of [
    { kind: 'basic', ...USER },
    { kind: 'token', ...USER },
  ] as const) {
    await using bench = await withImage({ auth, redirectBlobs: true }, logins(LOGIN));
    await pullAll(bench);
    const storage = bench.server.requests.filter((request) => request.server === 'storage');
    assert.deepEqual(
      storage.map((request) => request.headers['authorization']),
      [undefined],
    );
    await bench.store.remove(LAYER.digest);
    // An address there that has run out is asked for anew, with the range that is missing.
    bench.server.addFault({ kind: 'cut', afterBytes: 40_000, path: /^\/storage/ });
    bench.server.addFault({ kind: 'status', status: 403, path: /^\/storage/ });
    await bench.client.pullBlob(bench.reference(), LAYER, bench.store);
    const last = bench.server.requests.findLast((request) => request.server === 'storage');
    assert.equal(last?.bytesSent, LAYER.size - 40_000);
  }
});

test('storage that refuses is named without the signature of its address', async () => {
  await using bench = await withImage({ redirectBlobs: true }, logins(LOGIN));
  bench.server.addFault({ kind: 'status', status: 401, path: /^\/storage/, times: 99 });
  await assert.rejects(
    bench.client.pullBlob(bench.reference(), LAYER, bench.store),
    code('denied', new RegExp(`\\(${bench.server.storageHost}\\)`)),
  );
});

test('a login never leaves for another origin, whatever the redirect', async (t) => {
  await using other = await startRegistry();
  other.putImage('team/app', 'v1', { layers: [] });
  const auth = { kind: 'basic', ...USER } as const;
  await t.test('of a manifest', async () => {
    await using bench = await withImage({ auth }, logins(LOGIN));
    await bench.client.resolve(bench.reference());
    bench.server.addFault({
      kind: 'redirect',
      location: `${other.url}/v2/team/app/manifests/v1`,
      path: /manifests/,
    });
    await bench.client.manifest(bench.reference());
    assert.deepEqual(
      other.requests.map((request) => request.headers['authorization']),
      [undefined],
    );
  });
  await t.test('and back again', async () => {
    await using bench = await withImage({ auth }, logins(LOGIN));
    await bench.client.resolve(bench.reference());
    bench.server.addFault({ kind: 'redirect', location: `${other.url}/v2/x`, path: /manifests/ });
    other.addFault({ kind: 'redirect', location: `${bench.server.url}/v2/back`, path: /x/ });
    await assert.rejects(bench.client.manifest(bench.reference()), OciError);
    const back = bench.server.requests.find((request) => request.path === '/v2/back');
    assert.equal(back?.headers['authorization'], undefined);
  });
  await t.test('of a token server that asks for more', async () => {
    await using bench = await withImage({ auth: { kind: 'token', ...USER } }, logins(LOGIN));
    bench.server.addFault({ kind: 'redirect', location: `${other.url}/token`, path: /^\/token$/ });
    await assert.rejects(bench.client.manifest(bench.reference()), OciError);
    const asked = other.requests.filter((request) => request.path === '/token');
    assert.deepEqual(
      asked.map((request) => request.headers['authorization']),
      [undefined],
    );
  });
  await t.test('of a refresh token', async () => {
    const login: Credentials = { kind: 'identity-token', token: 'r3fresh' };
    await using bench = await withImage({ auth: { kind: 'token', identityToken: 'r3fresh' } }, logins(login));
    other.forgetRequests();
    bench.server.addFault({ kind: 'redirect', location: `${other.url}/token`, path: /^\/token$/ });
    await assert.rejects(bench.client.manifest(bench.reference()), code('protocol'));
    assert.equal(other.requests.length, 0);
  });
  await t.test('of an upload that is to go elsewhere', async () => {
    await using bench = await withImage({ auth }, logins(LOGIN));
    other.forgetRequests();
    const blob = randomBlob(10);
    bench.server.addFault({
      kind: 'header',
      name: 'location',
      value: `${other.url}/v2/x/blobs/uploads/1`,
      path: /uploads/,
      method: 'POST',
    });
    // The first POST, without a login, is answered by 401 and takes the fault.
    bench.server.addFault({
      kind: 'header',
      name: 'location',
      value: `${other.url}/v2/x/blobs/uploads/1`,
      path: /uploads/,
      method: 'POST',
    });
    const source = {
      size: 10,
      read: (_: number, target: Uint8Array) => {
        target.set(blob.bytes);
        return 10;
      },
    };
    await assert.rejects(bench.client.pushBlob(bench.reference(), blob, source), OciError);
    assert.deepEqual(
      other.requests.map((request) => request.headers['authorization']),
      [undefined],
    );
  });
});

test('redirects end after five, and lead nowhere but to http and https', async (t) => {
  await t.test('a circle', async () => {
    await using bench = await withImage({}, {});
    bench.server.addFault({
      kind: 'redirect',
      location: '/v2/team/app/manifests/v1',
      path: /manifests/,
      times: 99,
    });
    await assert.rejects(bench.client.manifest(bench.reference()), code('protocol', /more than 5 times/));
    assert.equal(bench.server.requests.length, 6);
  });
  for (const location of ['', 'file:///etc/passwd', 'data:text/plain,x', 'http://[', 'https://a:b@h/']) {
    await t.test(JSON.stringify(location), async () => {
      const fetch = answering(307, location === '' ? {} : { location });
      await using bench = await setUp({}, { fetch });
      await assert.rejects(
        bench.client.manifest(bench.reference()),
        code('protocol', /an address that is none/),
      );
    });
  }
  await t.test('from https to http', async () => {
    const fetch = answering(307, { location: 'http://h.example/x?sig=signed-secret' });
    await using bench = await setUp({}, { fetch, plainHttp: [] });
    await assert.rejects(
      bench.client.manifest(bench.reference()),
      code('protocol', /from https to http at h\.example/),
    );
  });
});

test('logins are asked for by the name that people use for the registry', async () => {
  const asked: string[] = [];
  await using bench = await setUp(
    {},
    {
      fetch: answering(401, { 'www-authenticate': 'Basic realm="x"' }),
      credentials: async (registry, repository) => {
        asked.push(`${registry} ${repository}`);
        return undefined;
      },
    },
  );
  const reference = parseReference('debian:13');
  assert.ok(reference.kind === 'registry');
  await assert.rejects(
    bench.client.manifest(reference),
    code('denied', /docker\.io/, /docker login docker\.io/),
  );
  assert.deepEqual(asked, ['docker.io library/debian']);
});
