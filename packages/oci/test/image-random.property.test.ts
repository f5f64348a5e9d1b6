import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { memorySource } from '@cairn/bytes';
import type { NewTarEntry } from '@cairn/tar';
import { type Directory, type Found, lookup, lookupDirectory, splitPath, TreeError, walk } from '@cairn/tree';
import { type LayerTar, mergeLayers } from '../src/layer/merge.ts';
import { dir, file, hardlink, run, scratch, symlink, tarOf } from './images.ts';
import { pick, type Random, randomFrom, SEED } from './mutation.ts';
import { type Description, describeFolder, describeTree } from './trees.ts';

/** Random images of meaningful changes, each held against what umoci unpacks. */

const IMAGES = 12;
const LAYERS = 3;
const CHANGES = 14;
const NAMES = ['a', 'b', 'c', 'd'];

/** The tree as seen from inside: paths without the leading slash, the root as an empty text. */
function inside(root: Directory, wanted: (found: Found) => boolean): string[] {
  return [...walk(root)].filter(wanted).map(({ path }) => path.slice(1));
}

function leadsToFolder(root: Directory, path: string): boolean {
  try {
    return lookupDirectory(root, path) !== undefined;
  } catch (cause) {
    assert.ok(cause instanceof TreeError);
    return false;
  }
}

/** An entry whose parent is there: a folder, or a link to one. What it hits there is left to chance. */
function change(root: Directory, random: Random, time: number): NewTarEntry {
  const parents = inside(
    root,
    ({ path, inode }) => inode.kind === 'directory' || (random(3) === 0 && leadsToFolder(root, path)),
  );
  const parent = pick(random, parents);
  const last = pick(random, NAMES);
  const path = parent === '' ? last : `${parent}/${last}`;
  const realPath = [...splitPath(lookup(root, parent)?.path ?? ''), last].join('/');
  const attributes = {
    mode: pick(random, [0o755, 0o700, 0o4711, 0o2750]),
    uid: random(3),
    mtime: { seconds: time, nanoseconds: 0 },
    xattrs: new Map(random(3) === 0 ? [['user.time', Buffer.from(String(time))]] : []),
  };
  const files = inside(root, ({ inode }) => inode.kind === 'file');
  switch (random(8)) {
    case 0:
    case 1:
    case 2:
      return dir(path, attributes);
    case 3:
      return {
        ...symlink(path, pick(random, ['a', 'b', '../a', '/c', '../../..', 'a/b'])),
        mtime: attributes.mtime,
      };
    case 4:
      return linked(path, realPath, files, random) ?? file(path, path, attributes);
    default:
      return file(path, `${path} ${time}`, attributes);
  }
}

/** undefined where umoci would remove the target before it makes the link. */
function linked(
  path: string,
  realPath: string,
  files: readonly string[],
  random: Random,
): NewTarEntry | undefined {
  const targets = files.filter((target) => !`${target}/`.startsWith(`${realPath}/`));
  return targets.length === 0 ? undefined : hardlink(path, pick(random, targets));
}

function whiteout(root: Directory, random: Random): NewTarEntry {
  const path = pick(
    random,
    inside(root, ({ inode }) => inode !== root),
  );
  const slash = path.lastIndexOf('/') + 1;
  const isFolder = inside(root, ({ inode }) => inode.kind === 'directory').includes(path);
  if (isFolder && random(3) === 0) return file(`${path}/.wh..wh..opq`, '');
  return file(`${path.slice(0, slash)}.wh.${path.slice(slash)}`, '');
}

/** A hard link's header says what its target's does, as in all real tars. */
async function layerOn(below: readonly LayerTar[], random: Random, number: number): Promise<Uint8Array> {
  const entries: NewTarEntry[] = [dir('./', { mtime: { seconds: number, nanoseconds: 0 } })];
  const lower = await mergeLayers(below);
  if (lower.entries.size > 0) entries.push(whiteout(lower, random), whiteout(lower, random));
  let tar = await tarOf(entries);
  for (let count = 0; count < CHANGES; count++) {
    const root = await mergeLayers([...below, { name: 'top', tar: memorySource(tar) }]);
    const candidate = withTargetAttributes(root, change(root, random, number * 1000 + count));
    const longer = await tarOf([...entries, candidate]);
    try {
      await mergeLayers([...below, { name: 'top', tar: memorySource(longer) }]);
    } catch {
      continue;
    }
    entries.push(candidate);
    tar = longer;
  }
  return tar;
}

function withTargetAttributes(root: Directory, entry: NewTarEntry): NewTarEntry {
  if (entry.kind !== 'hardlink') return entry;
  const target = [...walk(root)].find(({ path }) => path === `/${entry.linkTarget}`)?.inode ?? assert.fail();
  const { mode, uid, gid, mtime, xattrs } = target;
  return { ...entry, mode, uid, gid, mtime, xattrs };
}

/** Without the times of folders: umoci does not set them again when it puts a file into one through a link. */
function comparable(tree: Description): Description {
  const lines = Object.entries(tree).map(([path, line]) => [
    path,
    line.replace(/^(directory \S+ \S+) \S+/, '$1'),
  ]);
  return Object.fromEntries(lines);
}

for (let image = 0; image < IMAGES; image++) {
  test(`random image ${image} of seed ${SEED}`, async (t) => {
    const folder = scratch(t);
    const layout = join(folder, 'layout');
    const random = randomFrom(SEED + image);
    run('umoci', 'init', '--layout', layout);
    run('umoci', 'new', '--image', `${layout}:v1`);
    const layers: LayerTar[] = [];
    for (let number = 1; number <= LAYERS; number++) {
      const tar = await layerOn(layers, random, number);
      layers.push({ name: String(number), tar: memorySource(tar) });
      writeFileSync(join(folder, `${number}.tar`), tar);
      run('umoci', 'raw', 'add-layer', '--image', `${layout}:v1`, join(folder, `${number}.tar`));
    }
    run('umoci', 'raw', 'unpack', '--image', `${layout}:v1`, join(folder, 'rootfs'));
    const ours = await describeTree(await mergeLayers(layers));
    assert.deepEqual(comparable(ours), comparable(describeFolder(join(folder, 'rootfs'))));
  });
}
