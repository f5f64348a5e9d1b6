import assert from 'node:assert/strict';
import { execFileSync, spawnSync } from 'node:child_process';
import { mkdirSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { test } from 'node:test';
import { startRegistry } from '@cairn/testkit';
import { type Directory, makeDirectory, makeFile, place } from '@cairn/tree';
import { rolldown } from 'rolldown';
import { convertedTree } from '../../release/test/sample.ts';
import {
  type CairnProcess,
  MAIN,
  outcomeOf,
  scratchFolder,
  startCairn,
  tarOf,
  writeSample,
} from './support.ts';

const MIB = 2 ** 20;

/** The sample, with so much in it that writing its root takes a while. */
function largeTree(): Directory {
  const root = convertedTree();
  const large = {
    // A hole: not hashed byte by byte, yet long enough to be interrupted by a parent that is slow itself.
    size: 16_384 * MIB,
    data: [],
    read: (_: number, target: Uint8Array) => target.fill(0).length,
  };
  place(root, '/usr/share/large', makeFile(large));
  return root;
}

async function phaseBegins(child: CairnProcess, phase: string): Promise<void> {
  for await (const line of createInterface(child.stdout)) {
    if ((JSON.parse(line) as { phase?: string }).phase === phase) return;
  }
  assert.fail(`the phase ${phase} never began`);
}

const SIGNALS = [
  ['SIGINT', 130],
  ['SIGTERM', 143],
] as const;

for (const [signal, exitCode] of SIGNALS) {
  test(`${signal} while the root is written: exit code ${exitCode}, nothing left`, async (context) => {
    const folder = scratchFolder(context);
    const image = await writeSample(folder, largeTree());
    const child = startCairn(context, ['build', `tar:${image}`, '-o', join(folder, 'out'), '--json']);
    await phaseBegins(child, 'root');
    assert.ok(readdirSync(folder).some((name) => name.startsWith('out.partial-')));
    child.kill(signal);
    const outcome = await outcomeOf(child);
    assert.equal(outcome.exitCode, exitCode);
    const last = JSON.parse(outcome.stdout.trimEnd().split('\n').at(-1) ?? '') as object;
    assert.deepEqual(last, {
      event: 'error',
      command: 'build',
      code: 'interrupted',
      message: `interrupted by ${signal}`,
    });
    assert.deepEqual(readdirSync(folder), ['sample.tar']);
  });
}

test('SIGINT while a registry stalls: nothing left beside the output', async (context) => {
  const folder = scratchFolder(context);
  const work = join(folder, 'work');
  mkdirSync(work);
  await using registry = await startRegistry();
  registry.putImage('os', '1', { layers: [await tarOf(convertedTree())] });
  registry.addFault({ kind: 'stall', path: /blobs/, afterBytes: 100, times: 100 });
  const name = `${registry.host}/os:1`;
  const args = ['build', name, '-o', join(work, 'out'), '--plain-http', registry.host];
  const child = startCairn(context, [...args, '--no-cache']);
  const ended = outcomeOf(child);
  while (!registry.requests.some(({ path }) => path.includes('/manifests/'))) {
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
  await new Promise((resolve) => setTimeout(resolve, 200));
  child.kill('SIGINT');
  const { exitCode, stderr } = await ended;
  assert.equal(exitCode, 130);
  assert.match(stderr, /^cairn: interrupted by SIGINT$/m);
  assert.deepEqual(readdirSync(work), []);
});

test('when nobody reads the output any more, that is the end', async (context) => {
  const folder = scratchFolder(context);
  const root = makeDirectory();
  place(root, '/large', makeFile({ size: 8 * MIB, read: (_, target) => target.fill(65).length }));
  const image = await writeSample(folder, root);
  const script = `"$0" "$1" image cat "tar:$2" /large -q | head -c 10; echo " \${PIPESTATUS[0]}"`;
  const { stdout, stderr } = spawnSync('bash', ['-c', script, process.execPath, MAIN, image], {
    encoding: 'utf8',
  });
  assert.equal(stdout, 'AAAAAAAAAA 141\n');
  assert.doesNotMatch(stderr, /EPIPE|bug/);
});

const DOOMED: readonly (readonly string[])[] = [
  ['image', 'cat', 'IMAGE', '/large'],
  ['image', 'ls', 'IMAGE'],
  ['image', 'ls', 'IMAGE', '--json'],
];

for (const args of DOOMED) {
  test(`output to a full disk is an error, not a crash: ${args.join(' ')}`, async (context) => {
    const folder = scratchFolder(context);
    const root = makeDirectory();
    place(root, '/large', makeFile({ size: 8 * MIB, read: (_, target) => target.fill(65).length }));
    const image = await writeSample(folder, root);
    const words = args.map((word) => (word === 'IMAGE' ? `tar:${image}` : word));
    const { status, stderr } = spawnSync(
      'sh',
      ['-c', '"$0" "$@" >/dev/full', process.execPath, MAIN, ...words],
      {
        encoding: 'utf8',
      },
    );
    assert.equal(status, 1);
    assert.match(stderr, args.includes('--json') ? /^/ : /^cairn: the output cannot be written: ENOSPC/m);
    assert.doesNotMatch(stderr, /\n +at |bug/);
  });
}

test('messages that nobody reads do not stop the work', async (context) => {
  const folder = scratchFolder(context);
  const image = await writeSample(folder, convertedTree());
  const script = '{ "$0" "$1" build "tar:$2" -o "$3"; echo "$?" >"$3.code"; } 2>&1 >/dev/null | true';
  spawnSync('bash', ['-c', script, process.execPath, MAIN, image, join(folder, 'out')]);
  assert.equal(readFileSync(join(folder, 'out.code'), 'utf8'), '0\n');
  assert.ok(readdirSync(join(folder, 'out')).includes('release.json'));
});

test('on a real terminal progress is drawn, in a pipe it is not', async (context) => {
  const folder = scratchFolder(context);
  const image = await writeSample(folder, convertedTree());
  const build = `'${process.execPath}' '${MAIN}' build tar:${image} -o ${join(folder, 'out')}`;
  const drawn = execFileSync('script', ['-qec', build, '/dev/null'], { encoding: 'utf8' });
  assert.ok(drawn.includes('\r\x1b[Kroot      '));
  assert.ok(drawn.includes('\x1b[2mroot      '));
  assert.match(drawn, /root hash [0-9a-f]{64}/);
  const piped = await outcomeOf(startCairn(context, ['build', `tar:${image}`, '-o', join(folder, 'out')]));
  assert.equal(piped.exitCode, 0, piped.stderr);
  assert.ok(!(piped.stdout + piped.stderr).includes('\x1b'));
});

test('a mistake in a process of its own', async (context) => {
  assert.deepEqual(await outcomeOf(startCairn(context, ['build'])), {
    exitCode: 2,
    stdout: '',
    stderr: "cairn: required option '-o, --output <folder>' not specified\nhint: See `cairn build --help`.\n",
  });
});

test('bundled, it runs without anything beside it, and loads no more than a command needs', async (context) => {
  const folder = scratchFolder(context);
  await using bundle = await rolldown({ input: { cairn: MAIN }, platform: 'node', logLevel: 'silent' });
  const { output } = await bundle.write({ dir: folder, format: 'esm', entryFileNames: '[name].mjs' });
  for (const file of output)
    assert.ok(file.type === 'chunk' && file.moduleIds.every((id) => !id.includes('.cache')));
  const program = join(folder, 'cairn.mjs');
  const run = (...args: string[]) =>
    execFileSync(process.execPath, [program, ...args], { cwd: '/', encoding: 'utf8' });
  const image = await writeSample(folder, convertedTree());
  assert.equal(run('image', 'cat', `tar:${image}`, '/etc/os-release', '-q').split('\n')[0], 'ID=sample');
  assert.match(run('--version'), /^\d+\.\d+\.\d+\n$/);
  const [entry] = output;
  const atStart = new Set([entry.fileName]);
  for (const name of atStart) {
    const chunk = output.find(({ fileName }) => fileName === name);
    if (chunk?.type === 'chunk') for (const imported of chunk.imports) atStart.add(imported);
  }
  const modules = output.flatMap((file) =>
    file.type === 'chunk' && atStart.has(file.fileName) ? file.moduleIds : [],
  );
  const packages = new Set(modules.map((id) => /(?:packages|node_modules)\/([^/]+)\//.exec(id)?.[1] ?? id));
  assert.deepEqual(packages, new Set(['bytes', 'cli', 'commander', 'host']));
});
