import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import {
  type Directory,
  ensureDirectory,
  lookup,
  makeDirectory,
  makeFile,
  makeSymlink,
  place,
  walk,
} from '@cairn/tree';
import { inspectTree, ReleaseError, withKernel, withMountPoints } from '../src/index.ts';
import { addKernel, addModules, sampleTree, VERSION } from './sample.ts';

const paths = (root: Directory) => [...walk(root)].map(({ path }) => path);

describe('withKernel', () => {
  function kernelTree(version = '6.6.6'): Directory {
    const root = makeDirectory();
    addKernel(root, version);
    return root;
  }

  test("takes the other image's kernel in place of its own", async () => {
    const root = sampleTree();
    place(root, `/boot/initrd.img-${VERSION}`, makeFile('initrd'));
    place(root, '/boot/grub/grub.cfg', makeFile('menu'));
    place(root, '/vmlinuz', makeSymlink(`boot/vmlinuz-${VERSION}`));
    place(root, '/initrd.img.old', makeSymlink('gone'));
    const before = paths(root);
    const other = kernelTree();
    const result = await withKernel(root, other);

    const { kernels, moduleVersions } = await inspectTree(result);
    assert.deepEqual(
      kernels.map(({ version, image, modules }) => [version, image, modules]),
      [['6.6.6', '/boot/vmlinuz-6.6.6', '/usr/lib/modules/6.6.6']],
    );
    assert.deepEqual(moduleVersions, ['6.6.6']);
    assert.deepEqual([...ensureDirectory(result, '/boot').entries.keys()].sort(), ['grub', 'vmlinuz-6.6.6']);
    assert.equal(result.entries.has('vmlinuz') || result.entries.has('initrd.img.old'), false);
    assert.equal(
      lookup(result, '/boot/vmlinuz-6.6.6')?.inode,
      lookup(other, '/boot/vmlinuz-6.6.6')?.inode,
      'the inode is taken over with all that it has',
    );
    assert.deepEqual(paths(root), before, 'the tree given stays as it is');
  });

  test('into a tree without kernel, without merged /usr', async () => {
    const root = makeDirectory();
    ensureDirectory(root, '/lib');
    const result = await withKernel(root, kernelTree());
    assert.equal((await inspectTree(result)).kernels[0]?.modules, '/lib/modules/6.6.6');
  });

  test('the one that was named', async () => {
    const other = kernelTree();
    addKernel(other, '6.7.7');
    const result = await withKernel(sampleTree(), other, { kernelVersion: '6.7.7' });
    assert.deepEqual((await inspectTree(result)).moduleVersions, ['6.7.7']);
  });

  const BAD = [
    ['no kernel', makeDirectory, {}, 'no-kernel', /has none/],
    ['not the one named', kernelTree, { kernelVersion: '1.2.3' }, 'no-kernel', /has no 1\.2\.3/],
    [
      'two kernels',
      () => {
        const other = kernelTree();
        addKernel(other, '6.7.7');
        return other;
      },
      {},
      'several-kernels',
      /has 2: 6\.6\.6, 6\.7\.7/,
    ],
    [
      'no modules',
      () => {
        const other = kernelTree();
        ensureDirectory(other, '/usr/lib/modules').entries.clear();
        addModules(other, '6.7.7');
        return other;
      },
      {},
      'no-modules',
      /has 6\.6\.6 without its modules/,
    ],
  ] as const;
  for (const [name, make, options, code, message] of BAD) {
    test(name, async () => {
      await assert.rejects(
        withKernel(sampleTree(), make(), options),
        (error) => error instanceof ReleaseError && error.code === code && message.test(error.message),
      );
    });
  }
});

describe('withMountPoints', () => {
  const mtime = { seconds: 99, nanoseconds: 7 };

  test('makes those that are missing', () => {
    const root = makeDirectory({ mtime });
    const result = withMountPoints(root);
    const made = paths(result)
      .filter((path) => path !== '/')
      .map((path) => {
        const inode = lookup(result, path)?.inode;
        assert.deepEqual(inode?.mtime, mtime, path);
        return `${path} ${inode?.mode.toString(8)}`;
      });
    assert.deepEqual(made, [
      '/dev 755',
      '/efi 755',
      '/etc 755',
      '/home 755',
      '/oem 755',
      '/opt 755',
      '/proc 555',
      '/root 700',
      '/run 755',
      '/srv 755',
      '/sys 555',
      '/tmp 1777',
      '/usr 755',
      '/usr/local 755',
      '/var 755',
    ]);
    assert.equal(root.entries.size, 0, 'the tree given stays as it is');
  });

  test('leaves folders and links as they are', () => {
    const root = makeDirectory({ mtime });
    place(root, '/var/home/user/file', makeFile('x'));
    place(root, '/home', makeSymlink('var/home'));
    place(root, '/opt', makeSymlink('var/opt-made-at-boot'));
    place(root, '/root', makeDirectory({ mode: 0o755, uid: 5 }));
    const result = withMountPoints(root);
    assert.deepEqual(result.entries.get('home'), root.entries.get('home'));
    assert.deepEqual(result.entries.get('opt'), root.entries.get('opt'));
    assert.deepEqual(result.entries.get('root'), root.entries.get('root'));
    assert.ok(lookup(result, '/home/user/file'));
  });

  test('a file in the place of a folder', () => {
    const root = makeDirectory();
    place(root, '/efi', makeFile(''));
    assert.throws(
      () => withMountPoints(root),
      (error) => error instanceof ReleaseError && error.code === 'bad-image' && /\/efi/.test(error.message),
    );
  });
});
