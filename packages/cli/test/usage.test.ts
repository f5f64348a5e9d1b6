import assert from 'node:assert/strict';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { nodeCommands } from '@cairn/agent';
import { COMMANDS } from '../src/commands/index.ts';
import { VERSION } from '../src/index.ts';
import { parsePlatform } from '../src/options/image.ts';
import { parseSize } from '../src/options/size.ts';
import { cairn, eventsOf, scratchFolder } from './support.ts';

const USAGE: readonly (readonly [args: string, message: RegExp, hint: RegExp])[] = [
  ['biuld', /unknown command 'biuld'/, /Did you mean build\?/],
  ['--nonsense', /unknown option '--nonsense'/, /See `cairn --help`/],
  ['build', /required option '-o, --output <folder>' not specified/, /See `cairn build --help`/],
  ['build -o x', /missing required argument 'image'/, /See `cairn build --help`/],
  ['build a b -o x', /too many arguments/, /See `cairn build --help`/],
  ['build a -o x --nonsense', /unknown option '--nonsense'/, /See `cairn build --help`/],
  ['build a -o', /argument missing/, /See `cairn build --help`/],
  ['build a -o x --disk-size 12', /"12" is not a size/, /512M, 10G/],
  ['build a -o x --slot-size 1.5G', /"1.5G" is not a size/, /512M, 10G/],
  ['build a -o x --disk-size 20G', /--disk-size is for a disk/, /Add --format raw/],
  ['build a -o x --disk-size 20G --format iso', /--disk-size is for a disk/, /Add --format raw/],
  ['build a -o x --config y --format raw', /--config is for an ISO/, /Add --format iso/],
  ['build a -o x --format vmdk', /"vmdk" is not a disk format/, /raw, qcow2 and iso/],
  ['build a -o x --format raw,', /"raw," is not a disk format/, /raw, qcow2 and iso/],
  ['build a -o x --platform linux/s390x', /"linux\/s390x" is not a platform/, /linux\/amd64 or linux\/arm64/],
  ['build a -o x --mirror docker.io', /"docker.io" does not name a mirror/, /REGISTRY=MIRROR/],
  ['build UPPER -o x', /"UPPER" is not an image reference/, /./],
  ['build a -o x --kernel oci:', /"oci:" is not an image reference/, /./],
  ['convert a -o folder', /"folder" is not an OCI image layout/, /oci:FOLDER/],
  ['convert a -o tar:x', /"tar:x" is not an OCI image layout/, /oci:FOLDER/],
  ['image', /a command is missing/, /See `cairn image --help`/],
  ['image lst a', /unknown command 'lst'/, /Did you mean ls\?/],
  ['image cat a', /missing required argument 'path'/, /See `cairn image --help`/],
  ['release verify', /missing required argument 'folder'/, /See `cairn release --help`/],
];

for (const [args, message, hint] of USAGE) {
  test(`cairn ${args}: exit code 2, what is wrong, and the way out`, async () => {
    const { exitCode, stdout, stderr } = await cairn(args.split(' '));
    const [first, second, ...more] = stderr.trimEnd().split('\n');
    assert.equal(exitCode, 2);
    assert.equal(stdout, '');
    assert.match(first ?? '', message);
    assert.match(first ?? '', /^cairn: /);
    assert.match(second ?? '', hint);
    assert.match(second ?? '', /^hint: /);
    assert.deepEqual(more, []);
  });
}

test('files that are not what they should be: exit code 1', async (context) => {
  const folder = scratchFolder(context);
  const text = join(folder, 'text');
  writeFileSync(text, 'x'.repeat(5000));
  mkdirSync(join(folder, 'empty'));
  mkdirSync(join(folder, 'broken'));
  writeFileSync(join(folder, 'broken/release.json'), '{}');
  const cases: readonly (readonly [readonly string[], RegExp])[] = [
    [['release', 'inspect', folder], /is not a release: it has no release\.json/],
    [['release', 'verify', join(folder, 'broken')], /release\.json: formatVersion: /],
    [['image', 'ls', './nothing-here'], /there is no \.\/nothing-here/],
    [['image', 'ls', join(folder, 'empty')], /empty is not a release: it has no root\.erofs/],
    [['image', 'ls', text], /this is not an EROFS file system/],
    [['image', 'ls', `dir:${folder}/nothing`], /there is no such folder/],
    [['image', 'ls', `oci:${folder}/empty`], /./],
    [['image', 'ls', `tar:${text}`], /./],
    [['build', `tar:${folder}/nothing`, '-o', join(folder, 'out')], /there is no such file/],
  ];
  for (const [args, message] of cases) {
    const { exitCode, stdout, stderr } = await cairn(args, { environment: { CAIRN_CACHE: folder } });
    assert.equal(exitCode, 1, args.join(' '));
    assert.equal(stdout, '');
    assert.match(stderr, message);
    assert.match(stderr, /^cairn: /);
  }
});

test('with --json a mistake is an event on the standard output', async () => {
  const outcome = await cairn(['build', 'x', '-o', 'y', '--json', '--format', 'vmdk']);
  assert.equal(outcome.exitCode, 2);
  assert.equal(outcome.stderr, '');
  assert.deepEqual(eventsOf(outcome), [
    {
      event: 'error',
      command: 'build',
      code: 'usage',
      message: '"vmdk" is not a disk format',
      hint: 'There are raw, qcow2 and iso.',
    },
  ]);
});

test('help goes to the standard output, with examples for every command', async () => {
  const top = await cairn([]);
  assert.equal(top.exitCode, 0);
  for (const { name, summary } of COMMANDS) {
    assert.ok(top.stdout.replaceAll(/\s+/g, ' ').includes(`${name} ${summary}`));
  }
  const working = ['build', 'convert', 'boot', 'status', 'paths'].map((name) => [name]);
  const config = ['validate', 'explain', 'merge', 'schema'].map((name) => `config ${name}`);
  const nested = [...config, 'image inspect', 'image ls', 'image cat', 'release verify', 'release inspect'];
  for (const words of [...working, ...nested.map((name) => name.split(' '))]) {
    const { exitCode, stdout, stderr } = await cairn([...words, '--help']);
    assert.equal(exitCode, 0);
    assert.equal(stderr, '');
    assert.ok(stdout.startsWith(`Usage: cairn ${words.join(' ')} `), stdout);
    assert.ok(stdout.includes(`\nExamples:\n  cairn ${words.join(' ')}`), stdout);
  }
});

test('the version is the project’s, and an option of that name is the command’s own', async () => {
  const { version } = JSON.parse(readFileSync(join(import.meta.dirname, '../package.json'), 'utf8')) as {
    version: string;
  };
  assert.equal(VERSION, version);
  assert.deepEqual(await cairn(['--version']), { exitCode: 0, stdout: `${version}\n`, stderr: '' });
  const { exitCode, stderr } = await cairn([
    'build',
    'tar:/nothing',
    '-o',
    '/nothing/out',
    '--version',
    '1.4',
  ]);
  assert.equal(exitCode, 1);
  assert.match(stderr, /there is no such file/);
});

test('the list of commands has the node’s as the agent describes them', () => {
  const listed = new Map(COMMANDS.map(({ name, summary }) => [name, summary]));
  for (const { name, description } of nodeCommands) assert.equal(listed.get(name), description);
});

const SIZES: readonly (readonly [string, number])[] = [
  ['1K', 1024],
  ['512M', 512 * 2 ** 20],
  ['10G', 10 * 2 ** 30],
  ['2T', 2 ** 41],
];
const NO_SIZES = [
  '',
  '0G',
  '10',
  'G',
  '-1G',
  '1.5G',
  '10GB',
  '10 G',
  '10g',
  '9999999999G',
  '999999999T',
  '0x1G',
];

test('sizes', () => {
  for (const [text, size] of SIZES) assert.equal(parseSize(text), size);
  for (const text of NO_SIZES) assert.throws(() => parseSize(text), { code: 'usage' }, text);
});

test('platforms', () => {
  assert.deepEqual(parsePlatform('linux/amd64'), { os: 'linux', architecture: 'amd64' });
  assert.deepEqual(parsePlatform('linux/arm64/v8'), { os: 'linux', architecture: 'arm64', variant: 'v8' });
  for (const text of ['', 'amd64', 'linux', 'linux/', 'linux/amd64/', 'linux/amd64/v2/x', 'windows/amd64']) {
    assert.throws(() => parsePlatform(text), { code: 'usage' }, text);
  }
});
