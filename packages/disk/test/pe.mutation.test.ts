import assert from 'node:assert/strict';
import { test } from 'node:test';
import { memorySource, readAll } from '@cairn/bytes';
import { assembleUki, parsePe, readUki } from '../src/index.ts';
import { survive } from './mutate.ts';
import { makeStub } from './pe-stub.ts';

const COUNT = 100_000;
/** Bytes of the stub that are headers: only these are changed. */
const HEADERS = 408;

test(`parsePe takes or refuses ${COUNT} damaged images`, async (context) => {
  const stub = makeStub();
  const kernel = new TextEncoder().encode('kernel');
  const uki = await readAll(
    await assembleUki({ stub, sections: [{ name: '.linux', content: kernel }] }),
    1 << 16,
  );
  const outcome = await survive({
    seed: 0x9e000001,
    corpus: [stub.slice(0, HEADERS), uki.slice(0, HEADERS + 40)],
    count: COUNT,
    async read(bytes, index) {
      const image = new Uint8Array(index % 8 === 0 ? bytes.length : Math.max(uki.length, bytes.length));
      image.set(bytes);
      const { sections } = parsePe(image);
      for (const { rawOffset, rawSize } of sections)
        assert.ok(rawSize === 0 || rawOffset + rawSize <= image.length);
      await readUki(memorySource(image));
    },
  });
  context.diagnostic(`${outcome.accepted} taken, ${outcome.refused} refused`);
  assert.equal(outcome.accepted + outcome.refused, COUNT);
  assert.ok(outcome.accepted > COUNT / 10 && outcome.refused > COUNT / 10);
});

test('assembleUki takes or refuses damaged stubs and kernels', async () => {
  const count = 20_000;
  const stub = makeStub();
  const outcome = await survive({
    seed: 0x9e000002,
    corpus: [stub.slice(0, HEADERS)],
    count,
    async read(bytes, index) {
      const damaged = new Uint8Array(Math.max(stub.length, bytes.length));
      damaged.set(bytes);
      const [used, kernel] = index % 2 === 0 ? [damaged, stub] : [stub, damaged];
      const uki = await assembleUki({ stub: used, sections: [{ name: '.linux', content: kernel }] });
      assert.equal((await readUki(uki)).sections.at(-1)?.name, '.linux');
    },
  });
  assert.equal(outcome.accepted + outcome.refused, count);
  assert.ok(outcome.accepted > count / 10 && outcome.refused > count / 10);
});
