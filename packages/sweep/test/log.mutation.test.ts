import assert from 'node:assert/strict';
import { test } from 'node:test';
import { memorySource, memoryTarget } from '@cairn/bytes';
import { LogWriter, readLog, SweepError } from '../src/index.ts';
import { mulberry32, type Random } from '../src/random.ts';

const COUNT = 100_000;
const SEED = Number(process.env.CAIRN_SEED ?? 20_260_104);
const MAX_GROWTH = 128 << 20;
const EDGES = [0, 1, 0x7f, 0xff, 0xffff, 0x7fffffff, 0xffffffff];

const target = memoryTarget();
const writer = new LogWriter(target);
await writer.write(4096, new Uint8Array(1024).fill(1));
await writer.mark('a mark');
await writer.flush();
await writer.discard(0, 4096);
await writer.write(512, new Uint8Array(512), { fua: true });
await writer.flush();
const whole = target.bytes();

/** Most damage goes where fields are: the first 64 bytes of a sector. */
function damage(random: Random): Uint8Array {
  let bytes = whole.slice();
  for (let change = 0; change < 1 + (random() % 4); change++) {
    const at = (random() % (bytes.length / 512)) * 512 + (random() % 64);
    if (random() % 3 === 0) bytes[at] = (bytes[at] ?? 0) ^ (1 << (random() & 7));
    else bytes.fill(EDGES[random() % EDGES.length] ?? 0, at, at + (1 << (random() % 4)));
  }
  if (random() % 8 === 0) bytes = bytes.slice(0, random() % bytes.length);
  return bytes;
}

// Not inside of a test: node:test follows every promise there, which makes this take three times as long.
const random = mulberry32(SEED);
let accepted = 0;
let refused = 0;
let resident = 0;
for (let index = 0; index < COUNT; index++) {
  const bytes = damage(random);
  try {
    for await (const entry of readLog(memorySource(bytes))) {
      assert.ok(
        entry.next <= bytes.length && entry.dataPosition <= entry.next,
        `input ${index} of seed ${SEED}`,
      );
      assert.ok(Number.isSafeInteger(entry.position + entry.length));
    }
    accepted++;
  } catch (cause) {
    if (!(cause instanceof SweepError)) throw new Error(`input ${index} of seed ${SEED}`, { cause });
    refused++;
  }
  if (index === COUNT / 10) resident = process.memoryUsage.rss();
}
const growth = process.memoryUsage.rss() - resident;

test(`readLog takes or refuses ${COUNT} damaged logs`, (context) => {
  context.diagnostic(`${accepted} taken, ${refused} refused`);
  assert.equal(accepted + refused, COUNT);
  assert.ok(accepted > COUNT / 20 && refused > COUNT / 20);
  assert.ok(growth < MAX_GROWTH, `the process grew by ${growth} bytes with seed ${SEED}`);
});
