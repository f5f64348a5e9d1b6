import assert from 'node:assert/strict';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { realHost } from '@cairn/host';
import { cairn, scratchFolder, tarOf, writeFramework } from '../../packages/cli/test/support.ts';
import { run } from '../../packages/oci/test/images.ts';
import { sampleTree } from '../../packages/release/test/sample.ts';
import { readRootContent } from '../support/root.ts';

/** How `dir:` calls GNU tar. */
const AS_CAIRN_DOES = [
  '--format=pax',
  '--pax-option=exthdr.name=%d/PaxHeaders/%f,delete=atime,delete=ctime',
  '--sort=name',
  '--numeric-owner',
  '--xattrs',
  '--xattrs-include=*',
  '--xattrs-exclude=security.selinux',
  '--sparse',
  '--sparse-version=0.0',
];

/** The sample system as a folder, with what folders and tars may hold in different ways. */
async function sampleFolder(context: TestContext): Promise<{ folder: string; rootfs: string }> {
  const folder = scratchFolder(context);
  const rootfs = join(folder, 'rootfs');
  const tar = join(folder, 'sample.tar');
  writeFileSync(tar, await tarOf(sampleTree()));
  run('mkdir', rootfs);
  run('tar', '--extract', '--file', tar, '--directory', rootfs, '--same-owner', '--preserve-permissions');
  const more = `cd "$0"; truncate -s 1M usr/share/sparse; echo end >> usr/share/sparse; ln usr/share/big usr/share/same
    cp usr/bin/sh usr/bin/ping; setcap cap_net_raw+ep usr/bin/ping; mkfifo -m 600 usr/share/pipe; ln -s nowhere usr/share/link`;
  run('sh', '-ec', more, rootfs);
  return { folder, rootfs };
}

async function build(image: string, out: string, framework: string): Promise<string> {
  const outcome = await cairn([
    'build',
    image,
    '--output',
    out,
    '--framework',
    framework,
    '--version',
    '1',
    '-q',
  ]);
  assert.equal(outcome.exitCode, 0, outcome.stderr);
  return readFileSync(join(out, 'release.json'), 'utf8');
}

test('a folder, a copy of it elsewhere, and a tar of it made as Cairn makes one are the same release', async (context) => {
  const { folder, rootfs } = await sampleFolder(context);
  const framework = await writeFramework(folder);
  run('cp', '--archive', rootfs, join(folder, 'elsewhere'));
  const tar = join(folder, 'same.tar');
  run('tar', '--create', '--file', tar, ...AS_CAIRN_DOES, '--directory', rootfs, '.');
  const release = await build(`dir:${rootfs}`, join(folder, '1'), framework);
  assert.equal(await build(`dir:${folder}/elsewhere`, join(folder, '2'), framework), release);
  assert.equal(
    await build(`tar:${tar}`, join(folder, '3'), framework),
    release.replace('"directory"', '"tar"'),
  );
});

test('a tar in another order and format is another image with another id, and the same root but for that', async (context) => {
  const { folder, rootfs } = await sampleFolder(context);
  const framework = await writeFramework(folder);
  const tar = join(folder, 'other.tar');
  const names = run('sh', '-ec', 'cd "$0"; find . | sort --reverse', rootfs);
  writeFileSync(join(folder, 'names'), names);
  // Holes stay holes only where the tar tells of them, in whatever form.
  const form = ['--format=pax', '--xattrs', '--xattrs-include=*', '--sparse', '--sparse-version=1.0'];
  const flags = [...form, '--no-recursion', '--gzip'];
  run(
    'tar',
    '--create',
    '--file',
    tar,
    ...flags,
    '--directory',
    rootfs,
    '--files-from',
    join(folder, 'names'),
  );
  const release = await build(`dir:${rootfs}`, join(folder, '1'), framework);
  assert.notEqual(await build(`tar:${tar}`, join(folder, '2'), framework), release);
  const { files } = realHost();
  assert.deepEqual(
    await readRootContent(files, join(folder, '1')),
    await readRootContent(files, join(folder, '2')),
  );
});
