import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, statSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { suite, test } from 'node:test';
import { gzipSync } from 'node:zlib';
import { HostError } from '@cairn/host';
import { type FakeProgram, fakeHost } from '@cairn/testkit';
import { readContent } from '../src/datasource/content.ts';
import { type FindOptions, findUserData } from '../src/datasource/find.ts';
import { oemStrings, userDataUrl } from '../src/datasource/firmware.ts';
import type { Http } from '../src/datasource/http.ts';
import { configsOf, keepConfigs } from '../src/datasource/keep.ts';
import { answers, type Handler, metadataServer } from './datasource-server.ts';

const LIMITS = { guessMs: 300, knownMs: 1500 };
const { signal } = new AbortController();
const CONFIG = '#cloud-config\nhostname: x\n';

interface Place {
  readonly files?: Readonly<Record<string, string | Uint8Array>>;
  readonly programs?: Readonly<Record<string, FakeProgram>>;
}

function machine({ files = {}, programs = {} }: Place) {
  const root = mkdtempSync(join(tmpdir(), 'cairn-datasource-'));
  process.once('exit', () => rmSync(root, { recursive: true, force: true }));
  for (const [path, content] of Object.entries(files)) {
    mkdirSync(dirname(join(root, path)), { recursive: true });
    writeFileSync(join(root, path), content);
  }
  return { root, host: fakeHost({ root, programs }) };
}

const dmi = (file: string, text: string) => ({ [`/sys/class/dmi/id/${file}`]: `${text}\n` });
const nobody: Http = async () => {
  throw new Error('nobody is to be asked');
};

/** What a machine with a server finds, as text. */
async function find(handler: Handler, place: Place, options: FindOptions = {}) {
  await using server = await metadataServer(handler);
  const { host } = machine(place);
  const search = await findUserData({ host, http: server.http }, { limits: LIMITS, ...options }, signal);
  const { found, problems } = search;
  const userData = found?.userData && new TextDecoder().decode(found.userData);
  return { found: found && { ...found, userData }, problems, asked: server.asked };
}

const IMDS = 'http://169.254.169.254';
const GCE = 'http://metadata.google.internal/computeMetadata/v1/instance';

/** What each cloud answers, and what is made of it. */
const CLOUDS: readonly {
  readonly name: string;
  readonly mark: Readonly<Record<string, string>>;
  readonly handler: Handler;
  readonly hostname?: string;
  readonly sshKeys?: readonly string[];
}[] = [
  {
    name: 'aws',
    mark: dmi('sys_vendor', 'Amazon EC2'),
    handler: (request, url) => {
      if (String(url) === `${IMDS}/latest/api/token`) {
        const isOurs =
          request.method === 'PUT' && Number(request.headers['x-aws-ec2-metadata-token-ttl-seconds']) > 0;
        return isOurs ? { body: 'TOKEN==' } : { status: 400 };
      }
      if (request.headers['x-aws-ec2-metadata-token'] !== 'TOKEN==') return { status: 401 };
      return answers({
        [`${IMDS}/latest/user-data`]: CONFIG,
        [`${IMDS}/latest/meta-data/hostname`]: 'ip-10-0-0-1',
        [`${IMDS}/latest/meta-data/public-keys/0/openssh-key`]: 'ssh-ed25519 AAAA me\n',
      })(request, url);
    },
    hostname: 'ip-10-0-0-1',
    sshKeys: ['ssh-ed25519 AAAA me'],
  },
  {
    name: 'gcp',
    mark: dmi('product_name', 'Google Compute Engine'),
    handler: (request, url) => {
      if (request.headers['metadata-flavor'] !== 'Google') return { status: 403 };
      const table = {
        [`${GCE}/attributes/user-data`]: CONFIG,
        [`${GCE}/attributes/ssh-keys`]: 'me:ssh-ed25519 AAAA me\nyou:ssh-rsa BBBB you\n',
        [`${GCE}/hostname`]: 'g.internal',
      };
      const answer = answers(table)(request, url);
      return answer === 'silence' ? answer : { ...answer, headers: { 'Metadata-Flavor': 'Google' } };
    },
    hostname: 'g.internal',
    sshKeys: ['ssh-ed25519 AAAA me', 'ssh-rsa BBBB you'],
  },
  {
    name: 'azure',
    mark: dmi('chassis_asset_tag', '7783-7084-3265-9085-8269-3286-77'),
    handler: (request, url) => {
      if (request.headers['metadata'] !== 'true') return { status: 400 };
      const compute = `${IMDS}/metadata/instance/compute`;
      const query = '?api-version=2021-01-01&format=text';
      return answers({
        [`${compute}/userData${query}`]: Buffer.from(CONFIG).toString('base64'),
        [`${compute}/name${query}`]: 'az1',
      })(request, url);
    },
    hostname: 'az1',
  },
  {
    name: 'openstack',
    mark: dmi('product_name', 'OpenStack Nova'),
    handler: answers({
      [`${IMDS}/openstack/latest/meta_data.json`]: '{"hostname":"os1","public_keys":{"me":"ssh-rsa A"}}',
      [`${IMDS}/openstack/latest/user_data`]: CONFIG,
    }),
    hostname: 'os1',
    sshKeys: ['ssh-rsa A'],
  },
  {
    name: 'hetzner',
    mark: dmi('sys_vendor', 'Hetzner'),
    handler: answers({
      [`${IMDS}/hetzner/v1/userdata`]: CONFIG,
      [`${IMDS}/hetzner/v1/metadata/hostname`]: 'h1',
      [`${IMDS}/hetzner/v1/metadata/public-keys`]: '["ssh-rsa A"]',
    }),
    hostname: 'h1',
    sshKeys: ['ssh-rsa A'],
  },
  {
    name: 'digitalocean',
    mark: dmi('sys_vendor', 'DigitalOcean'),
    handler: answers({
      [`${IMDS}/metadata/v1/user-data`]: CONFIG,
      [`${IMDS}/metadata/v1/hostname`]: 'd1',
      [`${IMDS}/metadata/v1/public-keys`]: 'ssh-rsa A\nssh-rsa B',
    }),
    hostname: 'd1',
    sshKeys: ['ssh-rsa A', 'ssh-rsa B'],
  },
  {
    name: 'vultr',
    mark: dmi('sys_vendor', 'Vultr'),
    handler: answers({
      [`${IMDS}/user-data/user-data`]: CONFIG,
      [`${IMDS}/latest/meta-data/hostname`]: 'v1',
    }),
    hostname: 'v1',
  },
  {
    name: 'packet',
    mark: dmi('sys_vendor', 'Packet'),
    handler: answers({
      'https://metadata.platformequinix.com/userdata': CONFIG,
      'https://metadata.platformequinix.com/2009-04-04/meta-data/hostname': 'p1',
    }),
    hostname: 'p1',
  },
];

suite('a cloud tells its machine', () => {
  for (const { name, mark, handler, hostname, sshKeys } of CLOUDS) {
    test(`${name}, by its own protocol`, async () => {
      const { found, problems } = await find(handler, { files: mark });
      assert.equal(found?.provider, name);
      assert.equal(found.userData, CONFIG);
      assert.equal(found.hostname, hostname);
      assert.deepEqual(found.sshKeys ?? [], sshKeys ?? []);
      assert.deepEqual(problems, []);
    });

    test(`${name}, when its firmware does not say so`, async () => {
      const { found } = await find(handler, {});
      assert.equal(found?.provider, name);
    });

    test(`${name}, which has no user data`, async () => {
      const { found, problems } = await find(
        (request, url) =>
          /user-?_?data/i.test(url.pathname)
            ? { status: 404, headers: { 'Metadata-Flavor': 'Google' } }
            : handler(request, url),
        { files: mark },
      );
      assert.equal(found?.provider, name);
      assert.equal(found.userData, undefined);
      assert.deepEqual(problems, []);
    });

    test(`${name}, which is silent: it is told after its time`, async () => {
      const { found, problems } = await find(
        () => 'silence',
        { files: mark },
        { limits: { guessMs: 100, knownMs: 400 } },
      );
      assert.equal(found, undefined);
      assert.equal(problems.length, 1);
      assert.match(problems[0] ?? '', new RegExp(`^${name}: `));
    });
  }

  test('a server that is late is asked again', async () => {
    let times = 0;
    const late: Handler = (request, url) =>
      ++times <= 2 ? { status: 503 } : answers({ [`${IMDS}/hetzner/v1/userdata`]: CONFIG })(request, url);
    const { found, problems } = await find(late, { files: dmi('sys_vendor', 'Hetzner') });
    assert.equal(found?.userData, CONFIG);
    assert.deepEqual(problems, []);
  });

  test('AWS without session tokens, of an earlier time', async () => {
    const { found, asked } = await find(answers({ [`${IMDS}/latest/user-data`]: CONFIG }), {
      files: dmi('sys_vendor', 'Amazon EC2'),
    });
    assert.equal(found?.userData, CONFIG);
    assert.ok(asked.includes(`PUT ${IMDS}/latest/api/token`));
  });

  test('a redirect is not followed', async () => {
    const elsewhere = { status: 302, headers: { location: 'http://127.0.0.1:1/' } };
    const { found, problems } = await find(answers({ [`${IMDS}/hetzner/v1/userdata`]: elsewhere }), {
      files: dmi('sys_vendor', 'Hetzner'),
    });
    assert.equal(found, undefined);
    assert.match(problems[0] ?? '', /answers with status 302/);
  });

  test('an answer without an end is cut', async () => {
    const large = { body: new Uint8Array(3 << 20) };
    const { problems } = await find(answers({ [`${IMDS}/hetzner/v1/userdata`]: large }), {
      files: dmi('sys_vendor', 'Hetzner'),
    });
    assert.match(problems[0] ?? '', /answers with more than 1048576 bytes/);
  });
});

suite('a machine that nobody tells', () => {
  test('is not kept waiting where its firmware says what it is', async () => {
    const files = {
      ...dmi('sys_vendor', 'Dell Inc.'),
      ...dmi('product_name', 'R640'),
      ...dmi('chassis_asset_tag', 'x'),
      ...dmi('product_uuid', '4c4c'),
    };
    const { host } = machine({ files });
    const { found, problems } = await findUserData({ host, http: nobody }, {}, signal);
    assert.deepEqual({ found, problems }, { found: undefined, problems: [] });
  });

  test('waits for 1.5 s at most where it does not', async () => {
    await using server = await metadataServer(() => 'silence');
    const { host } = machine({});
    const began = performance.now();
    const { found, problems } = await findUserData({ host, http: server.http }, {}, signal);
    assert.deepEqual({ found, problems }, { found: undefined, problems: [] });
    assert.ok(performance.now() - began < 2000);
  });

  test('takes no web server for a cloud', async () => {
    const { found, problems } = await find(
      () => ({ status: 200, body: '' }),
      {},
      { providers: ['gcp', 'openstack'] },
    );
    assert.deepEqual(problems, []);
    assert.equal(found, undefined);
  });

  test('asks who is named, whatever the firmware says', async () => {
    const { found } = await find(
      answers({ [`${IMDS}/hetzner/v1/userdata`]: CONFIG }),
      { files: dmi('sys_vendor', 'Dell Inc.') },
      { providers: ['hetzner'] },
    );
    assert.equal(found?.provider, 'hetzner');
  });
});

/** `mount` puts a folder of the test where a device is mounted. */
function withMedium(label: string, files: Readonly<Record<string, string>>) {
  const { root } = machine({});
  mkdirSync(join(root, 'dev/disk/by-label'), { recursive: true });
  symlinkSync('../../sr0', join(root, 'dev/disk/by-label', label));
  const mounts: string[] = [];
  const programs: Record<string, FakeProgram> = {
    mount: (argv) => {
      mounts.push(argv.join(' '));
      for (const [path, content] of Object.entries(files)) {
        const target = join(root, argv.at(-1) ?? '', path);
        mkdirSync(dirname(target), { recursive: true });
        writeFileSync(target, content);
      }
      return {};
    },
    umount: (argv) => {
      mounts.push(argv.join(' '));
      return {};
    },
  };
  return { host: fakeHost({ root, programs }), mounts };
}

suite('a medium tells', () => {
  test('NoCloud: user-data and meta-data, and it is mounted read-only, and no longer', async () => {
    const { host, mounts } = withMedium('cidata', {
      'user-data': CONFIG,
      'meta-data': 'instance-id: 1\nlocal-hostname: n1\npublic-keys:\n  - ssh-rsa A\n',
    });
    const { found } = await findUserData({ host, http: nobody }, { providers: ['cdrom'] }, signal);
    assert.equal(found?.provider, 'cdrom');
    assert.equal(found.hostname, 'n1');
    assert.deepEqual(found.sshKeys, ['ssh-rsa A']);
    assert.deepEqual(mounts, [
      'mount -o ro,nodev,nosuid,noexec /dev/disk/by-label/cidata /run/cairn/media/cdrom',
      'umount /run/cairn/media/cdrom',
    ]);
  });

  test('a config drive', async () => {
    const { host } = withMedium('config-2', {
      'openstack/latest/user_data': CONFIG,
      'openstack/latest/meta_data.json': '{"hostname":"c1"}',
    });
    const { found } = await findUserData({ host, http: nobody }, { providers: ['config-drive'] }, signal);
    assert.equal(found?.hostname, 'c1');
  });

  test('one that cannot be mounted is told of', async () => {
    const { host } = withMedium('cidata', {});
    const failing = {
      ...host,
      programs: {
        ...host.programs,
        run: async () => ({ exitCode: 32, stdout: '', stderr: 'bad superblock' }),
      },
    };
    const { problems } = await findUserData(
      { host: failing, http: nobody },
      { providers: ['cdrom'] },
      signal,
    );
    assert.match(problems[0] ?? '', /^cdrom: .*bad superblock/);
  });

  test('meta-data that is no YAML is told of, and the medium is unmounted', async () => {
    const { host, mounts } = withMedium('cidata', { 'meta-data': 'a: [' });
    const { problems } = await findUserData({ host, http: nobody }, { providers: ['cdrom'] }, signal);
    assert.match(problems[0] ?? '', /meta-data on \/dev\/disk\/by-label\/cidata is not YAML/);
    assert.match(mounts.at(-1) ?? '', /^umount/);
  });
});

suite('the machine’s own firmware tells', () => {
  const RAW = '/sys/firmware/dmi/entries/11-0/raw';
  const table = (...strings: readonly string[]) =>
    Buffer.concat([
      Uint8Array.of(11, 5, 0, 0, strings.length),
      Buffer.from(strings.map((text) => `${text}\0`).join('')),
      Uint8Array.of(0),
    ]);
  const PLACES: readonly (readonly [string, Readonly<Record<string, string | Uint8Array>>])[] = [
    ['fw_cfg', { '/sys/firmware/qemu_fw_cfg/by_name/opt/org.cairn/user-data/raw': CONFIG }],
    ['OEM strings', { [RAW]: table('other', `cairn.user-data=${CONFIG}`) }],
    [
      'OEM strings, in base64',
      { [RAW]: table(`cairn.user-data.base64=${Buffer.from(CONFIG).toString('base64')}`) },
    ],
  ];
  for (const [name, files] of PLACES) {
    test(`by ${name}`, async () => {
      const { host } = machine({ files });
      const { found } = await findUserData({ host, http: nobody }, { providers: ['firmware'] }, signal);
      assert.equal(found?.userData && new TextDecoder().decode(found.userData), CONFIG);
    });
  }

  test('a table that is cut short gives what it has', () => {
    const whole = table('one', 'two');
    for (let size = 0; size <= whole.length; size++) {
      const strings = oemStrings(whole.subarray(0, size));
      assert.ok('one'.startsWith(strings[0] ?? ''));
      assert.ok(strings.length <= 2);
    }
    assert.deepEqual(oemStrings(whole), ['one', 'two']);
  });

  const LINES: readonly (readonly [line: string, url: string | undefined])[] = [
    ['ro cairn.user-data=https://x/y quiet', 'https://x/y'],
    ['ds=nocloud;s=http://x/seed/', 'http://x/seed/user-data'],
    ['ds=nocloud-net;i=1;seedfrom=http://x/seed', 'http://x/seed/user-data'],
    ['ds=nocloud', undefined],
    ['cairn.user-data=file:///etc/shadow', undefined],
    ['', undefined],
  ];
  for (const [line, url] of LINES) {
    test(`the command line ${JSON.stringify(line)} names ${url ?? 'nothing'}`, () =>
      assert.equal(userDataUrl(line), url));
  }

  test('what the command line names is fetched', async () => {
    const { found } = await find(answers({ 'http://seed.example/user-data': CONFIG }), {
      files: { '/proc/cmdline': 'ro ds=nocloud;s=http://seed.example/\n' },
    });
    assert.equal(found?.provider, 'cmdline');
  });

  test('VMware’s guestinfo, by whichever tool there is', async () => {
    const values: Readonly<Record<string, string>> = {
      'info-get guestinfo.userdata': gzipSync(CONFIG).toString('base64'),
      'info-get guestinfo.userdata.encoding': 'gzip+base64',
    };
    const programs: Record<string, FakeProgram> = {
      'vmware-rpctool': () => {
        throw new HostError('not-found', 'vmware-rpctool is not there');
      },
      vmtoolsd: ([, , question = '']) => {
        const stdout = values[question];
        return stdout === undefined ? { exitCode: 1 } : { stdout: `${stdout}\n` };
      },
    };
    const { host } = machine({ files: dmi('sys_vendor', 'VMware, Inc.'), programs });
    const { found } = await findUserData({ host, http: nobody }, { providers: ['vmware'] }, signal);
    assert.deepEqual(readContent(found?.userData ?? new Uint8Array(), 'x'), [
      { kind: 'cloud-config', text: CONFIG },
    ]);
  });

  test('a file', async () => {
    const { host } = machine({ files: { '/run/x': CONFIG } });
    const { found } = await findUserData(
      { host, http: nobody },
      { providers: ['file'], path: '/run/x' },
      signal,
    );
    assert.equal(found?.place, '/run/x');
  });
});

suite('user data is taken apart', () => {
  const MIME = [
    'Content-Type: multipart/mixed; boundary="=="',
    'MIME-Version: 1.0',
    '',
    '--==',
    'Content-Type: text/cloud-config; charset="us-ascii"',
    '',
    'hostname: a',
    '--==',
    'Content-Type: text/x-shellscript',
    'Content-Transfer-Encoding: base64',
    '',
    Buffer.from('#!/bin/sh\necho\n').toString('base64'),
    '--==--',
    '',
  ].join('\r\n');

  const GOOD: readonly (readonly [name: string, bytes: string | Uint8Array, kinds: readonly string[]])[] = [
    ['nothing', '', []],
    ['blanks', ' \n', []],
    ['a configuration', CONFIG, ['cloud-config']],
    ['one of Kairos', '#kairos-config\nx: y\n', ['cloud-config']],
    ['gzip', gzipSync(CONFIG), ['cloud-config']],
    ['a program', '#!/bin/sh\necho\n', ['script']],
    ['Ignition', '{"ignition": {"version": "3.4.0"}}', ['ignition']],
    ['MIME', MIME, ['cloud-config', 'script']],
  ];
  for (const [name, bytes, kinds] of GOOD) {
    test(name, () => {
      assert.deepEqual(
        readContent(Buffer.from(bytes), 'x').map(({ kind }) => kind),
        kinds,
      );
    });
  }

  /** Parts in parts. */
  const nested = (depth: number): string =>
    depth === 0
      ? '\n#!/bin/sh\n'
      : `Content-Type: multipart/mixed; boundary=x${depth}\n\n--x${depth}\n${nested(depth - 1)}`;

  const WRONG: readonly (readonly [name: string, bytes: string | Uint8Array, message: RegExp])[] = [
    ['of no kind', 'hostname: x\n', /^x begins with "hostname: x"/],
    ['no UTF-8', Uint8Array.of(0xff, 0xfe, 0), /neither UTF-8 nor gzip/],
    ['gzip that is cut', gzipSync(CONFIG).subarray(0, 20), /gzip that cannot be unpacked/],
    ['a bomb', gzipSync(Buffer.alloc(64 << 20)), /gzip that cannot be unpacked to 1048576 bytes/],
    ['MIME without a boundary', 'Content-Type: multipart/mixed\n\n--x\n', /without a boundary/],
    ['MIME without an end of depth', nested(9), /parts in parts/],
    [
      'too many parts',
      `Content-Type: multipart/mixed; boundary=x\n\n${'--x\n\n'.repeat(99)}`,
      /more than 64 parts/,
    ],
  ];
  for (const [name, bytes, message] of WRONG) {
    test(`refused: ${name}`, () => {
      assert.throws(() => readContent(Buffer.from(bytes), 'x'), { code: 'datasource', message });
    });
  }
});

suite('what was found is kept', () => {
  const found = (userData: string, more = {}) => ({ userData: Buffer.from(userData), place: 'x', ...more });

  test('as a file that only root reads; what is as it was is not written; what is gone is removed', async () => {
    const { root, host } = machine({});
    const configs = configsOf(found(CONFIG, { hostname: 'h', sshKeys: ['ssh-rsa A'] }));
    const folder = join(root, 'oem/95_userdata');
    assert.deepEqual(await keepConfigs(host.files, configs), [
      '/oem/95_userdata/metadata.yaml',
      '/oem/95_userdata/userdata.yaml',
    ]);
    assert.equal(statSync(join(folder, 'userdata.yaml')).mode & 0o777, 0o600);
    assert.equal(
      readFileSync(join(folder, 'metadata.yaml'), 'utf8'),
      '#cloud-config\nhostname: h\nssh_authorized_keys:\n  - ssh-rsa A\n',
    );
    assert.deepEqual(await keepConfigs(host.files, configs), []);
    assert.deepEqual(await keepConfigs(host.files, configsOf(found(CONFIG))), [
      '/oem/95_userdata/metadata.yaml',
    ]);
  });

  test('a program becomes a step of the stage network', () => {
    const [only] = configsOf(found('#!/bin/sh\necho "a: b"\n'));
    assert.match(only?.text ?? '', /^#cloud-config\nstages:\n {2}network:\n/);
    assert.match(only?.text ?? '', /permissions: "0700"/);
  });

  test('several parts become several files', () => {
    const mime = `Content-Type: multipart/mixed; boundary=x\n\n--x\n\n${CONFIG}--x\n\n#!/bin/sh\n--x--`;
    assert.deepEqual(
      configsOf(found(mime)).map(({ name }) => name),
      ['userdata.yaml', 'userdata-2.yaml'],
    );
  });

  test('Ignition’s configuration is kept as it is', () => {
    const text = '{"ignition": {"version": "3.4.0"}}';
    assert.deepEqual(configsOf(found(text)), [{ name: 'userdata.yaml', text }]);
  });
});
