import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { lstatSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import fc from 'fast-check';
import {
  type Directory,
  type Found,
  lookup,
  makeDirectory,
  makeFile,
  makeSymlink,
  place,
  splitPath,
  TreeError,
  walk,
} from '../src/index.ts';

const NAMES = ['a', 'b', 'c'] as const;
const name = fc.constantFrom(...NAMES);
const step = fc.constantFrom(...NAMES, '..', '.', '');
const path = fc
  .tuple(fc.constantFrom('', '/', '../', '/../'), fc.array(step, { minLength: 1, maxLength: 5 }))
  .map(([start, steps]) => start + steps.join('/') || '.');
const entry = fc.record({
  path: fc.array(name, { minLength: 1, maxLength: 3 }).map((names) => names.join('/')),
  kind: fc.constantFrom('file', 'directory', 'symlink', 'symlink'),
  target: path,
});

type Entry = typeof entry extends fc.Arbitrary<infer Value> ? Value : never;

function plant(root: Directory, { path, kind, target }: Entry): void {
  const inode =
    kind === 'file' ? makeFile(path) : kind === 'directory' ? makeDirectory() : makeSymlink(target);
  try {
    place(root, path, inode);
  } catch (error) {
    assert.ok(error instanceof TreeError);
  }
}

function treeFrom(entries: readonly Entry[]): Directory {
  const root = makeDirectory();
  for (const each of entries) plant(root, each);
  return root;
}

function lookupOr(
  root: Directory,
  path: string,
  options: { nofollow?: boolean },
): Found | TreeError | undefined {
  try {
    return lookup(root, path, options);
  } catch (error) {
    assert.ok(error instanceof TreeError);
    assert.equal(error.code, 'link-loop');
    return error;
  }
}

test('whatever the links, a path leads into the tree, and the path it has then leads to the same', () => {
  fc.assert(
    fc.property(fc.array(entry, { maxLength: 12 }), path, fc.boolean(), (entries, path, nofollow) => {
      const root = treeFrom(entries);
      const all = new Map([...walk(root)].map((found) => [found.path, found.inode]));
      const found = lookupOr(root, path, { nofollow });
      if (found === undefined || found instanceof TreeError) return;
      assert.equal(all.get(found.path), found.inode);
      assert.equal(lookup(root, found.path, { nofollow: true })?.inode, found.inode);
      if (!nofollow) assert.notEqual(found.inode.kind, 'symlink');
    }),
    { numRuns: 3000 },
  );
});

test('what was placed is in the tree once, under the name it was given', () => {
  fc.assert(
    fc.property(fc.array(entry, { maxLength: 10 }), path, (entries, path) => {
      const root = treeFrom(entries);
      const file = makeFile('last');
      try {
        place(root, path, file);
      } catch (error) {
        assert.ok(error instanceof TreeError);
        return;
      }
      // Not by `path` itself: it may lead through the very link that the file took the place of.
      const names = [...walk(root)].filter(({ inode }) => inode === file).map((found) => found.path);
      assert.equal(names.length, 1);
      assert.equal(names[0]?.split('/').at(-1), splitPath(path).at(-1));
    }),
    { numRuns: 2000 },
  );
});

test('a walk meets every inode once a name, parents first, in ascending order', () => {
  fc.assert(
    fc.property(fc.array(entry, { maxLength: 15 }), (entries) => {
      const seen = new Set<string>();
      let last: readonly string[] = [];
      for (const { path } of walk(treeFrom(entries))) {
        assert.ok(!seen.has(path));
        if (path !== '/') assert.ok(seen.has(path.slice(0, path.lastIndexOf('/')) || '/'));
        seen.add(path);
        const names = path.split('/').filter(Boolean);
        assert.ok(compareNames(last, names) <= 0, `${last.join('/')} before ${path}`);
        last = names;
      }
    }),
    { numRuns: 500 },
  );
});

function compareNames(a: readonly string[], b: readonly string[]): number {
  for (const [index, name] of a.entries()) {
    const other = b[index];
    if (other === undefined || name > other) return 1;
    if (name < other) return -1;
  }
  return 0;
}

/** Asks the kernel, in a chroot, which inode each path leads to. Its own answers are the oracle. */
function kernelAnswers(root: string, paths: readonly string[]): (string | undefined)[] {
  const program = `
    chroot(shift) && chdir('/') || die $!;
    while (<STDIN>) { chomp; my @status = stat("/$_"); print @status ? "$status[1]\\n" : "-\\n"; }
  `;
  const result = spawnSync('perl', ['-e', program, root], { input: paths.join('\n'), encoding: 'utf8' });
  assert.equal(result.status, 0, result.stderr);
  return result.stdout
    .trimEnd()
    .split('\n')
    .map((line) => (line === '-' ? undefined : line));
}

function writeOut(root: Directory, folder: string): Map<string, string> {
  const numbers = new Map<string, string>();
  for (const { path, inode } of walk(root)) {
    const real = join(folder, path);
    if (inode.kind === 'symlink') symlinkSync(inode.target, real);
    else if (inode.kind === 'directory') mkdirSync(real, { recursive: true });
    else writeFileSync(real, '');
    numbers.set(String(lstatSync(real).ino), path);
  }
  return numbers;
}

test('the kernel finds the same in a chroot', {
  skip: process.getuid?.() === 0 ? false : 'needs root',
}, () => {
  const folder = mkdtempSync(join(tmpdir(), 'cairn-tree-'));
  try {
    const samples = fc.sample(
      fc.tuple(fc.array(entry, { maxLength: 12 }), fc.array(path, { minLength: 20, maxLength: 40 })),
      { numRuns: 25, seed: 20250809 },
    );
    let found = 0;
    for (const [index, [entries, paths]] of samples.entries()) {
      const root = treeFrom(entries);
      const numbers = writeOut(root, join(folder, String(index)));
      const answers = kernelAnswers(join(folder, String(index)), paths);
      for (const [line, path] of paths.entries()) {
        const number = answers[line];
        const ours = lookupOr(root, path, {});
        const oursPath = ours instanceof TreeError ? undefined : ours?.path;
        // The one difference: a slash at the end, or `.`, behind a file is a mistake for the kernel and none here.
        if (
          ours !== undefined &&
          !(ours instanceof TreeError) &&
          ours.inode.kind === 'file' &&
          number === undefined
        ) {
          assert.match(path, /(?:\/\.?)+$/);
          continue;
        }
        assert.equal(
          oursPath,
          number === undefined ? undefined : numbers.get(number),
          JSON.stringify({ path, entries }),
        );
        if (number !== undefined) found++;
      }
    }
    assert.ok(found > 100, `only ${found} paths led to something`);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
});
