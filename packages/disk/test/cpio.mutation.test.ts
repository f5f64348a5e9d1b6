import assert from 'node:assert/strict';
import { test } from 'node:test';
import { byteString, bytesOf, concatBytes, memorySource, readAll, readExactly } from '@cairn/bytes';
import { makeDirectory, makeFile, makeSymlink, NO_XATTRS, place, walk } from '@cairn/tree';
import { cpioArchive, readCpio } from '../src/index.ts';
import { survive } from './mutate.ts';

const COUNT = 100_000;
const HEADER = 110;
const MAGIC = '070701';

const DIGITS = '0123456789abcdef';

/** Makes digits of what is none in the headers that are still in place, so that the checks of their values are reached. */
function repair(bytes: Uint8Array, headers: readonly number[]): void {
  for (const start of headers) {
    const header = bytes.subarray(start, start + HEADER);
    header.set(bytesOf(MAGIC).subarray(0, header.length));
    for (const [index, byte] of header.entries()) {
      if (!DIGITS.includes(String.fromCharCode(byte))) header[index] = DIGITS.charCodeAt(byte & 0x0f);
    }
  }
}

function headersOf(archive: Uint8Array): number[] {
  const text = byteString(archive);
  return [...text.matchAll(/070701/g)].map((match) => match.index);
}

const given = { mode: 0o600, uid: 1, gid: 2, mtime: { seconds: 3, nanoseconds: 0 }, xattrs: NO_XATTRS };
const tree = makeDirectory();
const shared = makeFile('shared');
place(tree, '/a', shared);
place(tree, '/b', shared);
place(tree, '/link', makeSymlink('a'));
place(tree, '/null', { kind: 'character-device', ...given, major: 1, minor: 3 });
const one = await readAll(cpioArchive(walk(tree)), 1 << 16);
const two = concatBytes([one, one]);
const headers = [headersOf(one), headersOf(two)];

// Not inside of a test: node:test follows every promise there, which makes this take three times as long.
const outcome = await survive({
  seed: 0xc9100001,
  corpus: [one, two],
  count: COUNT,
  async read(bytes, index) {
    // Inputs come from the two in turn.
    if (index % 4 > 1) repair(bytes, headers[index % 2] ?? []);
    for await (const { name, inode } of readCpio(memorySource(bytes))) {
      assert.ok(name.length > 0);
      if (inode.kind === 'file') await readExactly(inode.content, 0, inode.content.size);
    }
  },
});

test(`readCpio takes or refuses ${COUNT} damaged archives`, (context) => {
  context.diagnostic(`${outcome.accepted} taken, ${outcome.refused} refused`);
  assert.equal(outcome.accepted + outcome.refused, COUNT);
  assert.ok(outcome.accepted > COUNT / 10 && outcome.refused > COUNT / 10);
});
