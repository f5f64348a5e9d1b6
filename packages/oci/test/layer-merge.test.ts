import assert from 'node:assert/strict';
import { test } from 'node:test';
import { memorySource } from '@cairn/bytes';
import type { NewTarEntry } from '@cairn/tar';
import { lookup } from '@cairn/tree';
import { OciError, type OciErrorCode } from '../src/error.ts';
import { mergeLayers } from '../src/layer/merge.ts';
import { dir, file, hardlink, layersOf, symlink } from './images.ts';
import { listTree } from './trees.ts';

type Layers = readonly (readonly NewTarEntry[])[];

const RULES: Readonly<Record<string, { readonly layers: Layers; readonly tree: readonly string[] }>> = {
  'no layers': { layers: [], tree: [] },
  'entries of all kinds': {
    layers: [
      [
        dir('d/'),
        file('d/f'),
        symlink('d/s', '../x'),
        { path: 'c', kind: 'character-device', major: 5, minor: 1 },
        { path: 'b', kind: 'block-device', major: 259, minor: 70000 },
        { path: 'p', kind: 'fifo' },
      ],
    ],
    tree: ['b block-device 259:70000', 'c character-device 5:1', 'd/', 'd/f = d/f', 'd/s -> ../x', 'p fifo'],
  },
  'names are normalised': {
    layers: [[dir('./'), dir('./a/'), file('/a//b'), file('./a/./c'), file('x/../d'), file('//e')]],
    tree: ['a/', 'a/b = /a//b', 'a/c = ./a/./c', 'd = x/../d', 'e = //e'],
  },
  'names are bytes': {
    layers: [[file('\xff\xfe', '1')], [file('__proto__', '2'), file('constructor/prototype', '3')]],
    tree: ['__proto__ = 2', 'constructor/', 'constructor/prototype = 3', '\ufffd\ufffd = 1'],
  },
  'parents that are missing are implied': {
    layers: [[file('a/b/c')]],
    tree: ['a/', 'a/b/', 'a/b/c = a/b/c'],
  },
  'a later file replaces an earlier one': {
    layers: [[file('a', '1'), file('b', '1')], [file('a', '2')]],
    tree: ['a = 2', 'b = 1'],
  },
  'the last of two in one layer wins': {
    layers: [[file('a', '1'), file('a', '2'), file('./a', '3')]],
    tree: ['a = 3'],
  },
  'the last of two kinds in one layer wins': {
    layers: [[dir('a'), file('a/x'), file('a', 'f'), symlink('l', 'a'), dir('l'), file('l/y')]],
    tree: ['a = f', 'l/', 'l/y = l/y'],
  },
  'a folder over a folder keeps its entries': {
    layers: [
      [dir('d'), file('d/a')],
      [dir('d', { mode: 0o700 }), file('d/b')],
    ],
    tree: ['d/', 'd/a = d/a', 'd/b = d/b'],
  },
  'a folder over a file': { layers: [[file('d')], [dir('d'), file('d/a')]], tree: ['d/', 'd/a = d/a'] },
  'a folder over a link to a folder': {
    layers: [
      [dir('real'), file('real/a'), symlink('d', 'real')],
      [dir('d'), file('d/b')],
    ],
    tree: ['d/', 'd/b = d/b', 'real/', 'real/a = real/a'],
  },
  'a file over a folder': { layers: [[dir('d'), file('d/a')], [file('d', 'f')]], tree: ['d = f'] },
  'a link over a folder': { layers: [[dir('d'), file('d/a')], [symlink('d', 'x')]], tree: ['d -> x'] },

  'a whiteout removes a file': {
    layers: [[file('d/a'), file('d/b')], [file('d/.wh.a', '')]],
    tree: ['d/', 'd/b = d/b'],
  },
  'a whiteout removes a folder with all below': {
    layers: [[file('d/e/f'), file('g')], [file('.wh.d', '')]],
    tree: ['g = g'],
  },
  'a whiteout removes a link, not its target': {
    layers: [[file('a'), symlink('l', 'a')], [file('.wh.l', '')]],
    tree: ['a = a'],
  },
  'a whiteout may be of any kind': { layers: [[file('a')], [dir('.wh.a/')]], tree: [] },
  'a whiteout of nothing does nothing': {
    layers: [[file('a')], [file('.wh.b', ''), file('x/y/.wh.z', ''), file('a/.wh.z', '')]],
    tree: ['a = a'],
  },
  'a whiteout in the lowest layer does nothing': {
    layers: [[file('a'), file('.wh.a', '')]],
    tree: ['a = a'],
  },
  'a whiteout leaves what its own layer adds after it': {
    layers: [[file('a', '1')], [file('.wh.a', ''), file('a', '2')]],
    tree: ['a = 2'],
  },
  'a whiteout leaves what its own layer adds before it': {
    layers: [[file('a', '1')], [file('a', '2'), file('.wh.a', '')]],
    tree: ['a = 2'],
  },
  'a whiteout of a folder that its own layer makes again': {
    layers: [
      [file('d/old'), file('d/both', '1')],
      [dir('d'), file('d/new'), file('d/both', '2'), file('.wh.d', '')],
    ],
    tree: ['d/', 'd/both = 2', 'd/new = d/new'],
  },
  'a later layer sees what a whiteout removed come again': {
    layers: [[file('a', '1')], [file('.wh.a', '')], [file('a', '3')]],
    tree: ['a = 3'],
  },
  'a whiteout through a link on the way': {
    layers: [[file('usr/lib/x'), file('usr/lib/y'), symlink('lib', 'usr/lib')], [file('lib/.wh.x', '')]],
    tree: ['lib -> usr/lib', 'usr/', 'usr/lib/', 'usr/lib/y = usr/lib/y'],
  },
  'a whiteout below a link that its own layer replaces': {
    layers: [
      [file('usr/lib/x'), symlink('lib', 'usr/lib')],
      [file('lib/.wh.x', ''), dir('lib'), file('lib/z')],
    ],
    tree: ['lib/', 'lib/z = lib/z', 'usr/', 'usr/lib/', 'usr/lib/x = usr/lib/x'],
  },
  'an opaque folder loses what lower layers have': {
    layers: [[file('d/a'), file('d/e/f')], [file('g')], [dir('d'), file('d/.wh..wh..opq', ''), file('d/b')]],
    tree: ['d/', 'd/b = d/b', 'g = g'],
  },
  'an opaque marker may come last': {
    layers: [[file('d/a')], [dir('d'), file('d/b'), file('d/.wh..wh..opq', '')]],
    tree: ['d/', 'd/b = d/b'],
  },
  'an opaque marker without an entry for its folder': {
    layers: [[file('d/a')], [file('d/.wh..wh..opq', '')]],
    tree: ['d/'],
  },
  'an opaque root': {
    layers: [
      [file('a'), file('d/b')],
      [file('.wh..wh..opq', ''), file('c')],
    ],
    tree: ['c = c'],
  },
  'an opaque folder in the place of a link': {
    layers: [
      [file('real/a'), symlink('d', 'real')],
      [dir('d'), file('d/.wh..wh..opq', ''), file('d/b')],
    ],
    tree: ['d/', 'd/b = d/b', 'real/', 'real/a = real/a'],
  },
  "AUFS's own files are left out": {
    layers: [
      [
        file('.wh..wh.aufs', ''),
        dir('.wh..wh.plnk'),
        file('.wh..wh.plnk/1.2', ''),
        file('a'),
        file('d/.wh..wh.x'),
      ],
    ],
    tree: ['a = a'],
  },

  'a hard link in one layer': {
    layers: [[file('a'), hardlink('b', 'a'), hardlink('d/c', './b')]],
    tree: ['a = a', 'b == a', 'd/', 'd/c == a'],
  },
  'a hard link to a lower layer': { layers: [[file('a')], [hardlink('b', '/a')]], tree: ['a = a', 'b == a'] },
  'a hard link to a symbolic link': {
    layers: [[file('a'), symlink('s', 'a'), hardlink('h', 's')]],
    tree: ['a = a', 'h -> a', 's == h'],
  },
  'a hard link to a device': {
    layers: [[{ path: 'n', kind: 'character-device', major: 1, minor: 3 }, hardlink('m', 'n')]],
    tree: ['m character-device 1:3', 'n == m'],
  },
  'a hard link to itself': { layers: [[file('a')], [hardlink('a', 'a')]], tree: ['a = a'] },
  'a hard link takes the target as it is then': {
    layers: [[file('a', '1')], [file('a', '2'), hardlink('b', 'a'), file('a', '3')]],
    tree: ['a = 3', 'b = 2'],
  },
  'a hard link whose target is reached by a link': {
    layers: [[file('usr/x'), symlink('u', 'usr'), hardlink('y', 'u/x')]],
    tree: ['u -> usr', 'usr/', 'usr/x = usr/x', 'y == usr/x'],
  },
  'a hard link over another file': {
    layers: [[file('a'), file('b')], [hardlink('b', 'a')]],
    tree: ['a = a', 'b == a'],
  },
  'a replaced name leaves the other names': {
    layers: [[file('a', '1'), hardlink('b', 'a'), hardlink('c', 'a')], [file('b', '2')]],
    tree: ['a = 1', 'b = 2', 'c == a'],
  },
  'a whiteout of one name leaves the other names': {
    layers: [[file('a', '1'), hardlink('b', 'a'), hardlink('c', 'a')], [file('.wh.a', '')]],
    tree: ['b = 1', 'c == b'],
  },

  'links on the way are followed': {
    layers: [[dir('usr/lib'), symlink('lib', 'usr/lib')], [file('lib/x')]],
    tree: ['lib -> usr/lib', 'usr/', 'usr/lib/', 'usr/lib/x = lib/x'],
  },
  'absolute links start at the root': {
    layers: [[dir('a/b'), symlink('a/l', '/a/b')], [file('a/l/x')]],
    tree: ['a/', 'a/b/', 'a/b/x = a/l/x', 'a/l -> /a/b'],
  },
  'links that climb stop at the root': {
    layers: [[dir('a'), symlink('a/l', '../../../../etc')], [file('a/l/passwd')]],
    tree: ['a/', 'a/l -> ../../../../etc', 'etc/', 'etc/passwd = a/l/passwd'],
  },
  'links that climb in the middle stop at the root': {
    layers: [[dir('a'), symlink('a/l', '../../b/../../c')], [file('a/l/x')]],
    tree: ['a/', 'a/l -> ../../b/../../c', 'b/', 'c/', 'c/x = a/l/x'],
  },
  'links through links': {
    layers: [[dir('d'), symlink('a', 'b'), symlink('b', 'c/'), symlink('c', './d')], [file('a/x')]],
    tree: ['a -> b', 'b -> c/', 'c -> ./d', 'd/', 'd/x = a/x'],
  },
  'links that lead nowhere are made to': {
    layers: [[symlink('a', 'b/c')], [file('a/x')]],
    tree: ['a -> b/c', 'b/', 'b/c/', 'b/c/x = a/x'],
  },
  'the last part of a path is not followed': {
    layers: [[file('a'), symlink('l', 'a')], [file('l', '2')]],
    tree: ['a = a', 'l = 2'],
  },
};

for (const [name, { layers, tree }] of Object.entries(RULES)) {
  test(name, async () => {
    assert.deepEqual(await listTree(await mergeLayers(await layersOf(...layers))), tree);
  });
}

test('attributes are those of the last entry, xattrs with them', async () => {
  const old = new Map([['user.old', Uint8Array.of(1)]]);
  const capability = Uint8Array.of(1, 0, 0, 2, 0, 0x20, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff);
  const now = { mode: 0o2750, uid: 70000, gid: 4294967294, mtime: { seconds: -5, nanoseconds: 123456789 } };
  const root = await mergeLayers(
    await layersOf(
      [dir('./', { mode: 0o700 }), dir('d', { xattrs: old, mode: 0o777 }), file('f', 'x', { xattrs: old })],
      [
        dir('./', { mode: 0o555, mtime: now.mtime }),
        dir('d', now),
        file('f', 'y', { ...now, mode: 0o4755, xattrs: new Map([['security.capability', capability]]) }),
      ],
    ),
  );
  assert.equal(root.mode, 0o555);
  assert.deepEqual(root.mtime, now.mtime);
  const found = lookup(root, 'd')?.inode;
  assert.deepEqual(
    { mode: found?.mode, uid: found?.uid, gid: found?.gid, mtime: found?.mtime, xattrs: found?.xattrs },
    { ...now, xattrs: new Map() },
  );
  const changed = lookup(root, 'f')?.inode;
  assert.equal(changed?.mode, 0o4755);
  assert.deepEqual(changed?.xattrs, new Map([['security.capability', capability]]));
});

test('an implied folder is always the same', async () => {
  const mtime = { seconds: 7, nanoseconds: 9 };
  const root = await mergeLayers(
    await layersOf([file('a/b/c', '', { mtime, uid: 5, mode: 0o600 }), file('a/d')]),
  );
  for (const path of ['a', 'a/b']) {
    const { mode, uid, gid, mtime: found } = lookup(root, path)?.inode ?? assert.fail(path);
    assert.deepEqual({ mode, uid, gid, found }, { mode: 0o755, uid: 0, gid: 0, found: mtime });
  }
});

test('a sparse file keeps its holes', async () => {
  const data = [{ start: 1 << 20, end: (1 << 20) + 4096 }];
  const content = { ...memorySource(new Uint8Array(4 << 20)), data };
  const root = await mergeLayers(await layersOf([{ path: 's', kind: 'file', content }]));
  const inode = lookup(root, 's')?.inode;
  assert.ok(inode?.kind === 'file');
  assert.equal(inode.content.size, 4 << 20);
  assert.deepEqual(inode.content.data, data);
});

/** Down and up again to a link beside. */
const LONG_WAY = `${'n/'.repeat(700)}${'../'.repeat(700)}l`;

const LOOP = [symlink('a', 'b'), symlink('b', 'a')];

const REFUSED: Readonly<
  Record<string, { readonly layers: Layers; readonly error: RegExp; readonly code?: OciErrorCode }>
> = {
  'a name that climbs out': {
    layers: [[file('ok')], [file('../etc/passwd')]],
    error: /^layer 2: entry "..\/etc\/passwd" has a name that climbs out of the root$/,
  },
  'a name that climbs out half-way': {
    layers: [[file('a/../../b')]],
    error: /"a\/..\/..\/b" has a name that climbs out/,
  },
  'an absolute name that climbs out': { layers: [[file('/../b')]], error: /climbs out/ },
  'a name that is the parent': { layers: [[dir('..')]], error: /climbs out/ },
  'a link target that climbs out': {
    layers: [[file('a'), hardlink('b', '../a')]],
    error: /"b" has a link target that climbs out/,
  },
  'a hard link to nothing': {
    layers: [[hardlink('b', 'a')]],
    error: /layer 1: entry "b" is a hard link to "a", which is not there/,
  },
  'a hard link to what comes later': { layers: [[hardlink('b', 'a'), file('a')]], error: /not there/ },
  'a hard link to what its layer removes': {
    layers: [[file('a')], [file('.wh.a', ''), hardlink('b', 'a')]],
    error: /not there/,
  },
  'a hard link below a file': { layers: [[file('a'), hardlink('b', 'a/x')]], error: /not there/ },
  'a hard link to a folder': { layers: [[dir('a'), hardlink('b', 'a')]], error: /"a", which is a folder/ },
  'a hard link to the root': { layers: [[hardlink('b', '.')]], error: /"\.", which is a folder/ },
  'a loop of links': {
    layers: [LOOP, [file('a/x')]],
    error: /layer 2: entry "a\/x" is reached by a loop of links: "[ab]" is one/,
  },
  'a link to itself': { layers: [[symlink('a', 'a'), file('a/x')]], error: /loop of links/ },
  'a loop on the way of a hard link': { layers: [LOOP, [hardlink('h', 'a/x')]], error: /loop of links/ },
  'a loop on the way of a whiteout': { layers: [LOOP, [file('a/.wh.x', '')]], error: /loop of links/ },
  'a file as a folder': {
    layers: [[file('a')], [file('a/b')]],
    error: /layer 2: entry "a\/b" lies below "a", which is not a folder/,
  },
  'a file as a folder behind a link': {
    layers: [[file('a'), symlink('l', 'a'), file('l/b')]],
    error: /lies below "a"/,
  },
  'a file as the root': { layers: [[file('.')]], error: /would replace the root/ },
  'a link as the root': { layers: [[symlink('/', 'x')]], error: /would replace the root/ },
  'a whiteout without a name': { layers: [[file('.wh.', '')]], error: /entry ".wh." is not a whiteout/ },
  'a whiteout of the folder itself': { layers: [[file('a/.wh..', '')]], error: /is not a whiteout/ },
  'a whiteout of the parent': { layers: [[file('a/.wh...', '')]], error: /is not a whiteout/ },
  'a whiteout with files in it': { layers: [[file('.wh.a/b', '')]], error: /are reserved/ },
  'a name of 256 bytes': {
    layers: [[file('n'.repeat(256))]],
    error: /has a name with a part of more than 255 bytes/,
  },
  'a path of 4097 bytes': {
    layers: [[file('n/'.repeat(2048) + 'n')]],
    error: /has a name of more than 4096 bytes/,
  },
  'a path that gets too long by links': {
    layers: [[dir('n/'.repeat(2000)), symlink('l', 'n/'.repeat(2000))], [file(`l/${'m/'.repeat(100)}x`)]],
    error: /lies deeper than 4096 bytes/,
  },
  'links that lead a long way': {
    layers: [
      [dir('n/'.repeat(700)), ...[1, 2, 3, 4].map((n) => symlink(`l${n}`, LONG_WAY + (n + 1)))],
      [file('l1/x')],
    ],
    error: /through too many folders/,
  },
  'a folder with a long name, made by a link': {
    layers: [[symlink('l', 'n'.repeat(256)), file('l/x')]],
    error: /entry "l\/x" lies below "n+\.\.\.", which cannot be made/,
  },
  'a folder with the name of a whiteout, made by a link': {
    layers: [[symlink('l', 'a/.wh.b'), file('l/x')]],
    error: /lies below ".wh.b", which cannot be made/,
  },
  'a link to 4096 bytes': {
    layers: [[symlink('l', 'x'.repeat(4096))]],
    error: /is a link to more than 4095 bytes/,
  },
};

for (const [name, { layers, error, code = 'invalid-layer' }] of Object.entries(REFUSED)) {
  test(`refused: ${name}`, async () => {
    await assert.rejects(mergeLayers(await layersOf(...layers)), (cause) => {
      assert.ok(cause instanceof OciError, String(cause));
      assert.match(cause.message, error);
      assert.equal(cause.code, code);
      return true;
    });
  });
}

test('refused: more entries than allowed, over all layers', async () => {
  const layers = await layersOf([file('a'), file('b')], [file('c')]);
  assert.equal((await mergeLayers(layers, { limits: { entries: 3 } })).entries.size, 3);
  await assert.rejects(mergeLayers(layers, { limits: { entries: 2 } }), {
    code: 'too-large',
    message: 'layer 2: the image has more than 2 entries',
  });
});

test('refused: a tar that is none, or ends too early', async () => {
  const [layer] = await layersOf([file('a', 'x'.repeat(5000))]);
  assert.ok(layer);
  const truncated = { name: 'short', tar: { ...layer.tar, size: 2000 } };
  await assert.rejects(mergeLayers([truncated]), { code: 'invalid-layer', message: /^layer short: "a"/ });
  const garbage = { name: 'garbage', tar: memorySource(new Uint8Array(1024).fill(7)) };
  await assert.rejects(mergeLayers([garbage]), { code: 'invalid-layer', message: /^layer garbage: / });
});

test('a signal ends it', async () => {
  const signal = AbortSignal.abort(new Error('stop'));
  await assert.rejects(mergeLayers(await layersOf([file('a')]), { signal }), /stop/);
});
