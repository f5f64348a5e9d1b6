import assert from 'node:assert/strict';
import { chmod, mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import { inspect } from 'node:util';
import { realFiles, realPrograms } from '@cairn/host';
import { dockerCredentials, OciError } from '@cairn/oci';
import { type Challenge, parseChallenges } from '../src/registry/challenge.ts';
import { loginFor, parseDockerConfig } from '../src/registry/docker-config.ts';
import { scratchFolder } from './registry-tools.ts';

function challenge(scheme: string, parameters: Record<string, string> = {}): Challenge {
  return { scheme, parameters: new Map(Object.entries(parameters)) };
}

const HEADERS: readonly (readonly [string, readonly Challenge[]])[] = [
  ['', []],
  ['Basic realm="x"', [challenge('basic', { realm: 'x' })]],
  ['BASIC Realm="x"', [challenge('basic', { realm: 'x' })]],
  ['Basic', [challenge('basic')]],
  [
    'Bearer realm="https://auth.docker.io/token",service="registry.docker.io",scope="repository:a/b:pull,push"',
    [
      challenge('bearer', {
        realm: 'https://auth.docker.io/token',
        service: 'registry.docker.io',
        scope: 'repository:a/b:pull,push',
      }),
    ],
  ],
  ['Bearer realm="a\\"b\\\\c"', [challenge('bearer', { realm: 'a"b\\c' })]],
  ['Bearer realm = "x" , service = y', [challenge('bearer', { realm: 'x', service: 'y' })]],
  ['Bearer realm=https://h/t,service=s', [challenge('bearer', { realm: 'https://h/t', service: 's' })]],
  ['Bearer realm="x", realm="y"', [challenge('bearer', { realm: 'x' })]],
  ['Bearer realm="", scope="a, b"', [challenge('bearer', { realm: '', scope: 'a, b' })]],
  [
    'Negotiate, Basic realm="x", Bearer realm="y",service="z"',
    [
      challenge('negotiate'),
      challenge('basic', { realm: 'x' }),
      challenge('bearer', { realm: 'y', service: 'z' }),
    ],
  ],
  ['NTLM TlRMTVNTUAAB==, Basic realm="x"', [challenge('ntlm'), challenge('basic', { realm: 'x' })]],
  [', ,Basic realm="x",, ,', [challenge('basic', { realm: 'x' })]],
  [
    'Digest qop="auth, auth-int", nonce="7c==", Basic realm=z',
    [challenge('digest', { qop: 'auth, auth-int', nonce: '7c==' }), challenge('basic', { realm: 'z' })],
  ],
];

test('WWW-Authenticate is read as RFC 9110 has it', async (t) => {
  for (const [header, expected] of HEADERS) {
    await t.test(header, () => assert.deepEqual(parseChallenges(header), expected));
  }
});

test('a malformed WWW-Authenticate is refused, with the place', () => {
  for (const header of [
    '"x"',
    'Bearer realm="x',
    'Bearer realm="x" y',
    'Bearer realm="x"service="y"',
    'Bearer =x',
    'Basic\nx',
  ]) {
    assert.throws(
      () => parseChallenges(header),
      (error: unknown) =>
        error instanceof OciError && error.code === 'protocol' && /character \d+$/.test(error.message),
      header,
    );
  }
});

const base64 = (text: string) => Buffer.from(text).toString('base64');

test('logins are found by registry, by the old address of Docker Hub, and by the longest name', () => {
  const config = parseDockerConfig(
    JSON.stringify({
      auths: {
        'https://index.docker.io/v1/': { auth: base64('hub:p:w') },
        'ghcr.io': { auth: base64('pad:secret\0\0') },
        'https://quay.io': { username: 'plain', password: 'text' },
        'quay.io/org': { auth: base64('org:1') },
        'quay.io/org/deep': { auth: base64('deep:2') },
        'cr.example:5000': { identitytoken: 'tok', auth: base64('ignored:x') },
        'empty.example': {},
        'null.example': null,
      },
      HttpHeaders: { x: 'y' },
    }),
    'config.json',
  );
  const login = (username: string, password: string) => ({ kind: 'password', username, password });
  const cases: readonly (readonly [string, string, unknown])[] = [
    ['docker.io', 'library/debian', login('hub', 'p:w')],
    ['ghcr.io', 'x/y', login('pad', 'secret')],
    ['quay.io', 'x', login('plain', 'text')],
    ['quay.io', 'org/app', login('org', '1')],
    ['quay.io', 'org/deep/app', login('deep', '2')],
    ['quay.io', 'organic/app', login('plain', 'text')],
    ['cr.example:5000', 'x', { kind: 'identity-token', token: 'tok' }],
    ['cr.example', 'x', undefined],
    ['empty.example', 'x', undefined],
    ['null.example', 'x', undefined],
    ['constructor', 'x', undefined],
  ];
  for (const [registry, repository, expected] of cases) {
    assert.deepEqual(loginFor(config, registry, repository), expected, `${registry}/${repository}`);
  }
});

test('a config that is wrong is refused by name, and nothing of it is told', () => {
  const cases: readonly (readonly [string, RegExp])[] = [
    ['{"auths": {"a": {"auth": "s3cr3t', /not JSON/],
    ['[]', /not an object/],
    ['"s3cr3t"', /not an object/],
    ['{"auths": ["s3cr3t"]}', /auths is not of the right type/],
    ['{"auths": {"a.example": "s3cr3t"}}', /auths\.a\.example is not/],
    ['{"auths": {"a.example": {"auth": {"s3cr3t": 1}}}}', /auths\.a\.example\.auth is not/],
    ['{"auths": {"a.example": {"auth": "s3cr3t!!"}}}', /auth of a\.example/],
    [`{"auths": {"a.example": {"auth": "${base64('s3cr3t')}"}}}`, /auth of a\.example/],
    ['{"credsStore": "../s3cr3t"}', /cannot be a program/],
    ['{"credHelpers": {"a": "x; rm s3cr3t"}}', /cannot be a program/],
  ];
  for (const [text, what] of cases) {
    assert.throws(
      () => parseDockerConfig(text, '/x/config.json'),
      (error: unknown) => {
        assert.ok(error instanceof OciError && error.code === 'invalid-credentials', text);
        assert.match(error.message, what);
        assert.match(error.message, /\/x\/config\.json/);
        assert.doesNotMatch(inspect(error, { depth: 9 }), /s3cr3t/);
        return true;
      },
    );
  }
});

/** A home with the given files, and credential helpers that are shell scripts. */
async function home(files: Record<string, unknown>, helpers: Record<string, string> = {}) {
  const scratch = await scratchFolder();
  for (const [name, content] of Object.entries(files)) {
    const path = join(scratch.path, name);
    await mkdir(join(path, '..'), { recursive: true });
    await writeFile(path, JSON.stringify(content));
  }
  const bin = join(scratch.path, 'bin');
  await mkdir(bin, { recursive: true });
  for (const [name, script] of Object.entries(helpers)) {
    await writeFile(join(bin, `docker-credential-${name}`), `#!/bin/sh\n${script}\n`);
    await chmod(join(bin, `docker-credential-${name}`), 0o755);
  }
  const environment: Record<string, string> = { HOME: scratch.path, PATH: `${bin}:${process.env['PATH']}` };
  return { ...scratch, environment };
}

function provider(environment: Record<string, string>) {
  return dockerCredentials({ files: realFiles(), programs: realPrograms(), environment });
}

const auths = (user: string) => ({ auths: { 'r.example': { auth: base64(`${user}:pw`) } } });

test('the files of docker and of the containers tools are looked into, in their order', async () => {
  await using place = await home({
    '.docker/config.json': auths('docker'),
    'elsewhere/config.json': auths('elsewhere'),
    'run/containers/auth.json': auths('runtime'),
    '.config/containers/auth.json': auths('config'),
    'auth-file.json': auths('named'),
  });
  const { HOME = '', ...rest } = place.environment;
  const cases: readonly (readonly [string, Record<string, string>, string | undefined])[] = [
    ['home', { HOME }, 'docker'],
    ['DOCKER_CONFIG', { HOME, DOCKER_CONFIG: `${HOME}/elsewhere` }, 'elsewhere'],
    [
      'REGISTRY_AUTH_FILE',
      { REGISTRY_AUTH_FILE: `${HOME}/auth-file.json`, XDG_RUNTIME_DIR: `${HOME}/run` },
      'named',
    ],
    ['XDG_RUNTIME_DIR', { XDG_RUNTIME_DIR: `${HOME}/run` }, 'runtime'],
    ['the containers file of the home', { HOME, DOCKER_CONFIG: `${HOME}/none` }, 'config'],
    ['nothing', {}, undefined],
  ];
  for (const [what, environment, user] of cases) {
    const found = await provider({ ...rest, ...environment })('r.example', 'x');
    assert.equal(found?.kind === 'password' ? found.username : undefined, user, what);
  }
});

test('credential helpers are asked, with the names that they know', async () => {
  await using place = await home(
    {
      '.docker/config.json': {
        ...auths('file'),
        credsStore: 'main',
        credHelpers: {
          'token.example': 'token',
          'none.example': 'none',
          'bad.example': 'bad',
          'r.example': 'none',
          'missing.example': 'missing',
          'odd.example': 'odd',
        },
      },
    },
    {
      main: `read name; echo '{"ServerURL":"'$name'","Username":"for '$name'","Secret":"hidden"}'`,
      token: `echo '{"Username":"<token>","Secret":"refresh"}'`,
      none: 'echo "credentials not found in native keychain"; exit 1',
      bad: 'echo s3cr3t; echo s3cr3t >&2; exit 3',
      odd: 'echo s3cr3t',
    },
  );
  const find = provider(place.environment);
  const password = (username: string) => ({ kind: 'password', username, password: 'hidden' });
  assert.deepEqual(await find('any.example', 'x'), password('for any.example'));
  assert.deepEqual(await find('docker.io', 'library/x'), password('for https://index.docker.io/v1/'));
  assert.deepEqual(await find('token.example', 'x'), { kind: 'identity-token', token: 'refresh' });
  assert.equal(await find('none.example', 'x'), undefined);
  assert.deepEqual(await find('r.example', 'x'), { kind: 'password', username: 'file', password: 'pw' });
  for (const [registry, what] of [
    ['bad.example', /docker-credential-bad failed with exit code 3/],
    ['odd.example', /docker-credential-odd: it is not JSON/],
    ['missing.example', /docker-credential-missing, which cannot be run/],
  ] as const) {
    await assert.rejects(find(registry, 'x'), (error: unknown) => {
      assert.ok(error instanceof OciError && error.code === 'invalid-credentials');
      assert.match(error.message, what);
      assert.doesNotMatch(inspect(error, { depth: 9 }), /s3cr3t/);
      return true;
    });
  }
});
