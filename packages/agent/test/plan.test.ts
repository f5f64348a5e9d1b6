import assert from 'node:assert/strict';
import { test } from 'node:test';
import { fstab } from '../src/boot/mount.ts';
import { type ImageFolders, planKept, planVolatile } from '../src/boot/plan.ts';
import { stateFolder, WRITABLE_PATHS, type WritablePath } from '../src/paths/map.ts';

const PATHS: readonly WritablePath[] = [
  { path: '/etc', kind: 'volatile' },
  { path: '/tmp', kind: 'memory' },
  { path: '/oem', kind: 'partition' },
  { path: '/opt', kind: 'kept-overlay' },
  { path: '/etc/ssh', kind: 'kept-overlay' },
  { path: '/etc/k0s', kind: 'kept-overlay' },
  { path: '/home', kind: 'kept' },
  { path: '/snap', kind: 'kept' },
];

const directory = (mode: number, uid = 0, gid = 0) => ({ kind: 'directory' as const, mode, uid, gid });

const LINK = { kind: 'symlink' as const, mode: 0o777, uid: 0, gid: 0 };

const IMAGE: ImageFolders = new Map([
  ['/etc', directory(0o755)],
  ['/opt', directory(0o750, 7, 8)],
  ['/etc/ssh', directory(0o711)],
  ['/home', directory(0o755)],
]);

test('volatile paths are overlays on the image, with the image folder’s owner and mode', () => {
  const plan = planVolatile('/sysroot', PATHS, IMAGE);
  assert.deepEqual(plan.folders, [
    { path: '/run/cairn/volatile/etc/data', mode: 0o755, uid: 0, gid: 0 },
    { path: '/run/cairn/volatile/etc/work', mode: 0o755, uid: 0, gid: 0 },
  ]);
  assert.equal(
    fstab(plan.mounts),
    'overlay /sysroot/etc overlay lowerdir=/run/cairn/image/etc,upperdir=/run/cairn/volatile/etc/data,' +
      'workdir=/run/cairn/volatile/etc/work,index=off,metacopy=off,redirect_dir=off 0 0\n' +
      'tmpfs /sysroot/tmp tmpfs mode=1777,nosuid,nodev,size=50% 0 0\n',
  );
});

test('a link in the image is left alone: mounting on it would lead out of the new root', () => {
  const linked: ImageFolders = new Map([
    ...IMAGE,
    ...['/etc', '/home', '/etc/ssh'].map((path) => [path, LINK] as const),
  ]);
  const mounts = [
    ...planVolatile('/sysroot', PATHS, linked).mounts,
    ...planKept('/sysroot', PATHS, linked, '/p', new Set()).mounts,
  ].map(({ target }) => target);
  assert.deepEqual(mounts, ['/sysroot/tmp', '/sysroot/opt', '/sysroot/etc/k0s']);
});

const KEPT: readonly {
  name: string;
  made: string[];
  path: string;
  mount: string | undefined;
  seeded: boolean;
}[] = [
  {
    name: 'a folder of the image becomes an overlay',
    made: [],
    path: '/opt',
    mount: 'overlay',
    seeded: false,
  },
  { name: 'also below a volatile one', made: [], path: '/etc/ssh', mount: 'overlay', seeded: false },
  {
    name: 'a folder that the image lacks is bound',
    made: [],
    path: '/etc/k0s',
    mount: 'none',
    seeded: false,
  },
  {
    name: 'a data folder is filled from the image once',
    made: [],
    path: '/home',
    mount: 'none',
    seeded: true,
  },
  { name: 'and not again', made: ['/home'], path: '/home', mount: 'none', seeded: false },
  {
    name: 'where no folder can be made nothing is mounted',
    made: [],
    path: '/snap',
    mount: undefined,
    seeded: false,
  },
];

for (const { name, made, path, mount, seeded } of KEPT) {
  test(`kept paths: ${name}`, () => {
    const plan = planKept('/sysroot', PATHS, IMAGE, '/run/cairn/persistent', new Set(made));
    assert.equal(plan.mounts.find(({ target }) => target === `/sysroot${path}`)?.type, mount);
    assert.equal(
      plan.seeds.some(({ from }) => from === `/run/cairn/image${path}`),
      seeded,
    );
  });
}

test('kept data keeps the owner and mode that the image gives its folder', () => {
  const { folders } = planKept('/sysroot', PATHS, IMAGE, '/p', new Set());
  assert.deepEqual(folders[0], { path: '/p/state/opt/data', mode: 0o750, uid: 7, gid: 8 });
});

test('the map: folders come before what lies in them, and no two paths share their data', () => {
  const seen = new Set<string>();
  for (const { path } of WRITABLE_PATHS) {
    for (const other of seen) assert.ok(!other.startsWith(`${path}/`), `${path} after ${other}`);
    seen.add(path);
  }
  assert.equal(new Set(WRITABLE_PATHS.map(({ path }) => stateFolder(path))).size, WRITABLE_PATHS.length);
});
