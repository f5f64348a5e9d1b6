import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import { zstdDecompressSync } from 'node:zlib';
import { concatBytes } from '@cairn/bytes';
import { makeDirectory, makeFile, makeSymlink, place } from '@cairn/tree';
import { compressFrame, frameKey, TAR_END, tarPiece } from '../src/layer.ts';
import { tool } from './machine.ts';

const attributes = { mtime: { seconds: 1754697600, nanoseconds: 0 } };

function sample() {
  const tree = makeDirectory(attributes);
  place(tree, '/usr/bin/cairn', makeFile('#!/bin/sh\n', { ...attributes, mode: 0o755 }));
  place(tree, '/usr/lib/cairn/bin/node', makeFile('node', { ...attributes, mode: 0o755 }));
  place(tree, '/usr/lib/cairn/agent.mjs', makeFile('agent', attributes));
  place(tree, '/etc/rc2.d/S99cairn-up', makeSymlink('../init.d/cairn-up', attributes));
  return tree;
}

function list(archive: Uint8Array): string[] {
  const options = ['--list', '--verbose', '--numeric-owner', '--utc', '--file=-'];
  return tool(['tar', ...options], { input: archive })
    .trimEnd()
    .split('\n')
    .map((line) => line.replace(/\s+/g, ' '));
}

suite('a piece of the layer', () => {
  test('is for GNU tar an archive like any other, with only folders that are ours', async () => {
    assert.deepEqual(list(concatBytes([await tarPiece(sample()), TAR_END])), [
      'lrwxrwxrwx 0/0 0 2025-08-09 00:00 etc/rc2.d/S99cairn-up -> ../init.d/cairn-up',
      '-rwxr-xr-x 0/0 10 2025-08-09 00:00 usr/bin/cairn',
      'drwxr-xr-x 0/0 0 2025-08-09 00:00 usr/lib/cairn',
      '-rw-r--r-- 0/0 5 2025-08-09 00:00 usr/lib/cairn/agent.mjs',
      'drwxr-xr-x 0/0 0 2025-08-09 00:00 usr/lib/cairn/bin',
      '-rwxr-xr-x 0/0 4 2025-08-09 00:00 usr/lib/cairn/bin/node',
    ]);
  });

  test('follows another one: together they are one archive', async () => {
    const other = makeDirectory(attributes);
    place(other, '/usr/lib/cairn/framework.json', makeFile('{}', attributes));
    const names = list(concatBytes([await tarPiece(sample()), await tarPiece(other), TAR_END]));
    assert.equal(names.length, 8);
    assert.match(names.at(-1) ?? '', /usr\/lib\/cairn\/framework\.json$/);
  });

  test('is the same each time', async () => {
    assert.deepEqual(await tarPiece(sample()), await tarPiece(sample()));
  });

  test('cannot be a device', async () => {
    const tree = makeDirectory();
    place(tree, '/dev/null', { ...makeFile(''), kind: 'character-device', major: 1, minor: 3 });
    await assert.rejects(tarPiece(tree), { message: 'the framework has no character-device' });
  });
});

test('frames one after another are one stream for zstd', async () => {
  const pieces = [await tarPiece(sample()), TAR_END];
  const frames = await Promise.all(pieces.map((piece) => compressFrame(piece, 3)));
  assert.deepEqual(new Uint8Array(zstdDecompressSync(concatBytes(frames))), concatBytes(pieces));
  assert.deepEqual(await compressFrame(TAR_END, 3), frames[1]);
});

test('a piece is known in the cache by its bytes and by how it is compressed', () => {
  const keys = [frameKey(TAR_END, 9), frameKey(TAR_END, 19), frameKey(new Uint8Array(1023), 9)];
  assert.equal(new Set(keys).size, 3);
  assert.equal(frameKey(TAR_END, 9), keys[0]);
});
