import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { suite, test } from 'node:test';
import { configSchema, configShape, diagnosticText, hasErrors, readConfig } from '../src/index.ts';

const FOLDER = join(import.meta.dirname, 'samples');
const shape = configShape();

function sample(name: string) {
  return readConfig({ file: name, text: readFileSync(join(FOLDER, name), 'utf8') }, shape);
}

suite('configurations in the many ways that people write them', () => {
  for (const name of readdirSync(FOLDER)) {
    test(`${name} has no mistake, and is what the schema says`, () => {
      const { config, diagnostics } = sample(name);
      assert.ok(!hasErrors(diagnostics), diagnostics.map(diagnosticText).join('\n'));
      assert.deepEqual(configSchema.parse(config), config);
    });
  }
});

test('values are read as Kairos reads them', () => {
  const { config: installer } = sample('installer.yaml');
  assert.equal(installer.install?.auto, true);
  assert.equal(installer.install?.ssh_hardening, false);
  assert.deepEqual(installer.install?.partitions, {
    oem: { size: 128 },
    persistent: { size: 0, fs: 'ext4' },
  });
  assert.equal(installer.install?.['extra-partitions']?.[0]?.size, 1024);
  assert.equal(installer.users?.[0]?.uid, '1500');
  const { config } = sample('stages.yaml');
  const files = config.stages?.['boot.after']?.[0]?.files;
  assert.deepEqual(
    files?.map(({ permissions }) => permissions?.toString(8)),
    ['600', '644', '755', '644', '644'],
  );
  assert.equal(files?.[0]?.content, 'key: value\n  # indented\n');
  assert.deepEqual(config.stages?.['boot.after']?.[1], {
    ...config.stages?.['boot.after']?.[0],
    name: 'merged',
    after: [{ name: 'files' }],
  });
  assert.deepEqual(config.stages?.['initramfs']?.[0]?.sysctl, {
    'net.ipv4.ip_forward': '1',
    'vm.swappiness': '10',
    'kernel.panic': '0x0a',
  });
  assert.equal(config.stages?.['initramfs']?.[1]?.users?.['svc']?.gecos, '1234');
  const { config: cluster } = sample('cluster.yaml');
  assert.equal(cluster.k3s?.env?.['K3S_RESOLV_CONF'], '');
  assert.equal(cluster.write_files?.[1]?.permissions, 0o755);
  assert.equal(cluster.health?.deadline, 600_000);
  assert.equal(cluster.kubevip && 'lbClass' in cluster.kubevip, true);
});

test('a step whose condition cannot be read is not done', () => {
  const text =
    '#cloud-config\nstages:\n  boot:\n    - if: [ -f /x ]\n      commands: [rm]\n    - commands: [echo]\n';
  const { config } = readConfig({ file: 'f', text }, shape);
  assert.deepEqual(config.stages?.['boot'], [{ commands: ['echo'] }]);
  const closed = text.replace('if: [ -f /x ]', 'if_files: {exists: [/x]}');
  assert.deepEqual(readConfig({ file: 'f', text: closed }, shape).config.stages?.['boot'], [
    { commands: ['echo'] },
  ]);
});

test('what is in quotes for want of a ! keeps its meaning', () => {
  const text = '#cloud-config\nstages:\n  boot:\n    - if: ! -f /x\n      commands: [echo]\n';
  assert.equal(readConfig({ file: 'f', text }, shape).config.stages?.['boot']?.[0]?.if, '! -f /x');
});

test('templates are handed to who knows them, and what they make of a value is not guessed', () => {
  const text = '#cloud-config\nhostname: "{{ .X"\nconfig_url: "{{ .Url }}"\nusers: [{name: "{{ .N }}"}]\n';
  const seen: string[] = [];
  const { diagnostics } = readConfig({ file: 'f', text }, shape, {
    checkTemplate(template) {
      seen.push(template);
      return template.endsWith('}}') ? undefined : { message: 'the {{ is not closed' };
    },
  });
  assert.deepEqual(seen, ['{{ .X', '{{ .Url }}']);
  assert.deepEqual(diagnostics.map(diagnosticText), ['f:2:11: error: hostname: the {{ is not closed']);
});

test('a name that is something else to JavaScript is told, and taken for nothing', () => {
  const text = '#cloud-config\nstages: {__proto__: [], boot: []}\nkubevip: {__proto__: {x: 1}}\n';
  const { config, diagnostics } = readConfig({ file: 'f', text }, shape);
  assert.deepEqual(config, { stages: { boot: [] }, kubevip: {} });
  assert.equal(Object.getPrototypeOf(config.kubevip), Object.prototype);
  assert.match(
    diagnostics.map(diagnosticText).join('\n'),
    /stages\.__proto__: "__proto__" cannot be a name here/,
  );
});
