import assert from 'node:assert/strict';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { parse } from 'yaml';
import { cairn, eventsOf, scratchFolder } from './support.ts';

const GOOD = '#cloud-config\nhostname: box\nusers:\n  - name: kairos\n    passwd: x\n    groups: [admin]\n';

function write(folder: string, files: Readonly<Record<string, string>>): void {
  for (const [name, text] of Object.entries(files)) {
    mkdirSync(join(folder, name, '..'), { recursive: true });
    writeFileSync(join(folder, name), text);
  }
}

test('a good file: exit code 0', async (context) => {
  const folder = scratchFolder(context);
  write(folder, { 'node.yaml': GOOD });
  const path = join(folder, 'node.yaml');
  assert.deepEqual(await cairn(['config', 'validate', path]), {
    exitCode: 0,
    stdout: `${path}: nothing is wrong\n`,
    stderr: '',
  });
});

test('a wrong file: exit code 1, with line and column, and what to write', async (context) => {
  const folder = scratchFolder(context);
  write(folder, { 'node.yaml': GOOD.replace('hostname', 'hostnam').replace('[admin]', '') });
  const path = join(folder, 'node.yaml');
  const { exitCode, stdout, stderr } = await cairn(['config', 'validate', path]);
  assert.equal(exitCode, 1);
  assert.equal(stderr, '');
  assert.equal(
    stdout,
    `${path}:2:1: error: hostnam: there is no key "hostnam"
  hint: Did you mean hostname?
${path}:6:5: warning: users[0].groups: there is no value: it counts as empty, and takes back what earlier files say
  hint: Leave the key out, or write [] to say that it is empty.
${path}: 1 error, 1 warning
`,
  );
  const lenient = await cairn(['config', 'validate', '--lenient', path]);
  assert.equal(lenient.exitCode, 0);
  assert.match(lenient.stdout, /:2:1: warning: .*\n[^]*: 0 errors, 2 warnings\n$/);
  const strict = await cairn(['config', 'validate', '--strict', path]);
  assert.equal(strict.exitCode, 1);
  assert.match(strict.stdout, /: 2 errors, 0 warnings\n$/);
  const both = await cairn(['config', 'validate', '--strict', '--lenient', path]);
  assert.equal(both.exitCode, 2);

  const json = await cairn(['config', 'validate', '--json', path]);
  assert.equal(json.exitCode, 1);
  const [result] = eventsOf(json);
  assert.deepEqual(
    { ...result, diagnostics: (result?.['diagnostics'] as unknown[] | undefined)?.[0] },
    {
      event: 'result',
      command: 'config',
      valid: false,
      errors: 1,
      warnings: 1,
      files: [path],
      diagnostics: {
        severity: 'error',
        code: 'unknown-key',
        file: path,
        line: 2,
        column: 1,
        path: 'hostnam',
        message: 'there is no key "hostnam"',
        hint: 'Did you mean hostname?',
      },
    },
  );
});

test('files of a folder, in their order, and a command line over them', async (context) => {
  const folder = scratchFolder(context);
  write(folder, {
    'b.yaml':
      '#cloud-config\nhostname: b\nusers: [{name: b}]\nwrite_files: [{path: /etc/b, permissions: 0644, content: b}]\n',
    'a/z.yml': GOOD,
    'a.yaml': '#cloud-config\nruncmd: [one]\n',
    'note.txt': 'not looked at',
  });
  const merged = await cairn(['config', 'merge', folder, '--cmdline', 'quiet kairos.config=hostname=line']);
  assert.equal(merged.exitCode, 0, merged.stderr);
  assert.match(
    merged.stdout,
    /^#cloud-config\n\n# Sources:\n# - .*\/a\/z\.yml\n# - .*\/a\.yaml\n# - .*\/b\.yaml\n# - --cmdline\n\n/,
  );
  assert.match(merged.stdout, /permissions: 0644$/m);
  assert.deepEqual(parse(merged.stdout), {
    hostname: 'line',
    users: [{ name: 'kairos', passwd: 'x', groups: ['admin'] }, { name: 'b' }],
    runcmd: ['one'],
    write_files: [{ path: '/etc/b', permissions: 644, content: 'b' }],
  });
  const json = eventsOf(await cairn(['config', 'merge', '--json', folder])).at(-1);
  assert.equal((json?.['config'] as { hostname: string } | undefined)?.hostname, 'b');

  const explained = await cairn(['config', 'explain', folder, '--path', 'users']);
  assert.equal(explained.exitCode, 0);
  assert.match(explained.stdout, /^users\[0\]\.name +"kairos" +\S+\/a\/z\.yml:4:11\n/);
  assert.match(explained.stdout, /^users\[1\]\.name +"b" +\S+\/b\.yaml:3:16\n/m);
  const items = eventsOf(await cairn(['config', 'explain', '--json', folder, '--path', 'hostname'])).at(-1)?.[
    'items'
  ];
  assert.deepEqual(items, [
    { path: 'hostname', value: 'b', file: join(folder, 'b.yaml'), line: 2, column: 11 },
  ]);
  const nothing = await cairn(['config', 'explain', folder, '--path', 'nothing']);
  assert.equal(nothing.exitCode, 1);
  assert.match(nothing.stderr, /there is nothing at nothing/);
});

test('what cannot be read is told, and the rest is shown', async (context) => {
  const folder = scratchFolder(context);
  write(folder, {
    'a.yaml': GOOD,
    'b.yaml': '#cloud-config\nhostname: "b\n',
    'c.yaml': '#cloud-config\nconfig_url: https://example.org/x\n',
  });
  const merged = await cairn(['config', 'merge', folder]);
  assert.equal(merged.exitCode, 1);
  assert.match(merged.stderr, /warning: .*b\.yaml:2:11: error: the " that opens here is not closed\n/);
  assert.match(merged.stdout, /^hostname: box$/m);
  const explained = await cairn(['config', 'explain', folder]);
  assert.match(explained.stderr, /c\.yaml names https:\/\/example\.org\/x, which is not fetched here/);
});

test('files that are not there, are too large, or are no text', async (context) => {
  const folder = scratchFolder(context);
  writeFileSync(join(folder, 'large.yaml'), new Uint8Array(5 << 20));
  writeFileSync(join(folder, 'bytes.yaml'), new Uint8Array([0xff, 0xfe, 0, 1]));
  const missing = await cairn(['config', 'validate', join(folder, 'nothing.yaml')]);
  assert.equal(missing.exitCode, 1);
  assert.match(missing.stderr, /there is no .*nothing\.yaml/);
  const large = await cairn(['config', 'validate', join(folder, 'large.yaml')]);
  assert.equal(large.exitCode, 1);
  assert.match(large.stdout, /it has 5242880 bytes, and at most 4194304 are read/);
  const bytes = await cairn(['config', 'validate', join(folder, 'bytes.yaml')]);
  assert.match(bytes.stdout, /it is UTF-16/);
  mkdirSync(join(folder, 'empty'));
  const empty = await cairn(['config', 'validate', join(folder, 'empty')]);
  assert.match(empty.stderr, /there is no configuration\nhint: Name files that end with \.yaml or \.yml\./);
});

test('control characters of a file do not reach the terminal', async (context) => {
  const folder = scratchFolder(context);
  write(folder, { 'node.yaml': '#cloud-config\n"\\e[31mkey": "\\e]0;title\\a"\n' });
  for (const command of ['validate', 'explain']) {
    const { stdout } = await cairn(['config', command, join(folder, 'node.yaml')]);
    assert.ok(!stdout.includes('\u001b'), JSON.stringify(stdout));
  }
});

test('the JSON Schema', async () => {
  const { stdout, exitCode } = await cairn(['config', 'schema']);
  assert.equal(exitCode, 0);
  const schema = JSON.parse(stdout) as { properties: Record<string, unknown> };
  assert.ok('stages' in schema.properties);
  const [event] = eventsOf(await cairn(['config', 'schema', '--json']));
  assert.deepEqual(event?.['schema'], schema);
});
