import assert from 'node:assert/strict';
import { mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, suite, test } from 'node:test';
import { HostError } from '@cairn/host';
import { runChecks } from '../src/health/checks.ts';
import type { OwnCheck } from '../src/health/config/types.ts';
import { redact } from '../src/health/redact.ts';
import { globPattern } from '../src/health/system.ts';
import { parseRoutes, parseRoutes6 } from '../src/node/routes.ts';
import { changeState } from '../src/state/store.ts';
import { mounts, networkOf, put, ROUTE, type Said, trialHost, trialNode } from './health-node.ts';
import { makeRelease, removeNodes } from './upgrade-node.ts';

const [OLD, NEW] = await Promise.all(['1.0', '2.0'].map(makeRelease));
if (OLD === undefined || NEW === undefined) throw new TypeError('two releases');
const node = () => trialNode(OLD, NEW);

afterEach(removeNodes);

interface Case {
  readonly name: string;
  readonly change?: (root: string) => void | Promise<void>;
  readonly said?: Said;
  readonly allowFailed?: readonly string[];
  /** `check: sentence` of the first that fails; undefined where all hold. */
  readonly finding: string | undefined;
  readonly final?: boolean;
}

const SYSTEM: readonly Case[] = [
  { name: 'all is well', finding: undefined },
  {
    name: 'not up yet, with a unit that takes its time',
    change: (root) => rmSync(join(root, 'run/cairn/up')),
    said: { jobs: '1 multi-user.target start waiting\n7 slow.service start running\n' },
    finding: 'up: the system has not come up: it still waits for slow.service',
  },
  {
    name: 'not up yet, with a unit that has failed',
    change: (root) => rmSync(join(root, 'run/cairn/up')),
    said: { failed: () => ['db.service'] },
    finding: 'up: the system has not come up: db.service failed',
  },
  {
    name: 'not up yet, without systemd',
    change(root) {
      rmSync(join(root, 'run/cairn/up'));
      rmSync(join(root, 'run/systemd'), { recursive: true });
    },
    finding: 'up: the system has not come up',
  },
  {
    name: 'a failed unit, long after it has come up',
    said: { failed: () => ['db.service'] },
    finding: 'units: the unit db.service failed',
    final: true,
  },
  {
    name: 'a failed unit, just after it has come up',
    change: (root) => put(root, '/run/cairn/up', '90.00\n'),
    said: { failed: () => ['db.service'] },
    finding: 'units: the unit db.service failed',
    final: false,
  },
  {
    name: 'seven failed units, one of which may',
    said: { failed: () => ['a', 'b', 'c', 'd', 'e', 'f', 'g'].map((name) => `${name}.service`) },
    allowFailed: ['a.*'],
    finding: 'units: the units b.service, c.service, d.service, e.service, f.service and 1 more failed',
    final: true,
  },
  {
    name: 'a failed unit that may',
    said: { failed: () => ['motd-news.service'] },
    allowFailed: ['motd-*.service'],
    finding: undefined,
  },
  {
    name: 'the persistent partition in memory',
    change: (root) =>
      put(
        root,
        '/run/cairn/boot.json',
        JSON.stringify({
          formatVersion: 1,
          rootHash: 'x',
          slot: 'cairn-b',
          persistent: false,
          problems: ['/dev/vda has no partition COS_PERSISTENT'],
        }),
      ),
    finding: 'persistent: what should be kept is in memory: /dev/vda has no partition COS_PERSISTENT',
    final: true,
  },
  {
    name: 'the persistent partition not mounted',
    change: (root) => put(root, '/proc/self/mountinfo', '30 1 254:0 / / ro - erofs /dev/mapper/root ro\n'),
    finding: 'persistent: the persistent partition is not mounted at /run/cairn/persistent',
  },
  {
    name: 'the persistent partition read-only, as after an error',
    change: (root) => put(root, '/proc/self/mountinfo', mounts('ro')),
    finding: 'persistent: the persistent partition (/dev/vda6) has become read-only',
    final: true,
  },
  {
    name: 'the persistent partition cannot be written to',
    change(root) {
      rmSync(join(root, 'run/cairn/persistent'), { recursive: true });
      writeFileSync(join(root, 'run/cairn/persistent'), '');
    },
    finding: 'persistent: persistent: cannot write',
  },
  {
    name: 'no default route any more',
    change: (root) => put(root, '/proc/net/route', ROUTE),
    finding: 'network: there is no default route for IPv4; before the upgrade there was one by eth0',
  },
  {
    name: 'no routes at all',
    change: (root) => rmSync(join(root, 'proc/net'), { recursive: true }),
    finding: 'network: there is no default route for IPv4; before the upgrade there was one by eth0',
  },
  {
    name: 'a default route by an interface of another name',
    change: (root) =>
      put(root, '/proc/net/route', `${ROUTE}ens3\t00000000\t0102000A\t0003\t0\t0\t0\t00000000\t0\t0\t0\n`),
    finding: undefined,
  },
  {
    name: 'no default route, as before',
    async change(root) {
      put(root, '/proc/net/route', ROUTE);
      await changeState(trialHost(root).files, (state) =>
        state.pending === undefined
          ? state
          : { ...state, pending: { ...state.pending, network: { ipv4: [], ipv6: [] } } },
      );
    },
    finding: undefined,
  },
  {
    name: 'an executable that says no',
    change: (root) => put(root, '/etc/cairn/health.d/10-db', '', 0o755),
    said: {
      programs: {
        '/etc/cairn/health.d/10-db': () => ({
          exitCode: 1,
          stderr: 'first\nno connection: password=hunter2\n',
        }),
      },
    },
    finding: '/etc/cairn/health.d/10-db: /etc/cairn/health.d/10-db says: no connection: password=***',
  },
  {
    name: 'an executable that says nothing and fails',
    change: (root) => put(root, '/etc/cairn/health.d/10-db', '', 0o755),
    said: { programs: { '/etc/cairn/health.d/10-db': () => ({ exitCode: 9 }) } },
    finding: '/etc/cairn/health.d/10-db: /etc/cairn/health.d/10-db says: exit code 9',
  },
  {
    name: 'an executable that does not end',
    change: (root) => put(root, '/etc/cairn/health.d/10-db', '', 0o755),
    said: {
      programs: {
        '/etc/cairn/health.d/10-db': (_, { timeoutMs }) => {
          throw new HostError('timeout', `10-db did not end within ${(timeoutMs ?? 0) / 1000} s`);
        },
      },
    },
    finding:
      '/etc/cairn/health.d/10-db: /etc/cairn/health.d/10-db could not be run: 10-db did not end within 30 s',
  },
  {
    name: 'files in health.d that are no checks',
    change(root) {
      put(root, '/etc/cairn/health.d/README', '');
      put(root, '/etc/cairn/health.d/.hidden', '', 0o755);
      put(root, '/etc/cairn/health.d/old.dpkg-old', '', 0o755);
      put(root, '/etc/cairn/health.d/edited~', '', 0o755);
      mkdirSync(join(root, 'etc/cairn/health.d/folder'));
    },
    finding: undefined,
  },
];

suite('the checks of every node', () => {
  for (const { name, change, said, allowFailed = [], finding, final } of SYSTEM) {
    test(name, async () => {
      const root = await node();
      await change?.(root);
      const host = trialHost(root, said);
      const doors = { host, network: networkOf() };
      const findings = await runChecks(doors, { deadlineMs: 1, allowFailed, checks: [] }, true);
      const failing = findings.find(({ ok }) => !ok);
      const told = failing === undefined ? undefined : `${failing.check}: ${failing.said}`;
      if (finding === undefined) assert.equal(told, undefined);
      else assert.ok(told?.startsWith(finding) === true, String(told));
      if (final !== undefined) assert.equal(failing?.final, final);
    });
  }

  test('executables run in order, and all of them where all is wanted', async () => {
    const root = await node();
    for (const name of ['20-b', '10-a', 'c']) put(root, `/etc/cairn/health.d/${name}`, '', 0o755);
    const host = trialHost(root, {
      programs: {
        '/etc/cairn/health.d/10-a': () => ({ exitCode: 1 }),
        '/etc/cairn/health.d/20-b': () => ({}),
      },
    });
    const doors = { host, network: networkOf() };
    const config = { deadlineMs: 1, allowFailed: [], checks: [] };
    const all = await runChecks(doors, config, false);
    assert.deepEqual(
      all.map(({ check, ok }) => [check.split('/').at(-1), ok]),
      [
        ['up', true],
        ['units', true],
        ['persistent', true],
        ['network', true],
        ['10-a', false],
        ['20-b', true],
        ['c', false],
      ],
    );
    assert.equal((await runChecks(doors, config, true)).length, 5);
  });
});

type Body<T> = T extends unknown ? Omit<T, 'timeoutMs' | 'at'> : never;
const READY = 'get node node-1 -o jsonpath={.status.conditions[?(@.type=="Ready")].status}';

const OWN: readonly {
  readonly name: string;
  readonly check: Body<OwnCheck>;
  readonly said?: Said;
  readonly answers?: Readonly<Record<string, number | Error>>;
  readonly change?: (root: string) => void;
  readonly finding: string | undefined;
}[] = [
  {
    name: 'a unit that is active',
    check: { kind: 'unit', unit: 'ssh.service' },
    said: { active: { 'ssh.service': 'active' } },
    finding: undefined,
  },
  {
    name: 'a unit that is starting',
    check: { kind: 'unit', unit: 'ssh.service' },
    said: { active: { 'ssh.service': 'activating' } },
    finding: 'unit ssh.service: ssh.service is not active, but activating',
  },
  {
    name: 'a unit, without systemctl',
    check: { kind: 'unit', unit: 'ssh.service' },
    said: {
      programs: {
        systemctl: ([, verb]) => {
          if (verb !== 'is-active') return {};
          throw new HostError('not-found', 'the program systemctl is not installed');
        },
      },
    },
    finding: 'unit ssh.service: ssh.service is not active, but the program systemctl is not installed',
  },
  { name: 'a port that answers', check: { kind: 'tcp', host: 'h', port: 22 }, finding: undefined },
  {
    name: 'a port that does not',
    check: { kind: 'tcp', host: 'h', port: 22 },
    answers: { 'h:22': new HostError('io', 'connect ECONNREFUSED') },
    finding: 'tcp h:22: nothing takes connections at h:22: connect ECONNREFUSED',
  },
  {
    name: 'a page with the right status',
    check: { kind: 'http', url: 'http://h/', status: 204 },
    answers: { 'http://h/': 204 },
    finding: undefined,
  },
  {
    name: 'a page with another status',
    check: { kind: 'http', url: 'http://h/', status: 200 },
    answers: { 'http://h/': 503 },
    finding: 'http http://h/: http://h/ answers with status 503, not 200',
  },
  {
    name: 'a page that does not come',
    check: { kind: 'http', url: 'http://h/', status: 200 },
    answers: { 'http://h/': new HostError('timeout', 'http://h/ did not answer within 10 s') },
    finding: 'http http://h/: http://h/ does not answer: http://h/ did not answer within 10 s',
  },
  {
    name: 'a command that succeeds',
    check: { kind: 'command', argv: ['ok', 'x'] },
    said: { programs: { ok: () => ({}) } },
    finding: undefined,
  },
  {
    name: 'a command that fails',
    check: { kind: 'command', argv: ['not', '--ok'] },
    said: { programs: { not: () => ({ exitCode: 2, stdout: 'the queue is full\n' }) } },
    finding: 'not --ok: not --ok says: the queue is full',
  },
  {
    name: 'a command that is not there',
    check: { kind: 'command', argv: ['nothing'] },
    said: {
      programs: {
        nothing: () => {
          throw new HostError('not-found', 'the program nothing is not installed');
        },
      },
    },
    finding: 'nothing: nothing could not be run: the program nothing is not installed',
  },
  {
    name: 'no Kubernetes',
    check: { kind: 'kubernetes' },
    finding: 'kubernetes node-ready: there is no Kubernetes on this node: none of /etc/rancher/k3s/k3s.yaml',
  },
  {
    name: 'a Kubernetes node that is ready',
    check: { kind: 'kubernetes' },
    change: (root) => put(root, '/etc/kubernetes/kubelet.conf', ''),
    said: {
      programs: {
        kubectl: (argv) => {
          assert.equal(argv.slice(1).join(' '), `--kubeconfig /etc/kubernetes/kubelet.conf ${READY}`);
          return { stdout: 'True' };
        },
      },
    },
    finding: undefined,
  },
  {
    name: 'one of k3s that is not',
    check: { kind: 'kubernetes' },
    change: (root) => put(root, '/etc/rancher/k3s/k3s.yaml', ''),
    said: { programs: { k3s: () => ({ stdout: 'False' }) } },
    finding: 'kubernetes node-ready: the Kubernetes node node-1 is not ready (Ready is False)',
  },
  {
    name: 'one that does not answer',
    check: { kind: 'kubernetes' },
    change: (root) => put(root, '/etc/rancher/k3s/k3s.yaml', ''),
    said: { programs: { kubectl: () => ({ exitCode: 1, stderr: 'connection refused\n' }) } },
    finding: 'kubernetes node-ready: the Kubernetes node node-1 cannot be looked up: connection refused',
  },
];

suite("the owner's checks", () => {
  for (const { name, check, said, answers, change, finding } of OWN) {
    test(name, async () => {
      const root = await node();
      change?.(root);
      const own = { ...check, timeoutMs: 10_000, at: '/oem/x.yaml:3' } as OwnCheck;
      const doors = { host: trialHost(root, said), network: networkOf(answers) };
      const findings = await runChecks(doors, { deadlineMs: 1, allowFailed: [], checks: [own] }, true);
      assert.equal(findings.length, 5);
      const { check: what, said: why } = findings[4] ?? {};
      const told = why === undefined ? undefined : `${what}: ${why}`;
      if (finding === undefined) assert.equal(told, undefined);
      else assert.ok(told?.startsWith(finding) === true, String(told));
    });
  }
});

const SECRETS: readonly [string, string][] = [
  ['password=hunter2 user=me', 'password=*** user=me'],
  ['DB_PASSWORD: "a b\\" c", next', 'DB_PASSWORD: ***, next'],
  ["passwd='x y' z", 'passwd=*** z'],
  ['{"apiKey":"abc","name":"x"}', '{"apiKey":***,"name":"x"}'],
  ['token = abc.def', 'token = ***'],
  ['client_secret_id=abc&x=1', 'client_secret_id=***&x=1'],
  ['k3s agent --token K10abc::server:x --server y', 'k3s agent --token *** --server y'],
  ['the password is hunter2', 'the password is ***'],
  ['Authorization: Bearer eyJhbGciOi.x-y', 'Authorization: Bearer ***'],
  ['pulling https://me:hunter2@registry/x', 'pulling https://me:***@registry/x'],
  ['keyboard found', 'keyboard found'],
  ['Started ssh.service', 'Started ssh.service'],
  ['\x1b[31mred\x1b[0m\x07', 'red'],
];

suite('what is secret does not get into the log', () => {
  for (const [line, expected] of SECRETS) {
    test(JSON.stringify(line), () => assert.equal(redact(line), expected));
  }

  test('and a line is not endless, nor takes long', () => {
    const began = performance.now();
    for (const line of ['key'.repeat(1e5), `${'a'.repeat(1e5)}=`, '-'.repeat(1e5), `key${' '.repeat(1e5)}`]) {
      assert.ok(redact(line).length <= 400);
    }
    assert.ok(performance.now() - began < 500);
  });
});

test('names of units by patterns', () => {
  const table: readonly [string, string, boolean][] = [
    ['a*.service', 'abc.service', true],
    ['a*.service', 'abcXservice', false],
    ['a?.service', 'ab.service', true],
    ['a?.service', 'abc.service', false],
    ['[ab].mount', 'b.mount', true],
    ['[!ab].mount', 'b.mount', false],
    ['[!ab].mount', 'c.mount', true],
    ['x@*.service', 'x@1.service', true],
    ['[z-a].service', 'b.service', false],
    ['a.service', 'aa.service', false],
  ];
  for (const [glob, unit, expected] of table) assert.equal(globPattern(glob).test(unit), expected, glob);
});

test('default routes are those of the kernel, but for those that refuse', () => {
  assert.deepEqual(
    parseRoutes(
      `${ROUTE}eth0\t00000000\t0102000A\t0003\t0\t0\t0\t00000000\t0\t0\t0\neth1\t0002000A\t00000000\t0001\t0\t0\t0\t00FFFFFF\t0\t0\t0\neth2\t00000000\t0\t0002\t0\t0\t0\t00000000\t0\t0\t0\n`,
    ),
    ['eth0'],
  );
  const zero = '0'.repeat(32);
  assert.deepEqual(
    parseRoutes6(
      [
        `${zero} 00 ${zero} 00 fe80${'0'.repeat(28)} 00000400 00000001 00000000 00450003     eth0`,
        `${zero} 00 ${zero} 00 ${zero} ffffffff 00000001 00000000 00200200       lo`,
        `fe80${'0'.repeat(28)} 40 ${zero} 00 ${zero} 00000100 00000001 00000000 00000001     eth1`,
      ].join('\n'),
    ),
    ['eth0'],
  );
  const own = readFileSync('/proc/net/route', 'utf8');
  assert.ok(Array.isArray(parseRoutes(own)));
});
