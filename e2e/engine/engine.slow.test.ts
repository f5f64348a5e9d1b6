import assert from 'node:assert/strict';
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { zstdDecompressSync } from 'node:zlib';
import { bundleForQuickjs } from '@cairn/framework';
import { realHost, runChecked } from '@cairn/host';
import { ensureFramework } from '../support/build.ts';
import { temporaryFolder } from '../support/node.ts';
import { exercise } from './exercise.ts';

const host = realHost();

/** The framework's initrd, unpacked, so that its programs can be run by chroot(1). */
async function unpackInitrd(folder: string): Promise<string> {
  const name = 'usr/lib/cairn/initrd.zst';
  await runChecked(host.programs, ['tar', '-xf', await ensureFramework(host), '-C', folder, name]);
  const packed = await host.files.read(join(folder, name), 1 << 26);
  assert.ok(packed);
  const root = join(folder, 'initrd');
  await mkdir(root);
  const unpack = ['cpio', '--extract', '--make-directories', '--quiet', '--directory', root];
  await runChecked(host.programs, unpack, { input: zstdDecompressSync(packed) });
  return root;
}

test('the engine of the initrd comes to the same as Node in all that a boot asks of it', async () => {
  await using folder = await temporaryFolder();
  const root = await unpackInitrd(folder.path);
  const source = fileURLToPath(new URL('main.ts', import.meta.url));
  await writeFile(join(root, 'exercise.mjs'), await bundleForQuickjs(source));
  // Under one path in both, since it is in the messages.
  const place = `/tmp/cairn-exercise-${process.pid}`;
  await mkdir(join(root, place), { recursive: true });
  await mkdir(place);
  await using cleanup = new AsyncDisposableStack();
  cleanup.defer(() => host.files.remove(place));
  const script = `mount -t proc proc "$1/proc" && mount --bind /dev "$1/dev" && exec chroot "$1" qjs --no-unhandled-rejection /exercise.mjs "$2"`;
  const said = await runChecked(host.programs, ['unshare', '--mount', 'sh', '-c', script, 'sh', root, place]);
  const expected: unknown = JSON.parse(JSON.stringify(await exercise(host, place)));
  assert.deepEqual(JSON.parse(said), expected);
});
