import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { memorySource } from '@cairn/bytes';
import type { NewTarEntry } from '@cairn/tar';
import { openImage } from '../src/image.ts';
import { openTree } from '../src/layer/open-tree.ts';
import { parseReference } from '../src/reference.ts';
import type { ImageDoors } from '../src/types.ts';
import { AMD64, dir, doorsIn, file, hardlink, run, scratch, symlink, tarOf } from './images.ts';
import { type Description, describeFolder, describeTree } from './trees.ts';

/** Seconds only: umoci sets times to the second where a tar has no finer ones. */
const at = (seconds: number) => ({ mtime: { seconds, nanoseconds: 0 } });
// Engines apply what a hard link's own header says to the file, so it must say the same, as in all real tars.
const CAPABILITY = Buffer.from('0100000200200000000000000000000000000000', 'hex');

const PING = { ...at(3), mode: 0o4755, xattrs: new Map([['security.capability', CAPABILITY]]) };
const TOOL = { ...at(4), mode: 0o2711, xattrs: new Map([['user.bytes', Buffer.of(0, 255, 10)]]) };

/** Every rule of merging, with an entry for each folder: what others do with implied ones differs. */
const LAYERS: readonly (readonly NewTarEntry[])[] = [
  [
    dir('./', at(1)),
    dir('bin', { ...at(2), mode: 0o750, uid: 1000, gid: 70000 }),
    file('bin/ping', 'ping', PING),
    file('bin/tool', 'tool', TOOL),
    { ...hardlink('bin/alias', 'bin/tool'), ...TOOL },
    { ...hardlink('bin/other', 'bin/tool'), ...TOOL },
    { ...symlink('sbin', 'bin'), ...at(5) },
    dir('dev', at(6)),
    { path: 'dev/null', kind: 'character-device', major: 1, minor: 3, mode: 0o666, ...at(7) },
    { path: 'dev/disk', kind: 'block-device', major: 259, minor: 70000, mode: 0o660, gid: 6, ...at(8) },
    { path: 'dev/pipe', kind: 'fifo', ...at(9) },
    dir('gone', at(10)),
    file('gone/a', 'a', at(11)),
    dir('opaque', at(12)),
    file('opaque/lower', 'l', at(13)),
    dir('opaque/deep', at(14)),
    file('opaque/deep/f', 'f', at(15)),
    dir('kept', { ...at(16), xattrs: new Map([['user.old', Buffer.from('x')]]) }),
    file('kept/a', 'a', at(17)),
    file('file-to-dir', 'f', at(18)),
    dir('dir-to-file', at(19)),
    file('dir-to-file/x', 'x', at(20)),
    { ...symlink('link-to-dir', 'kept'), ...at(21) },
    file('caf\xc3\xa9', 'utf-8', at(22)),
    dir('names', at(23)),
    file(`names/${'long'.repeat(60)}`, 'long', at(24)),
  ],
  [
    dir('./', at(101)),
    file('.wh.gone', '', at(102)),
    dir('opaque', { ...at(103), mode: 0o700 }),
    file('opaque/.wh..wh..opq', '', at(104)),
    file('opaque/upper', 'u', at(105)),
    dir('kept', { ...at(106), mode: 0o500, uid: 7 }),
    file('kept/b', 'b', at(107)),
    dir('file-to-dir', at(108)),
    file('file-to-dir/inside', 'i', at(109)),
    file('dir-to-file', 'now a file', at(110)),
    dir('link-to-dir', at(111)),
    file('link-to-dir/inside', 'i', at(112)),
    dir('bin', { ...at(113), mode: 0o755 }),
    file('bin/alias', 'replaced', at(114)),
    { ...hardlink('bin/ping6', 'bin/ping'), ...PING },
    dir('zeros', at(115)),
    {
      path: 'zeros/sparse',
      kind: 'file',
      content: { ...memorySource(new Uint8Array(1 << 20)), data: [] },
      ...at(116),
    },
  ],
  [
    dir('./', at(201)),
    dir('bin', at(202)),
    file('bin/.wh.tool', '', at(203)),
    dir('gone', at(204)),
    file('gone/b', 'b', at(205)),
  ],
];

async function describe(reference: string, doors: ImageDoors): Promise<Description> {
  await using image = await openImage(parseReference(reference), doors, { platform: AMD64 });
  await using tree = await openTree(image);
  return await describeTree(tree.root);
}

/** What containers/storage makes of an image, as Podman has it. */
function buildahTree(folder: string, image: string): Description {
  const [root, state] = [`${folder}/storage`, `${folder}/run`];
  const storage = ['--storage-driver=vfs', `--root=${root}`, `--runroot=${state}`];
  run(
    'skopeo',
    'copy',
    '--insecure-policy',
    image,
    `containers-storage:[vfs@${root}+${state}]localhost/x:v1`,
  );
  const container = run('buildah', ...storage, 'from', '--pull-never', 'localhost/x:v1').trim();
  const mounted = run('buildah', ...storage, 'mount', container).trim();
  const tree = describeFolder(mounted);
  run('buildah', ...storage, 'rm', container);
  return tree;
}

test('umoci unpacks the same tree, and so does every form that skopeo makes of it', async (t) => {
  const folder = scratch(t);
  const doors = doorsIn(folder);
  const layout = join(folder, 'layout');
  run('umoci', 'init', '--layout', layout);
  run('umoci', 'new', '--image', `${layout}:v1`);
  for (const [index, entries] of LAYERS.entries()) {
    const path = join(folder, `layer-${index}.tar`);
    writeFileSync(path, await tarOf(entries));
    run('umoci', 'raw', 'add-layer', '--image', `${layout}:v1`, path);
  }
  run('umoci', 'raw', 'unpack', '--image', `${layout}:v1`, join(folder, 'rootfs'));
  const ours = await describe(`oci:${layout}:v1`, doors);
  assert.deepEqual(ours, describeFolder(join(folder, 'rootfs')));
  assert.equal(Object.keys(ours).length, 28);

  // It has a root of its own making, and keeps xattrs which the specification wants replaced.
  const theirs = buildahTree(folder, `oci:${layout}:v1`);
  assert.match(theirs['/kept'] ?? '', / user.old=78 /);
  assert.deepEqual({ ...theirs, '/': '', '/kept': '' }, { ...ours, '/': '', '/kept': '' });

  const forms: Readonly<Record<string, readonly string[]>> = {
    [`oci-archive:${folder}/a.tar:v1`]: [],
    [`docker-archive:${folder}/b.tar:example.com/x:v1`]: [],
    [`oci:${folder}/zstd:v1`]: ['--dest-compress-format=zstd', '--dest-compress'],
    [`oci:${folder}/docker:v1`]: ['--format=v2s2'],
  };
  for (const [form, flags] of Object.entries(forms)) {
    run('skopeo', 'copy', '--insecure-policy', ...flags, `oci:${layout}:v1`, form);
    assert.deepEqual(await describe(form, doors), ours, form);
  }
});

test('layers that umoci makes from changes on disk', async (t) => {
  const folder = scratch(t);
  const doors = doorsIn(folder);
  const layout = join(folder, 'layout');
  const bundle = join(folder, 'bundle');
  run('umoci', 'init', '--layout', layout);
  run('umoci', 'new', '--image', `${layout}:v1`);
  run('umoci', 'unpack', '--image', `${layout}:v1`, bundle);
  const changes = [
    'mkdir -p a/b c; echo 1 > a/b/f; echo 2 > c/g; ln c/g c/h; ln -s a/b l; chown 5:6 c; setfattr -n user.x -v y c/g',
    'rm c/g; rm -r a/b; echo 3 > a/new; chmod 700 c; echo 4 > c/h',
    'rm l; mkdir l; echo 5 > l/x; mkfifo a/p; truncate -s 100000 a/s; rm -r c; ln -s a c',
  ];
  for (const change of changes) {
    run('sh', '-ec', `cd "$0"; ${change}`, join(bundle, 'rootfs'));
    run('umoci', 'repack', '--refresh-bundle', '--image', `${layout}:v1`, bundle);
    run('umoci', 'raw', 'unpack', '--image', `${layout}:v1`, join(folder, 'rootfs'));
    assert.deepEqual(
      await describe(`oci:${layout}:v1`, doors),
      describeFolder(join(folder, 'rootfs')),
      change,
    );
    run('rm', '-r', join(folder, 'rootfs'));
  }
});
