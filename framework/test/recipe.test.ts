import assert from 'node:assert/strict';
import { chmodSync, cpSync, lstatSync, mkdirSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { suite, test } from 'node:test';
import { realFiles } from '@cairn/host';
import { type Directory, lookup, readFileIn, walk } from '@cairn/tree';
import { assembleInitrd } from '../src/initrd.ts';
import { loadRecipe, RECIPE_FOLDER } from '../src/recipe.ts';
import { packagesFor } from './fake-packages.ts';
import { outcomeOf, scratch } from './machine.ts';

const files = realFiles();

/** Everything that counts of a tree. */
async function listing(tree: Directory): Promise<string[]> {
  const lines: string[] = [];
  for (const { path, inode } of walk(tree)) {
    const { kind, mode, uid, gid, mtime } = inode;
    const content =
      kind === 'file' ? Buffer.from((await readFileIn(tree, path)) ?? '').toString('base64') : '';
    const target = kind === 'symlink' ? inode.target : '';
    lines.push([path, kind, mode.toString(8), uid, gid, mtime.seconds, target, content].join(' '));
  }
  return lines;
}

suite('the recipe', () => {
  for (const part of ['initrd', 'layer']) {
    test(`is the same under every umask: ${part}`, async () => {
      using folder = scratch();
      const copy = join(folder.path, 'copy');
      cpSync(join(RECIPE_FOLDER, part), copy, { recursive: true, verbatimSymlinks: true });
      const expected = await listing(await loadRecipe(files, join(RECIPE_FOLDER, part)));
      for (const [open, executable] of [
        [0o600, 0o700],
        [0o664, 0o775],
      ] as const) {
        for (const { path, inode } of walk(await loadRecipe(files, copy))) {
          const there = join(copy, path);
          if (inode.kind === 'symlink') continue;
          chmodSync(there, lstatSync(there).mode & 0o100 ? executable : open);
        }
        assert.deepEqual(await listing(await loadRecipe(files, copy)), expected);
      }
      assert.ok(expected.length > 5);
    });
  }

  test("is root's, of a fixed time, and its links are links", async () => {
    using folder = scratch();
    mkdirSync(join(folder.path, 'sub'));
    writeFileSync(join(folder.path, 'sub/plain'), 'x', { mode: 0o666 });
    writeFileSync(join(folder.path, 'run'), 'x', { mode: 0o751 });
    symlinkSync('../nowhere', join(folder.path, 'link'));
    const tree = await loadRecipe(files, folder.path);
    assert.deepEqual(
      (await listing(tree)).map((line) => line.replace(/ eA==$/, '')),
      [
        '/ directory 755 0 0 1754697600  ',
        '/link symlink 777 0 0 1754697600 ../nowhere ',
        '/run file 755 0 0 1754697600 ',
        '/sub directory 755 0 0 1754697600  ',
        '/sub/plain file 644 0 0 1754697600 ',
      ],
    );
  });

  test('has no script that a shell cannot read', async () => {
    let scripts = 0;
    for (const part of ['initrd', 'layer']) {
      const tree = await loadRecipe(files, join(RECIPE_FOLDER, part));
      for (const { path, inode } of walk(tree)) {
        if (inode.kind !== 'file' || !((inode.mode & 0o100) !== 0 || path.endsWith('.sh'))) continue;
        const { exitCode, stderr } = outcomeOf(['sh', '-n', join(RECIPE_FOLDER, part, path)]);
        assert.deepEqual({ exitCode, stderr }, { exitCode: 0, stderr: '' }, path);
        scripts++;
      }
    }
    assert.ok(scripts >= 6);
  });
});

suite('the initrd', () => {
  test('has what it is made of, links that all lead somewhere, and the same each time', async () => {
    const recipe = await loadRecipe(files, join(RECIPE_FOLDER, 'initrd'));
    const packages = await packagesFor((tree) => assembleInitrd(tree, recipe));
    const initrd = await assembleInitrd(packages, recipe);

    const dangling = [...walk(initrd)].filter(
      ({ path, inode }) => inode.kind === 'symlink' && lookup(initrd, path) === undefined,
    );
    assert.deepEqual(
      dangling.map(({ path }) => path),
      [],
    );
    assert.equal(lookup(initrd, '/init')?.inode.kind, 'file');
    for (const folder of ['/proc', '/sys', '/dev', '/run', '/sysroot', '/tmp', '/usr/lib/cairn']) {
      assert.equal(lookup(initrd, folder)?.inode.kind, 'directory', folder);
    }
    assert.equal(lookup(initrd, '/bin/sh')?.path, '/usr/bin/sh');
    assert.equal(lookup(initrd, '/sbin'), undefined, 'the kernel would load modules on its own');
    for (const { path, inode } of walk(recipe)) {
      if (inode.kind === 'file') assert.equal(lookup(initrd, path)?.inode, inode, path);
    }
    assert.deepEqual(await listing(await assembleInitrd(packages, recipe)), await listing(initrd));
  });

  test('has every program that its scripts call', async () => {
    const recipe = await loadRecipe(files, join(RECIPE_FOLDER, 'initrd'));
    const initrd = await assembleInitrd(await packagesFor((tree) => assembleInitrd(tree, recipe)), recipe);
    const text = [...walk(recipe)].map(({ path }) => path).filter((path) => /\/init$|\.sh$/.test(path));
    assert.ok(text.length >= 4);
    for (const program of [
      'mount',
      'modprobe',
      'dmsetup',
      'switch_root',
      'dd',
      'sha256sum',
      'dmesg',
      'tail',
      'sed',
    ]) {
      const found = ['/usr/bin', '/usr/sbin'].some((at) => lookup(initrd, `${at}/${program}`) !== undefined);
      assert.ok(found, program);
    }
    assert.equal(lookup(initrd, '/init')?.inode.mode, 0o755);
  });
});
