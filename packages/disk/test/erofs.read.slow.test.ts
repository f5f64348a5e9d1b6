import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { join } from 'node:path';
import { test } from 'node:test';
import { openErofs } from '../src/index.ts';
import { sampleTree } from './erofs-sample.ts';
import { seenInTree, withMount, writeImage } from './erofs-support.ts';
import { fileSource, scratchFolder } from './scratch.ts';

const mkfsOptions: readonly (readonly string[])[] = [
  [],
  ['-Eforce-inode-extended'],
  ['-Enoinline_data'],
  ['--chunksize=4096'],
  ['--chunksize=65536'],
  ['-Eforce-chunk-indexes', '--chunksize=4096'],
  ['-x1'],
];

test('images by mkfs.erofs are read', async (t) => {
  const folder = scratchFolder(t);
  const original = join(folder, 'original');
  const root = sampleTree();
  const { entries } = root.entries.get('names') as { entries: Map<string, unknown> };
  // mkfs.erofs 1.5 cuts names at 254 bytes.
  assert.ok(entries.delete('n'.repeat(255)));
  await writeImage(original, root);
  const seen = await seenInTree(root);
  await withMount(original, async (point) => {
    for (const options of mkfsOptions) {
      const image = join(folder, 'theirs');
      execFileSync('mkfs.erofs', [...options, image, point], { stdio: 'pipe' });
      await using source = await fileSource(image);
      const opened = await openErofs(source);
      assert.deepEqual(await seenInTree(await opened.loadTree()), seen, options.join(' '));
    }
  });
});
