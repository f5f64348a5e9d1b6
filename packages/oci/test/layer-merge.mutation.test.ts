import assert from 'node:assert/strict';
import { test } from 'node:test';
import { concatBytes, memorySource, readAll } from '@cairn/bytes';
import type { NewTarEntry, TarEntryKind } from '@cairn/tar';
import { type Inode, walk } from '@cairn/tree';
import { OciError } from '../src/error.ts';
import { type LayerTar, mergeLayers } from '../src/layer/merge.ts';
import { file, tarOf } from './images.ts';
import { pick, type Random, randomFrom, SEED, tryInputs } from './mutation.ts';

/**
 * Layers of strange entries, some of them damaged: each image is merged, or refused with an OciError that names
 * the layer. What is merged is a tree: no name that could lead out of it, no folder in two places.
 */

const INPUTS = 20_000;
const ENTRIES = 3000;

const NAMES = [
  'a',
  'b',
  'c',
  'd',
  '.',
  '..',
  '',
  '.wh.a',
  '.wh.b',
  '.wh..wh..opq',
  '.wh..wh.plnk',
  '.wh.',
  '\xff',
  '__proto__',
];
const KINDS: readonly TarEntryKind[] = [
  'file',
  'file',
  'directory',
  'directory',
  'symlink',
  'symlink',
  'hardlink',
  'fifo',
  'block-device',
];
const PLAIN = 4;

/** Mostly plain names, so that entries meet. */
function pathFrom(random: Random): string {
  const names = Array.from({ length: 1 + random(3) }, () => {
    const bound = random(6) === 0 ? NAMES.length : PLAIN;
    return NAMES[random(bound)] ?? 'a';
  });
  return (random(8) === 0 ? '/' : '') + names.join('/');
}

function entryFrom(random: Random): NewTarEntry {
  const path = pathFrom(random) || '.';
  const kind = pick(random, KINDS);
  if (kind === 'file') return file(path.replace(/\/+$/, '') || 'a', path);
  if (kind !== 'symlink' && kind !== 'hardlink') return { path, kind };
  return { path: path.replace(/\/+$/, '') || 'a', kind, linkTarget: pathFrom(random) || '/' };
}

const END = new Uint8Array(1024);

/** As archives of one entry each, without the end: layers are put together from them. */
async function encodedEntries(): Promise<readonly Uint8Array[]> {
  const random = randomFrom(SEED);
  const encoded: Uint8Array[] = [];
  for (let count = 0; count < ENTRIES; count++) {
    const archive = await tarOf([entryFrom(random)]);
    encoded.push(archive.slice(0, archive.length - END.length));
  }
  return encoded;
}

function makeLayers(random: Random, entries: readonly Uint8Array[]): readonly LayerTar[] {
  return Array.from({ length: 1 + random(3) }, (_, index) => {
    const chosen = Array.from({ length: 1 + random(8) }, () => pick(random, entries));
    const bytes = concatBytes([...chosen, END]);
    if (random(6) === 0) bytes[random(bytes.length)] = random(256);
    const end = random(12) === 0 ? random(bytes.length) : bytes.length;
    return { name: String(index), tar: memorySource(bytes.subarray(0, end)) };
  });
}

async function attempt(layers: readonly LayerTar[]): Promise<boolean> {
  let root: Awaited<ReturnType<typeof mergeLayers>>;
  try {
    root = await mergeLayers(layers);
  } catch (cause) {
    if (!(cause instanceof OciError)) throw cause;
    assert.match(cause.message, /^layer \d: /);
    return false;
  }
  const folders = new Set<Inode>();
  for (const { path, inode } of walk(root)) {
    for (const name of path === '/' ? [] : path.slice(1).split('/')) {
      assert.ok(name !== '' && name !== '.' && name !== '..' && !name.startsWith('.wh.'), path);
    }
    if (inode.kind === 'file') await readAll(inode.content, 1 << 20);
    if (inode.kind !== 'directory') continue;
    assert.ok(!folders.has(inode), path);
    folders.add(inode);
  }
  return true;
}

async function show(layers: readonly LayerTar[]): Promise<string> {
  const tars = await Promise.all(layers.map(({ tar }) => readAll(tar, 1 << 20)));
  return tars.map((tar) => Buffer.from(tar).toString('base64')).join(' ');
}

test(`${INPUTS} images of strange layers`, { timeout: 120_000 }, async () => {
  const entries = await encodedEntries();
  const result = await tryInputs(INPUTS, (random) => makeLayers(random, entries), attempt, show);
  assert.equal(result.inputs, INPUTS);
  assert.ok(
    result.accepted > INPUTS / 10 && result.accepted < INPUTS * 0.9,
    `${result.accepted} were merged`,
  );
  assert.ok(result.grown < 4 << 20, `${result.grown} bytes are held that were not before`);
});
