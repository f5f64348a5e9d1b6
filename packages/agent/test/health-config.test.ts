import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { suite, test } from 'node:test';
import { configShape, readConfig } from '@cairn/config';
import { HostError } from '@cairn/host';
import { fakeHost } from '@cairn/testkit';
import fc from 'fast-check';
import { loadHealthConfig } from '../src/health/config/load.ts';
import { parseHealth } from '../src/health/config/parse.ts';
import { HEALTH_YAML } from './health-sample.ts';

const HEAD = '#cloud-config\n';

test('all that can be said', () => {
  const at = (line: number) => `/oem/x.yaml:${line}`;
  assert.deepEqual(parseHealth(HEALTH_YAML, '/oem/x.yaml'), {
    deadlineMs: 900_000,
    allowFailed: ['motd-*.service', 'x@?.service'],
    checks: [
      { kind: 'unit', unit: 'ssh.service', timeoutMs: 10_000, at: at(14) },
      { kind: 'tcp', host: '127.0.0.1', port: 22, timeoutMs: 5000, at: at(15) },
      { kind: 'tcp', host: '::1', port: 6443, timeoutMs: 10_000, at: at(17) },
      { kind: 'http', url: 'http://localhost:8080/ready', status: 204, timeoutMs: 10_000, at: at(18) },
      { kind: 'command', argv: ['/usr/local/bin/check', '--level', '3'], timeoutMs: 120_000, at: at(20) },
      { kind: 'kubernetes', timeoutMs: 10_000, at: at(22) },
    ],
  });
});

const NOT_OURS: readonly [string, string][] = [
  ['without a header', 'health:\n  checks: 7\n'],
  ['with the header too late', `${'\n'.repeat(10)}#cloud-config\nhealth: 7\n`],
  ['without the key', `${HEAD}users: {{ .Values }}: [\n`],
  ['with the key further down', `${HEAD}stages:\n  health: 7\n`],
];
for (const [name, text] of NOT_OURS) {
  test(`a file ${name} says nothing of health`, () => {
    assert.equal(parseHealth(text, '/oem/x.yaml'), undefined);
  });
}

for (const header of ['#cloud-config', '#kairos-config', '#node-config', '\n# about\n#cloud-config  ']) {
  test(`a file that begins with ${JSON.stringify(header)} does`, () => {
    assert.equal(parseHealth(`${header}\nhealth: {deadline: 90}\n`, 'x')?.deadlineMs, 90_000);
  });
}

const DURATIONS: readonly [string, number | undefined][] = [
  ['90', 90_000],
  ['"90"', 90_000],
  ['90s', 90_000],
  ['10m', 600_000],
  ['10min', 600_000],
  ['1h', 3_600_000],
  ['1m30s', 90_000],
  ['12.5', 12_500],
  ['1s', undefined],
  ['2h', undefined],
  ['-5', undefined],
  ['10 m', undefined],
  ['.inf', undefined],
  ['.nan', undefined],
  ['""', undefined],
  ['soon', undefined],
  ['[90]', undefined],
];
for (const [value, expected] of DURATIONS) {
  test(`a deadline of ${value || 'nothing'} is ${expected}`, () => {
    const parse = () => parseHealth(`${HEAD}health:\n  deadline: ${value}\n`, '/oem/x.yaml');
    if (expected === undefined) {
      assert.throws(parse, { code: 'bad-config', message: /^\/oem\/x\.yaml:3: health\.deadline is not / });
    } else assert.equal(parse()?.deadlineMs, expected);
  });
}

const check = (text: string) => `health:\n  checks:\n    - ${text}\n`;

const WRONG: readonly [string, RegExp][] = [
  ['health: true\n', /^x:2: health is not a map$/],
  ['health: []\n', /^x:2: health is not a map$/],
  ['health:\n  cheks: []\n', /^x:3: health has the key "cheks", and only deadline, allow-failed, checks are/],
  ['health:\n  1: []\n', /^x:3: health has the key something else than text/],
  ['health:\n  checks: ssh.service\n', /^x:3: health\.checks is not a list$/],
  ['health:\n  allow-failed: "*"\n', /^x:3: health\.allow-failed is not a list$/],
  ['health:\n  allow-failed: [7]\n', /^x:3: what is in health\.allow-failed is not a text$/],
  ['health:\n  allow-failed: ["a b"]\n', /^x:3: "a b" is no unit’s name, nor a pattern of one$/],
  ['health: {}\nhealth: {}\n', /^x:3: it is not YAML: Map keys must be unique/],
  ['health: [\n', /^x:3: it is not YAML: /],
  ['health: {}\n---\nhealth: {}\n', /it is not YAML: .*multiple documents/],
  [check('ssh.service'), /^x:4: a check is not a map$/],
  [check('{timeout: 5}'), /^x:4: a check has exactly one of unit, tcp, http, command, kubernetes$/],
  [check('{unit: a.service, tcp: "h:1"}'), /^x:4: a check has exactly one of/],
  [check('{unit: ssh}'), /^x:4: "ssh" is not a unit’s name, such as ssh\.service$/],
  [check('{unit: --now.service}'), /^x:4: "--now\.service" is not a unit’s name/],
  [check('{unit: 7}'), /^x:4: unit is not a text$/],
  [check('{unit: a.service, status: 200}'), /^x:4: a check of unit has no status$/],
  [check('unit: a.service\n      timeout: 1h'), /^x:5: timeout is not between 1 s and 10 min$/],
  [check('{tcp: "22"}'), /^x:4: "22" is not HOST:PORT$/],
  [check('{tcp: 22}'), /^x:4: tcp is not a text$/],
  [check('{tcp: "h:0"}'), /is not HOST:PORT/],
  [check('{tcp: "h:65536"}'), /is not HOST:PORT/],
  [check('{tcp: "::1:22"}'), /is not HOST:PORT/],
  [check('{http: localhost}'), /^x:4: "localhost" is not a URL/],
  [check('{http: "ftp://h/"}'), /is not a URL that begins with http/],
  [check('{http: "http://u:p@h/"}'), /has a user’s name or password in it/],
  [check('{http: "http://h/", status: ok}'), /^x:4: status is not a number from 100 to 599$/],
  [check('{http: "http://h/", status: 99}'), /status is not a number/],
  [check('{command: true}'), /^x:4: command is not a list$/],
  [check('{command: []}'), /^x:4: command is empty$/],
  [check('{command: [""]}'), /^x:4: command names no program$/],
  [check('{command: [a, [b]]}'), /what is in command is not a text/],
  [check('{command: ["a\\0b"]}'), /has a zero byte in it/],
  [check('{kubernetes: yes}'), /^x:4: kubernetes has to be node-ready$/],
  [check('*nothing'), /^x:4: it is not YAML|a check is not a map/],
  [`health:\n  allow-failed: [${'a.service, '.repeat(201)}]\n`, /has more than 200 items/],
  [`health: ${'['.repeat(20_000)}\n`, /it is not YAML/],
];
for (const [text, message] of WRONG) {
  test(`refused: ${JSON.stringify(text.slice(0, 70))}`, () => {
    assert.throws(() => parseHealth(HEAD + text, 'x'), { code: 'bad-config', message });
  });
}

test('an alias is what it stands for', () => {
  const text = `${HEAD}mine: &mine\n  - {unit: a.service}\nhealth:\n  checks: *mine\n`;
  assert.deepEqual(
    parseHealth(text, 'x')?.checks.map(({ kind, at }) => [kind, at]),
    [['unit', 'x:3']],
  );
});

function machine(files: Readonly<Record<string, string>>): string {
  const root = mkdtempSync(join(tmpdir(), 'cairn-config-'));
  for (const [path, text] of Object.entries(files)) {
    mkdirSync(dirname(join(root, path)), { recursive: true });
    writeFileSync(join(root, path), text);
  }
  return root;
}

test('files of all folders are put together: lists one after the other, else the last counts', async (context) => {
  const part = (deadline: number, unit: string) =>
    `${HEAD}health:\n  deadline: ${deadline}\n  allow-failed: [${unit}.service]\n  checks: [{unit: ${unit}.service}]\n`;
  const root = machine({
    '/oem/90.yaml': part(40, 'e'),
    '/oem/10.yml': part(30, 'd'),
    '/oem/20.txt': 'health: 7',
    '/oem/30.yaml/x': '',
    '/usr/local/cloud-config/a.yaml': part(20, 'c'),
    '/etc/kairos/a.yaml': part(15, 'b'),
    '/system/oem/a.yaml': part(10, 'a'),
    '/oem/99.yaml': `${HEAD}health:\n  checks: []\n`,
  });
  context.after(() => rmSync(root, { recursive: true, force: true }));
  const config = await loadHealthConfig(fakeHost({ root }).files);
  assert.equal(config.deadlineMs, 40_000);
  assert.deepEqual(
    config.allowFailed,
    ['a', 'b', 'c', 'd', 'e'].map((unit) => `${unit}.service`),
  );
  assert.deepEqual(
    config.checks.map(({ at }) => at),
    [
      '/system/oem/a.yaml:5',
      '/etc/kairos/a.yaml:5',
      '/usr/local/cloud-config/a.yaml:5',
      '/oem/10.yml:5',
      '/oem/90.yaml:5',
    ],
  );
});

test('without any there are ten minutes, and no checks', async (context) => {
  const root = machine({});
  context.after(() => rmSync(root, { recursive: true, force: true }));
  assert.deepEqual(await loadHealthConfig(fakeHost({ root }).files), {
    deadlineMs: 600_000,
    allowFailed: [],
    checks: [],
  });
});

test('a file that cannot be read is not passed over', async (context) => {
  const root = machine({ '/oem/90.yaml': HEAD });
  context.after(() => rmSync(root, { recursive: true, force: true }));
  const { files } = fakeHost({
    root,
    fault: (operation, path) =>
      operation === 'read' && path === '/oem/90.yaml' ? new HostError('io', 'bad sector') : undefined,
  });
  await assert.rejects(loadHealthConfig(files), {
    code: 'bad-config',
    message: '/oem/90.yaml cannot be read: bad sector',
  });
});

test('an argument may be empty', () => {
  const [own] = parseHealth(`${HEAD}${check('{command: [test, -z, ""]}')}`, 'x')?.checks ?? [];
  assert.deepEqual(own?.kind === 'command' && own.argv, ['test', '-z', '']);
});

test('a key with nothing but comments behind it is as if it were not there', () => {
  for (const text of ['health:\n', 'health:\n  # checks: []\n', 'health: ~\n']) {
    assert.equal(parseHealth(HEAD + text, 'x'), undefined);
  }
  assert.deepEqual(parseHealth(`${HEAD}health:\n  deadline:\n  checks:\n  # - unit: ssh.service\n`, 'x'), {
    allowFailed: [],
    checks: [],
  });
});

/** The schema of configurations has `health` too: what it finds good is taken on the node. */
suite('the schema of configurations agrees', () => {
  const shape = configShape();
  const isGood = (text: string) =>
    readConfig({ file: 'x', text }, shape).diagnostics.every(({ severity }) => severity !== 'error');

  test('of what is good', () => {
    assert.ok(isGood(HEALTH_YAML));
    const { config } = readConfig({ file: 'x', text: HEALTH_YAML }, shape);
    assert.equal(config.health?.deadline, parseHealth(HEALTH_YAML, 'x')?.deadlineMs);
    assert.equal(config.health?.checks?.length, parseHealth(HEALTH_YAML, 'x')?.checks.length);
  });

  for (const [text] of WRONG) {
    test(`of what is wrong: ${JSON.stringify(text.slice(0, 70))}`, () => assert.ok(!isGood(HEAD + text)));
  }

  test('of whatever is written', () => {
    const text = fc.oneof(
      fc.constantFrom(
        'ssh.service',
        'ssh',
        'h:22',
        'h',
        'http://h/',
        'ftp://h/',
        'node-ready',
        '90s',
        '1d',
        '',
      ),
      fc.string({ maxLength: 5 }),
    );
    const value = fc.oneof(
      text,
      fc.integer({ min: -1, max: 700 }),
      fc.boolean(),
      fc.array(text, { maxLength: 2 }),
    );
    const key = fc.constantFrom('unit', 'tcp', 'http', 'command', 'kubernetes', 'timeout', 'status', 'x');
    const health = fc.record(
      {
        deadline: value,
        'allow-failed': fc.oneof(value, fc.array(text, { maxLength: 3 })),
        checks: fc.array(fc.dictionary(key, value, { maxKeys: 2 }), { maxLength: 3 }),
      },
      { requiredKeys: [] },
    );
    fc.assert(
      fc.property(health, (fields) => {
        const written = `${HEAD}${JSON.stringify({ health: fields }).replace(/^\{"health":(.*)\}$/, 'health: $1')}\n`;
        if (isGood(written)) parseHealth(written, 'x');
      }),
      { numRuns: 3000 },
    );
  });
});
