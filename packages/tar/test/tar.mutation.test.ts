import assert from 'node:assert/strict';
import { test } from 'node:test';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { bytesOf, concatBytes, memorySource } from '@cairn/bytes';
import { readTar, TarError } from '../src/index.ts';
import { BLOCK, FIELD } from '../src/layout.ts';
import { LARGE, PLAIN, SPECIAL } from './fixtures.ts';
import { archiveOf, END, gnuHeader, header, padded, paxHeader, randomFrom, record, seal } from './support.ts';

/**
 * Damaged archives of every format: each is read to its end, with a part of each content, or refused with a TarError.
 * No other error, no content that is not inside of the archive, no memory that stays behind.
 */

const INPUTS = 100_000;
const SEED = Number(process.env.CAIRN_SEED ?? 20_260_101);

const FILE = concatBytes([header({ name: 'f', size: 5 }), padded('hello')]);

function sparsePax(body: string, content: string): Uint8Array {
  return concatBytes([
    paxHeader(body),
    header({ name: 'GNUSparseFile.1/f', size: content.length }),
    padded(content),
    FILE,
  ]);
}

async function samples(): Promise<readonly Uint8Array[]> {
  const content = memorySource(new Uint8Array(3000).fill(1));
  const data = [
    { start: 0, end: 512 },
    { start: 1024, end: 1536 },
  ];
  const extension = new Uint8Array(BLOCK);
  extension.set(bytesOf('00000001750\0\x30\x30\x30\x30\x30\x30\x30\x30\x30\x301\0'));
  const xattrs = new Map([
    ['security.capability', Uint8Array.from({ length: 20 }, (_, index) => index * 13)],
  ]);
  return [
    await archiveOf(...PLAIN.slice(4, 7)),
    await archiveOf(...SPECIAL.slice(0, 3)),
    await archiveOf(...LARGE.slice(4, 7)),
    await archiveOf({ path: 'f', kind: 'file', xattrs, mtime: { seconds: -5, nanoseconds: 5 } }),
    await archiveOf({ path: 'sparse', kind: 'file', content: { ...content, data } }),
    concatBytes([
      gnuHeader({ type: 'L', size: 200 }),
      padded(`${'n'.repeat(199)}\0`),
      gnuHeader({ type: 'K', size: 5 }),
      padded('link\0'),
      gnuHeader(
        { type: '2' },
        { 108: '\x80\0\0\0\xff\0\0\0', 136: '\xff'.repeat(12), 345: '14000000000\x00' },
      ),
      END,
    ]),
    concatBytes([
      gnuHeader(
        { type: 'S', size: 2 },
        { 386: `00000000000\x0000000000001\0`, 482: '\x01', 483: '00000002000\0' },
      ),
      extension,
      padded('ab'),
      FILE,
    ]),
    sparsePax(
      record('GNU.sparse.size', '9000') +
        record('GNU.sparse.numblocks', '2') +
        record('GNU.sparse.offset', '0') +
        record('GNU.sparse.numbytes', '3') +
        record('GNU.sparse.offset', '8000') +
        record('GNU.sparse.numbytes', '2'),
      'hello',
    ),
    sparsePax(
      record('GNU.sparse.size', '9000') +
        record('GNU.sparse.numblocks', '2') +
        record('GNU.sparse.map', '0,3,8000,2') +
        record('GNU.sparse.name', 'f'),
      'hello',
    ),
    concatBytes([
      paxHeader(record('comment', 'x') + record('uid', '5'), 'g'),
      paxHeader(record('LIBARCHIVE.xattr.user.a%20b', 'AAEC') + record('path', 'p') + record('size', '5')),
      FILE,
      header({ name: 'old' }, { 257: '\0\0\0\0\0\0\0\0' }),
      header({ name: 'star', prefix: 'p' }, { 476: '14000000000 14000000000 ', 508: 'tar\0' }),
    ]),
  ];
}

type Random = (bound: number) => number;

const TEXTS = [
  '',
  '0',
  '7',
  '8',
  '9',
  '-1',
  ' ',
  '\0',
  '\xff',
  '\x80',
  ',',
  '=',
  '\n',
  '/',
  '99999999999',
  '18446744073709551616',
];
const TYPES = '\x000123456789DKLMNSVXgx';

function mutate(sample: Uint8Array, random: Random): Uint8Array {
  let bytes: Uint8Array = sample.slice();
  for (let round = random(4); round >= 0; round--) bytes = mutateOnce(bytes, random);
  // Most changes would end at the checksum otherwise.
  if (random(8) > 0) sealAll(bytes);
  return bytes;
}

function mutateOnce(bytes: Uint8Array, random: Random): Uint8Array {
  if (bytes.length === 0) return bytes;
  const at = random(bytes.length);
  const block = at - (at % BLOCK);
  switch (random(7)) {
    case 0:
      bytes[at] = (bytes[at] ?? 0) ^ (1 << random(8));
      return bytes;
    case 1:
      bytes[at] = random(256);
      return bytes;
    case 2:
      put(bytes, at, TEXTS[random(TEXTS.length)] ?? '');
      return bytes;
    case 3: {
      const fields = Object.values(FIELD);
      put(bytes, block + (fields[random(fields.length)]?.start ?? 0), TEXTS[random(TEXTS.length)] ?? '');
      return bytes;
    }
    case 4:
      put(bytes, block + FIELD.type.start, TYPES[random(TYPES.length)] ?? '');
      return bytes;
    case 5:
      return bytes.slice(0, random(2) === 0 ? at : block);
    default: {
      const other = random(bytes.length);
      return concatBytes([bytes.subarray(0, block), bytes.subarray(other - (other % BLOCK))]).slice(
        0,
        1 << 14,
      );
    }
  }
}

function put(bytes: Uint8Array, at: number, text: string): void {
  bytes.set(bytesOf(text).subarray(0, Math.max(0, bytes.length - at)), Math.min(at, bytes.length));
}

function sealAll(bytes: Uint8Array): void {
  for (let at = 0; at + BLOCK <= bytes.length; at += BLOCK) {
    // A header's checksum field ends in NUL and space.
    if (bytes[at + 154] === 0 && bytes[at + 155] === 0x20) seal(bytes.subarray(at, at + BLOCK));
  }
}

const room = new Uint8Array(700);

/** Whether the archive was read to its end. */
async function consume(archive: Uint8Array): Promise<boolean> {
  try {
    for await (const { path, content, offset, xattrs } of readTar(memorySource(archive))) {
      assert.ok(path !== '' && offset < archive.length);
      const stored = content.data?.reduce((sum, { start, end }) => sum + end - start, 0) ?? content.size;
      for (const value of xattrs.values()) assert.ok(value.buffer.byteLength <= archive.length);
      assert.ok(stored <= archive.length && content.size >= 0);
      for (const position of [0, content.size >> 1, Math.max(0, content.size - 600)]) {
        const count = await content.read(position, room);
        assert.equal(count, Math.min(room.length, content.size - position));
      }
    }
    return true;
  } catch (error) {
    if (error instanceof TarError) return false;
    throw error;
  }
}

test(`${INPUTS} damaged archives`, { timeout: 120_000 }, async () => {
  setFlagsFromString('--expose-gc');
  const collectGarbage: () => void = runInNewContext('gc');
  const sources = await samples();
  for (const sample of sources) assert.ok(await consume(sample), 'a sample cannot be read');
  const random = randomFrom(SEED);
  let read = 0;
  let before = 0;
  let input = 0;
  for (; input < INPUTS; input++) {
    if (input === INPUTS / 10) before = heldMemory(collectGarbage);
    const archive = mutate(sources[input % sources.length] ?? END, random);
    try {
      if (await consume(archive)) read++;
    } catch (cause) {
      const bytes = Buffer.from(archive).toString('base64');
      throw new Error(`input ${input} with CAIRN_SEED=${SEED}: ${bytes}`, { cause });
    }
  }
  const grown = heldMemory(collectGarbage) - before;
  assert.equal(input, INPUTS);
  // A run in which nearly all are refused, or none, would prove little.
  assert.ok(read > INPUTS / 10 && read < INPUTS * 0.9, `${read} of ${INPUTS} were read to their end`);
  assert.ok(grown < 4 << 20, `${grown} bytes are held that were not before`);
});

function heldMemory(collectGarbage: () => void): number {
  collectGarbage();
  const { heapUsed, arrayBuffers } = process.memoryUsage();
  return heapUsed + arrayBuffers;
}
