import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { suite, test } from 'node:test';
import { gzipSync } from 'node:zlib';
import fc from 'fast-check';
import { configShape } from '../src/config-shape.ts';
import { diagnosticText } from '../src/diagnostic.ts';
import { readConfig } from '../src/file.ts';
import { dataOf } from '../src/ignition/contents.ts';

const shape = configShape();
const read = (text: string) => readConfig({ file: 'x', text }, shape);
const told = (text: string) => read(text).diagnostics.map(diagnosticText);
const json = (value: object) => JSON.stringify({ ignition: { version: '3.4.0' }, ...value }, undefined, 1);
const butane = (text: string) => `variant: flatcar\nversion: 1.1.0\n${text}`;

/** What an Ignition configuration and the Butane one that it is made of come to: the same. */
const SAME: readonly {
  readonly name: string;
  readonly ignition: object;
  readonly butane: string;
  readonly stages: object;
}[] = [
  {
    name: 'a file, with decimal mode and data URL, or octal mode and text',
    ignition: {
      storage: { files: [{ path: '/etc/motd', mode: 420, contents: { source: 'data:,hello%0A' } }] },
    },
    butane:
      'storage:\n  files:\n    - path: /etc/motd\n      mode: 0644\n      contents:\n        source: "data:,hello%0A"\n',
    stages: {
      initramfs: [
        {
          name: 'files',
          files: [{ path: '/etc/motd', permissions: 0o644, content: 'aGVsbG8K', encoding: 'b64' }],
        },
      ],
    },
  },
  {
    name: 'owners by name and by number',
    ignition: {
      storage: {
        directories: [
          { path: '/srv/a', user: { name: 'web' }, group: { id: 33 } },
          { path: '/srv/b', mode: 448, user: { id: 7 }, group: { id: 8 } },
        ],
        files: [{ path: '/srv/a/x', user: { name: 'web' }, contents: { source: 'data:,' } }],
      },
    },
    butane:
      'storage:\n  directories:\n    - path: /srv/a\n      user: {name: web}\n      group: {id: 33}\n    - path: /srv/b\n      mode: 0700\n      user: {id: 7}\n      group: {id: 8}\n  files:\n    - path: /srv/a/x\n      user: {name: web}\n      contents: {source: "data:,"}\n',
    stages: {
      initramfs: [
        {
          name: 'files',
          directories: [
            { path: '/srv/a', permissions: 0o755 },
            { path: '/srv/b', permissions: 0o700, owner: 7, group: 8 },
          ],
          commands: ["chown 'web:33' '/srv/a'"],
          files: [
            { path: '/srv/a/x', permissions: 0o644, ownerstring: 'web:0', content: '', encoding: 'b64' },
          ],
        },
      ],
    },
  },
  {
    name: 'links, and a file without content',
    ignition: {
      storage: {
        files: [{ path: "/etc/it's" }],
        links: [
          { path: '/etc/localtime', target: '../usr/share/zoneinfo/Europe/Berlin' },
          { path: '/opt/b', target: '/opt/a', hard: true },
        ],
      },
    },
    butane:
      "storage:\n  files:\n    - path: /etc/it's\n  links:\n    - path: /etc/localtime\n      target: ../usr/share/zoneinfo/Europe/Berlin\n    - path: /opt/b\n      target: /opt/a\n      hard: true\n",
    stages: {
      initramfs: [
        {
          name: 'files',
          commands: [
            "[ -e '/etc/it'\\''s' ] || : > '/etc/it'\\''s'",
            "mkdir -p '/etc' && ln -sfnT '../usr/share/zoneinfo/Europe/Berlin' '/etc/localtime'",
            "mkdir -p '/opt' && ln -fT '/opt/a' '/opt/b'",
          ],
        },
      ],
    },
  },
  {
    name: 'a download, which needs the network',
    ignition: { storage: { files: [{ path: '/opt/x', mode: 493, contents: { source: 'https://h/x' } }] } },
    butane:
      'storage:\n  files:\n    - path: /opt/x\n      mode: 0755\n      contents:\n        source: https://h/x\n',
    stages: {
      network: [
        { name: 'downloads', downloads: [{ url: 'https://h/x', path: '/opt/x', permissions: 0o755 }] },
      ],
    },
  },
  {
    name: 'units, drop-ins, what is enabled and what is masked',
    ignition: {
      systemd: {
        units: [
          { name: 'a.service', enabled: true, contents: '[Service]\nExecStart=/a\n' },
          { name: 'b.service', enabled: false, dropins: [{ name: '10-x.conf', contents: '[Unit]\n' }] },
          { name: 'c.service', mask: true },
        ],
      },
    },
    butane:
      'systemd:\n  units:\n    - name: a.service\n      enabled: true\n      contents: |\n        [Service]\n        ExecStart=/a\n    - name: b.service\n      enabled: false\n      dropins:\n        - name: 10-x.conf\n          contents: |\n            [Unit]\n    - name: c.service\n      mask: true\n',
    stages: {
      initramfs: [
        {
          name: 'files',
          files: [
            {
              path: '/etc/systemd/system/a.service',
              permissions: 0o644,
              content: '[Service]\nExecStart=/a\n',
            },
            { path: '/etc/systemd/system/b.service.d/10-x.conf', permissions: 0o644, content: '[Unit]\n' },
          ],
        },
        {
          name: 'units',
          systemctl: { enable: ['a.service'], disable: ['b.service'], mask: ['c.service'] },
        },
      ],
    },
  },
  {
    name: 'users and groups',
    ignition: {
      passwd: {
        groups: [{ name: 'web', gid: 900 }],
        users: [
          {
            name: 'core',
            passwordHash: '$6$salt$hash',
            sshAuthorizedKeys: [
              'ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIDdsNhYqFKQmNjwNcFkLyuqbRbNBjSFjJM1yB3mOHkYp me',
            ],
            groups: ['sudo', 'docker'],
            homeDir: '/home/core',
            noCreateHome: true,
            uid: 1010,
            shell: '/bin/bash',
          },
        ],
      },
    },
    butane:
      'passwd:\n  groups:\n    - name: web\n      gid: 900\n  users:\n    - name: core\n      password_hash: $6$salt$hash\n      ssh_authorized_keys:\n        - ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIDdsNhYqFKQmNjwNcFkLyuqbRbNBjSFjJM1yB3mOHkYp me\n      groups: [sudo, docker]\n      home_dir: /home/core\n      no_create_home: true\n      uid: 1010\n      shell: /bin/bash\n',
    stages: {
      initramfs: [
        {
          name: 'users',
          ensure_entities: [{ entity: 'kind: "group"\ngroup_name: "web"\npassword: ""\ngid: 900\n' }],
          users: {
            core: {
              passwd: '$6$salt$hash',
              ssh_authorized_keys: [
                'ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIDdsNhYqFKQmNjwNcFkLyuqbRbNBjSFjJM1yB3mOHkYp me',
              ],
              groups: ['sudo', 'docker'],
              homedir: '/home/core',
              no_create_home: true,
              uid: '1010',
              shell: '/bin/bash',
            },
          },
        },
      ],
    },
  },
];

/** The names of steps are the dialect's: they are compared without it. */
function stagesOf(text: string): unknown {
  const { config, diagnostics } = read(text);
  assert.deepEqual(diagnostics.map(diagnosticText), []);
  return JSON.parse(JSON.stringify(config.stages).replaceAll(/"(?:ignition|butane): /g, '"'));
}

suite('Ignition and Butane come to the same steps', () => {
  for (const { name, ignition, butane: written, stages } of SAME) {
    test(name, () => {
      assert.deepEqual(stagesOf(json(ignition)), stages);
      assert.deepEqual(stagesOf(butane(written)), stages);
    });
  }

  test('text of Butane is taken as it is, and what looks like a template is kept from being one', () => {
    const file = (content: string) =>
      butane(
        `storage:\n  files:\n    - path: /x\n      contents:\n        inline: ${JSON.stringify(content)}\n`,
      );
    const [plain, template] = ['a\n', 'a {{ b }}'].map(
      (content) => read(file(content)).config.stages?.initramfs?.[0]?.files?.[0],
    );
    assert.deepEqual([plain?.content, plain?.encoding], ['a\n', undefined]);
    assert.equal(Buffer.from(template?.content ?? '', 'base64').toString(), 'a {{ b }}');
  });

  test('what is compressed stays so', () => {
    const source = `data:;base64,${gzipSync('x').toString('base64')}`;
    const text = json({ storage: { files: [{ path: '/x', contents: { source, compression: 'gzip' } }] } });
    assert.equal(read(text).config.stages?.initramfs?.[0]?.files?.[0]?.encoding, 'gz+b64');
  });

  test('a hash is held against what is there', () => {
    const hash = `sha512-${createHash('sha512').update('hello').digest('hex')}`;
    const file = (source: string) =>
      json({ storage: { files: [{ path: '/x', contents: { source, verification: { hash } } }] } });
    assert.deepEqual(told(file('data:,hello')), []);
    assert.match(told(file('data:,hallo'))[0] ?? '', /its content has not the hash sha512-/);
  });

  test('an empty configuration is one', () => assert.deepEqual(told(json({})), []));
});

/** What is not followed is told, with its place. */
const REFUSED: readonly (readonly [text: string, message: RegExp])[] = [
  [
    json({ storage: { disks: [{ device: '/dev/sda' }] } }),
    /^x:\d+:\d+: error: storage\.disks: partitions are not made/,
  ],
  [json({ storage: { raid: [{}] } }), /storage\.raid: partitions are not made/],
  [
    json({ storage: { filesystems: [{}] } }),
    /storage\.filesystems: .*\n {2}hint: The disk is laid out by cairn install/,
  ],
  [json({ storage: { luks: [{}] } }), /storage\.luks: partitions are not encrypted yet/],
  [json({ kernelArguments: { shouldExist: ['x'] } }), /kernelArguments: .*\n {2}hint: .*--cmdline/],
  [json({ ignition: { version: '2.3.0' } }), /"2\.3\.0" is not a version 3/],
  [
    json({ ignition: { version: '3.4.0', config: { replace: { source: 'https://x' } } } }),
    /ignition\.config: another configuration/,
  ],
  [json({ ignition: { version: '3.4.0', timeouts: { httpTotal: 3 } } }), /warning: ignition\.timeouts/],
  [json({ ignition: {} }), /ignition: version is missing/],
  [json({ storage: { file: [] } }), /there is no key "file"\n {2}hint: Did you mean files\?/],
  [json({ storage: { files: [{ mode: 1 }] } }), /storage\.files\[0\]: path is missing/],
  [
    json({ storage: { files: [{ path: 'etc/x' }, { path: '/x', mode: 9999 }] } }),
    /"9999" is not a mode\n {2}hint: Write it decimal/,
  ],
  [
    json({ storage: { files: [{ path: 'x', contents: { source: 'data:,' } }] } }),
    /"x" is not an absolute path/,
  ],
  [
    json({ storage: { files: [{ path: '/x', contents: { source: 's3://b/x' } }] } }),
    /nothing is fetched by s3: here/,
  ],
  [
    json({
      storage: {
        files: [{ path: '/x', contents: { source: 'https://h/x', verification: { hash: 'sha512-00' } } }],
      },
    }),
    /cannot be held against its hash/,
  ],
  [
    json({ storage: { files: [{ path: '/x', contents: { source: 'data:,', compression: 'xz' } }] } }),
    /no compression "xz"/,
  ],
  [json({ storage: { files: [{ path: '/x', append: [{ source: 'data:,' }] }] } }), /nothing is appended/],
  [json({ storage: { files: {} } }), /storage\.files: it is not a list/],
  [
    json({ systemd: { units: [{ name: 'a.service', enabled: 'yes please' }] } }),
    /"yes please" is neither true nor false/,
  ],
  [json({ systemd: { units: [{ name: 'a.service', enable: true }] } }), /hint: Write enabled\./],
  [json({ passwd: { users: [{ name: 'x', shouldExist: false }] } }), /are not taken away/],
  [json({ passwd: { users: [{ sshAuthorizedKeys: [] }] } }), /passwd\.users\[0\]: name is missing/],
  ['variant: openshift\nversion: 4.14.0\n', /there is no variant "openshift" here/],
  [butane('storage:\n  trees:\n    - local: x\n'), /storage\.trees: files beside the configuration/],
  [
    butane('storage:\n  files:\n    - path: /x\n      mode: "0644"\n'),
    /"0644" is not a mode\n {2}hint: Write it octal/,
  ],
  [
    butane('passwd:\n  users:\n    - name: x\n      sshAuthorizedKeys: []\n'),
    /there is no key "sshAuthorizedKeys"\n {2}hint: Did you mean ssh_authorized_keys/,
  ],
  [butane('boot_device:\n  mirror: {devices: [/dev/sda]}\n'), /boot_device: partitions are not made/],
];

suite('what is not followed is told', () => {
  for (const [text, message] of REFUSED) {
    test(String(message), () => {
      const all = told(text);
      assert.ok(
        all.some((each) => message.test(each)),
        all.join('\n'),
      );
    });
  }
});

test('the example in the documentation is good', () => {
  const document = readFileSync(join(import.meta.dirname, '../../../docs/ignition.md'), 'utf8');
  const [, example = ''] = /```yaml\n([\s\S]*?)```/.exec(document) ?? [];
  assert.deepEqual(told(example), []);
  assert.deepEqual(Object.keys(read(example).config.stages ?? {}), ['initramfs']);
});

test('data URLs', () => {
  const TEXTS: readonly (readonly [url: string, text: string | undefined])[] = [
    ['data:,', ''],
    ['data:,a%20b%', 'a b%'],
    ['data:text/plain;charset=utf-8,ä', 'ä'],
    ['data:text/plain;charset=utf-8;base64,aGk=', 'hi'],
    ['data:;base64,aGk%3D', 'hi'],
    ['data:;base64,!', undefined],
    ['data:', undefined],
    ['https://x', undefined],
  ];
  for (const [url, text] of TEXTS) {
    const data = dataOf(url);
    assert.equal(data && new TextDecoder().decode(data), text, url);
  }
});

test('whatever it has, it is read or told of', () => {
  const leaf = fc.oneof(
    fc.constantFrom('/x', 'data:,a', 'https://h/', 'a.service', '', '3.4.0', 420, -1, true, false, null),
    fc.string({ maxLength: 4 }),
  );
  const key = fc.constantFrom(
    'path',
    'mode',
    'contents',
    'source',
    'user',
    'group',
    'name',
    'id',
    'files',
    'links',
    'directories',
    'target',
    'units',
    'dropins',
    'enabled',
    'users',
    'groups',
    'gid',
    'append',
    'x',
  );
  const { tree } = fc.letrec((tie) => ({
    tree: fc.oneof(
      { maxDepth: 5 },
      leaf,
      fc.array(tie('tree'), { maxLength: 3 }),
      fc.dictionary(key, tie('tree'), { maxKeys: 4 }),
    ),
  }));
  const top = fc.dictionary(fc.constantFrom('storage', 'systemd', 'passwd', 'x'), tree);
  fc.assert(
    fc.property(top, (value) => {
      read(json(value));
      read(JSON.stringify({ variant: 'fcos', version: '1.5.0', ...value }));
    }),
    { numRuns: 3000 },
  );
});
