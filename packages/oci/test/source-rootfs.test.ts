import assert from 'node:assert/strict';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { gzipSync } from 'node:zlib';
import { digestOf } from '../src/digest.ts';
import { openImage } from '../src/image.ts';
import { openTree } from '../src/layer/open-tree.ts';
import { AMD64, gzipLayer, leftovers, plainLayer, run, zstdLayer } from './images.ts';
import { BASE, layout, list, refuses } from './sources.ts';
import { describeFolder, describeTree } from './trees.ts';

test('a folder is one layer, exact to the byte', async (t) => {
  const { folder, doors } = layout(t);
  const root = join(folder, '-root');
  mkdirSync(root);
  run(
    'sh',
    '-ec',
    `cd "$0"
    mkdir -p -m 1777 d/e && echo text > d/f && ln d/f d/g && ln -s nowhere d/l
    mknod d/c c 5 1 && mknod d/b b 259 70000 && mkfifo d/p
    truncate -s 3M s && printf data | dd of=s bs=1 seek=2000000 conv=notrunc status=none
    chown 1000:70000 d/e && chmod 4711 d/f && : > "$(printf 'name\\377\\nline')"
    setfattr -n user.bytes -v 0x00ff0a d/f && setfattr -n trusted.x -v 0x01 d
    setfattr -n security.capability -v 0x0100000200200000000000000000000000000000 d/f
    setfattr -n system.posix_acl_access -v 0x0200000001000600ffffffff02000700e803000004000400ffffffff10000700ffffffff20000400ffffffff s
    touch -d '1969-12-31 23:59:58.25 UTC' d/e && touch -d '2044-02-03 04:05:06.123456789 UTC' d`,
    root,
  );
  await using image = await openImage({ kind: 'directory', path: root }, doors, { platform: AMD64 });
  await using tree = await openTree(image);
  assert.deepEqual(await describeTree(tree.root), describeFolder(root));
  const sparse = tree.root.entries.get('s');
  assert.ok(sparse?.kind === 'file' && sparse.content.data !== undefined);
  await using again = await openImage({ kind: 'directory', path: root }, doors, { platform: AMD64 });
  assert.equal(again.digest, image.digest);
  assert.equal(image.layers[0]?.name, '-root');
  assert.equal(image.config.architecture, 'amd64');
  assert.deepEqual(leftovers(doors).names, []);
});

test('a folder that cannot be packed leaves nothing behind', async (t) => {
  const { folder, doors } = layout(t);
  await refuses(`dir:${folder}/none`, doors, 'not-found', /there is no such folder/);
  writeFileSync(`${folder}/file`, '');
  await refuses(`dir:${folder}/file`, doors, 'not-found', /it is not a folder/);
  const programs = {
    ...doors.programs,
    async *stream() {
      yield new Uint8Array(512);
      throw new Error('tar failed');
    },
  };
  await assert.rejects(list(`dir:${folder}`, { ...doors, programs }), /tar failed/);
  assert.deepEqual(leftovers(doors), { names: [], spools: 0 });
});

test('a tar is one layer, compressed or not, always of the same digest', async (t) => {
  const { folder, doors } = layout(t);
  for (const [name, layer] of Object.entries({
    plain: plainLayer(BASE),
    gzip: gzipLayer(BASE),
    zstd: zstdLayer(BASE),
  })) {
    writeFileSync(`${folder}/${name}`, layer.blob);
    await using image = await openImage({ kind: 'tar', path: `${folder}/${name}` }, doors, {
      platform: AMD64,
    });
    assert.equal(image.digest, digestOf(BASE));
    assert.deepEqual(image.config.diffIds, [digestOf(BASE)]);
    assert.equal(image.manifest, undefined);
    assert.equal((await list(`tar:${folder}/${name}`, doors)).length, 3);
  }
  writeFileSync(`${folder}/xz`, Buffer.from('fd377a585a0000', 'hex'));
  await assert.rejects(list(`tar:${folder}/xz`, doors), { code: 'unsupported', hint: /unxz/ });
  writeFileSync(`${folder}/short`, gzipSync(BASE).subarray(0, 100));
  await refuses(`tar:${folder}/short`, doors, 'invalid-layer', /^tar:.*short: its gzip stream is corrupt/);
  writeFileSync(`${folder}/none`, 'x'.repeat(2000));
  await refuses(`tar:${folder}/none`, doors, 'invalid-layer', /^layer none: /);
});
