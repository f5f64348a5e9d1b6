import assert from 'node:assert/strict';
import { cpSync, existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { Writable } from 'node:stream';
import { test } from 'node:test';
import { realHost } from '@cairn/host';
import { startRegistry } from '@cairn/testkit';
import { makeFile, place } from '@cairn/tree';
import {
  boot,
  diskDigest,
  entriesOf,
  espFiles,
  hostOf,
  makeNode,
  makeRelease,
  sourceIn,
} from '../../agent/test/upgrade-node.ts';
import { convertedTree, sampleTree } from '../../release/test/sample.ts';
import { runCli } from '../src/index.ts';
import {
  cairn,
  eventsOf,
  type Outcome,
  scratchFolder,
  tarOf,
  writeFramework,
  writeSample,
} from './support.ts';

const [OLD, NEW] = await Promise.all(['1.0', '2.0'].map(makeRelease));
if (OLD === undefined || NEW === undefined) throw new TypeError('two releases');

const SLOTS = { a: { ...OLD, entry: 'cairn-1.conf' } };

/** Runs the program on a node that is a folder. */
async function onNode(root: string, ...args: readonly string[]): Promise<Outcome> {
  const out: string[] = [];
  const sink = (parts: string[]) =>
    new Writable({
      write(chunk: Buffer, _encoding, done) {
        parts.push(chunk.toString());
        done();
      },
    });
  const errors: string[] = [];
  const { signal } = new AbortController();
  const exitCode = await runCli(args, {
    // What waits for the network waits really.
    host: { ...hostOf(root), clock: realHost().clock },
    signal,
    stdout: sink(out),
    stderr: sink(errors),
  });
  return { exitCode, stdout: out.join(''), stderr: errors.join('') };
}

function node(): string {
  const root = makeNode(SLOTS);
  mkdirSync(join(root, 'run/cairn/persistent'), { recursive: true });
  return root;
}

test('a folder: plan, upgrade, status, rollback', async () => {
  const root = node();
  const source = sourceIn(root, NEW);
  const before = diskDigest(root);
  const dry = await onNode(root, 'upgrade', source, '--dry-run');
  assert.match(
    dry.stdout,
    /^upgrade to Sample OS 2\.0 in cairn-b\n {2}1\. remove from the boot loader: nothing$/m,
  );
  assert.match(dry.stdout, /8\. make it bootable: the loader's entry cairn-2\+3\.conf/);
  const [plan] = eventsOf(await onNode(root, 'upgrade', source, '--dry-run', '--json')).slice(-1);
  assert.equal((plan as { plan: { steps: unknown[] } }).plan.steps.length, 9);
  assert.equal(diskDigest(root), before);

  const done = await onNode(root, 'upgrade', source);
  assert.equal(done.exitCode, 0, done.stderr);
  assert.match(
    done.stdout + done.stderr,
    /upgrade to Sample OS 2\.0 in cairn-b: done in .* s\nThe next boot takes it/,
  );
  const [status] = eventsOf(await onNode(root, 'status', '--json')).slice(-1);
  assert.equal((status as { boots: { title: string }[] }).boots[0]?.title, 'Sample OS 2.0');
  const back = await onNode(root, 'rollback');
  assert.match(back.stdout, /^call off Sample OS 2\.0, which was to be booted next: done/);
  assert.deepEqual(entriesOf(root), ['cairn-1.conf']);
});

test('an image is rendered on the node, with its kernel arguments, and nothing of it stays', async (context) => {
  const root = node();
  const tree = convertedTree();
  place(tree, '/usr/share/other', makeFile('other'));
  writeFileSync(join(root, 'image.tar'), await tarOf(tree));
  const result = await onNode(root, 'upgrade', 'tar:/image.tar', '--allow-downgrade');
  assert.equal(result.exitCode, 0, result.stderr);
  assert.deepEqual(entriesOf(root), ['cairn-1.conf', 'cairn-2+3.conf']);
  assert.ok(!existsSync(join(root, 'run/cairn/persistent/work/upgrade')));
  const description = espFiles(root).find((path) => path.endsWith('.json') && !path.includes(OLD.id));
  assert.match(
    readFileSync(join(root, 'esp', description ?? ''), 'utf8'),
    /"commandLine": ".* panic=10 gpt console=ttyS0"/,
  );

  const folder = scratchFolder(context);
  const sample = await writeSample(folder, sampleTree());
  const framework = await writeFramework(folder);
  await cairn(['convert', `tar:${sample}`, '-o', `oci:${folder}/layout`, '--framework', framework]);
  cpSync(join(folder, 'layout'), join(root, 'layout'), { recursive: true });
  const layout = await onNode(root, 'upgrade', 'oci:/layout', '--allow-downgrade', '--json');
  assert.equal(layout.exitCode, 0, layout.stdout);
  assert.deepEqual(entriesOf(root), ['cairn-1.conf', 'cairn-3+3.conf']);
});

const REFUSED: readonly (readonly [string, RegExp, RegExp])[] = [
  [
    '/nothing',
    /\/nothing is not a release: it has no release\.json/,
    /Name the folder that `cairn build` made/,
  ],
  ['UPPER', /"UPPER" is not an image reference/, /./],
  ['oci:/nothing', /./, /./],
];

for (const [source, message, hint] of REFUSED) {
  test(`cairn upgrade ${source}: what is wrong, the way out, and nothing changed`, async () => {
    const root = node();
    const before = diskDigest(root);
    const { exitCode, stderr } = await onNode(root, 'upgrade', source);
    assert.notEqual(exitCode, 0);
    assert.match(stderr, message);
    assert.match(stderr, hint);
    assert.equal(diskDigest(root), before);
    assert.ok(!existsSync(join(root, 'run/cairn/lock')));
  });
}

test('a machine that is no node says so', async () => {
  const root = node();
  boot(root, 'cairn-a', undefined);
  writeFileSync(join(root, 'run/cairn/boot.json'), '');
  const { exitCode, stderr } = await onNode(root, 'upgrade', '/x');
  assert.equal(exitCode, 1);
  assert.match(stderr, /this machine was not booted by Cairn/);
});

test('a release in a registry is pulled, verified and installed; nothing of it stays on the persistent partition', async (context) => {
  const root = node();
  await using registry = await startRegistry();
  const name = `${registry.host}/team/os:2`;
  const plain = ['--plain-http', registry.host];
  const pushed = await cairn(['release', 'push', NEW.folder, name, '--level', '1', ...plain], {
    environment: { CAIRN_CACHE: scratchFolder(context) },
  });
  assert.equal(pushed.exitCode, 0, pushed.stderr);
  assert.match(pushed.stdout, /is at 127\.0\.0\.1:\d+\/team\/os@sha256:/);
  const { exitCode, stderr } = await onNode(root, 'upgrade', name, ...plain);
  assert.equal(exitCode, 0, stderr);
  assert.deepEqual(entriesOf(root), ['cairn-1.conf', 'cairn-2+3.conf']);
  assert.deepEqual(readdirSync(join(root, 'run/cairn/persistent/work')), []);
});
