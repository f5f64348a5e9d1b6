import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import {
  combine,
  configShape,
  configUrlOf,
  type Diagnostic,
  diagnosticText,
  explainTree,
  inOrder,
  MERGED_FOLDERS,
  parseCommandLine,
  placeText,
  plainOf,
  readConfig,
  sorted,
} from '../src/index.ts';

const shape = configShape();

function files(...texts: readonly string[]) {
  return texts.map((text, index) =>
    readConfig({ file: `/oem/${index}.yaml`, text: `#cloud-config\n${text}` }, shape),
  );
}

function merged(...texts: readonly string[]): unknown {
  const { tree } = combine(files(...texts), shape);
  return tree && plainOf(tree);
}

/** The rules of Kairos's collector, one by one. */
const MERGES: readonly (readonly [string, readonly string[], unknown])[] = [
  [
    'maps are merged deeply',
    ['install: {auto: true, device: auto}', 'install: {device: /dev/x}'],
    { install: { auto: true, device: '/dev/x' } },
  ],
  [
    'lists of maps one after the other',
    ['users: [{name: a}]', 'users: [{name: a}, {name: b}]'],
    { users: [{ name: 'a' }, { name: 'a' }, { name: 'b' }] },
  ],
  ['lists of texts are joined, each once', ['runcmd: [a, b]', 'runcmd: [b, c]'], { runcmd: ['a', 'b', 'c'] }],
  ['an empty list takes the other', ['runcmd: []', 'runcmd: [c]'], { runcmd: ['c'] }],
  ['an empty list adds nothing', ['runcmd: [a]', 'runcmd: []'], { runcmd: ['a'] }],
  [
    'of texts the later counts',
    ['hostname: a', 'hostname: b', 'debug: true'],
    { hostname: 'b', debug: true },
  ],
  ['null empties a list', ['runcmd: [a]', 'runcmd: null'], { runcmd: [] }],
  ['null empties a map', ['install: {auto: true}', 'install: ~'], { install: {} }],
  ['null empties a text', ['hostname: a', 'hostname:'], { hostname: null }],
  ['after null something may come', ['hostname: a', 'hostname:', 'hostname: b'], { hostname: 'b' }],
  ['a list goes on after null', ['runcmd: [a]', 'runcmd:', 'runcmd: [b]'], { runcmd: ['b'] }],
  [
    'stages are joined',
    ['stages: {boot: [{name: a}]}', 'stages: {boot: [{name: b}], fs: [{name: c}]}'],
    { stages: { boot: [{ name: 'a' }, { name: 'b' }], fs: [{ name: 'c' }] } },
  ],
];

suite('merging', () => {
  for (const [name, texts, value] of MERGES) test(name, () => assert.deepEqual(merged(...texts), value));

  test('what is of two kinds is told, and the later counts', () => {
    const { config, diagnostics } = combine(
      files('install: {grub_options: {a: 1}}', 'install: {grub_options: []}'),
      shape,
    );
    assert.match(
      sorted(diagnostics).map(diagnosticText).join('\n'),
      /^\/oem\/1\.yaml:2:25: error: install\.grub_options: this is a list, and a map in \/oem\/0\.yaml:2:25: the two cannot be merged$/m,
    );
    assert.deepEqual(config.install, {});
  });

  test('files are not changed by it', () => {
    const [first, second] = files('users: [{name: a}]', 'users: [{name: b}]');
    assert.ok(first?.tree !== undefined && second !== undefined);
    const before = JSON.stringify(plainOf(first.tree));
    combine([first, second], shape);
    assert.equal(JSON.stringify(plainOf(first.tree)), before);
  });
});

test('where each value came from', () => {
  const { tree } = combine(
    files('hostname: a\nusers: [{name: x}]\nrun: 1', 'hostname: b\nusers:\n  - name: y\nx-a.b: []'),
    shape,
  );
  assert.ok(tree !== undefined);
  const all = explainTree(tree).map(
    ({ path, value, file, line, column }) => `${path}=${JSON.stringify(value)} ${file}:${line}:${column}`,
  );
  assert.deepEqual(all, [
    'hostname="b" /oem/1.yaml:2:11',
    'users[0].name="x" /oem/0.yaml:3:16',
    'users[1].name="y" /oem/1.yaml:4:11',
    'run=1 /oem/0.yaml:4:6',
    '"x-a.b"=[] /oem/1.yaml:5:8',
  ]);
  assert.deepEqual(
    explainTree(tree, 'users[1]').map(({ path }) => path),
    ['users[1].name'],
  );
  assert.deepEqual(explainTree(tree, 'user'), []);
});

test('files come in the order of their folders, and in a folder as Go walks it', () => {
  const paths = [
    '/oem/b.yaml',
    '/oem/a/z.yml',
    '/oem/a.yaml',
    '/oem/note.txt',
    '/etc/kairos/x.yaml',
    '/system/oem/00.yaml',
  ];
  assert.deepEqual(inOrder(paths), [
    '/system/oem/00.yaml',
    '/etc/kairos/x.yaml',
    '/oem/a/z.yml',
    '/oem/a.yaml',
    '/oem/b.yaml',
  ]);
  assert.equal(MERGED_FOLDERS.at(-1), '/oem');
});

const LINES: readonly (readonly [string, unknown])[] = [
  ['kairos.config=install.auto=true', { install: { auto: true } }],
  ['kairos.config=install.auto', { install: { auto: true } }],
  [
    'kairos.config=users.0.name=a kairos.config=users.0.groups.0=admin',
    { users: [{ name: 'a', groups: ['admin'] }] },
  ],
  ['kairos.config="hostname=my box" quiet', { hostname: 'my box' }],
  ['kairos.config_url=http://x/?a=b', { config_url: 'http://x/?a=b' }],
  ['cos.setup=http://x/', { config_url: 'http://x/' }],
  ['cos.setup=hostname=a', { hostname: 'a' }],
  ['config_url=http://x/ root=/dev/sda console=ttyS0', { config_url: 'http://x/' }],
  [
    'stages.boot[0].authorized_keys.root[0]=github:a',
    { stages: { boot: [{ authorized_keys: { root: ['github:a'] } }] } },
  ],
  [
    "stages.boot[0].commands[0]='echo a' stages.boot[0].commands[1]=b",
    { stages: { boot: [{ commands: ['echo a', 'b'] }] } },
  ],
  ['hostname=generic kairos.config=hostname=own', { hostname: 'own' }],
  ['install.auto=yes', { install: { auto: 'yes' } }],
  ['debug quiet ro install health', undefined],
  ['rd.cos.oemlabel=COS_OEM net.ifnames=1 systemd.unit=x', undefined],
  ['', undefined],
];

suite('the kernel’s command line', () => {
  for (const [text, value] of LINES) {
    test(text, () => {
      const told: Diagnostic[] = [];
      const tree = parseCommandLine({ file: 'cmdline', text }, shape, (each) => told.push(each));
      assert.deepEqual(tree && plainOf(tree), value);
      assert.deepEqual(told, []);
    });
  }

  test('a path that is none is told', () => {
    for (const text of ['kairos.config=a..b=1', 'kairos.config=users.99999.name=a', 'kairos.config==x']) {
      const told: Diagnostic[] = [];
      parseCommandLine({ file: 'cmdline', text }, shape, (each) => told.push(each));
      assert.match(told.map(diagnosticText).join(), /^cmdline:1:1: error: ".*" is not the path of a setting/);
    }
  });

  test('its values have their places too', () => {
    const source = { file: 'cmdline', text: 'quiet kairos.config=hostname=a' };
    const tree = parseCommandLine(source, shape, () => {});
    assert.equal(placeText(tree?.entries.get('hostname')?.at ?? { source, offset: 0 }), 'cmdline:1:7');
  });
});

test('a further configuration is named, and not fetched', () => {
  const [file] = files('config_url: https://example.org/x');
  assert.equal(file && configUrlOf(file), 'https://example.org/x');
  const [none] = files('hostname: a');
  assert.equal(none && configUrlOf(none), undefined);
});
