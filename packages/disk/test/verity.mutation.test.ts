import assert from 'node:assert/strict';
import { test } from 'node:test';
import { memorySource, memoryTarget } from '@cairn/bytes';
import { DiskError, parseVeritySuperblock, VerityWriter, verifyVerity } from '../src/index.ts';
import { bytes } from './erofs-sample.ts';
import { mutations } from './mutate.ts';

const INPUTS = 100_000;
const SEED = Number(process.env.CAIRN_SEED ?? 20_260_103);
const BLOCK = 4096;

interface Sealed {
  readonly image: Uint8Array;
  readonly rootHash: string;
}

async function seal(blocks: number, salt: Uint8Array): Promise<Sealed> {
  const target = memoryTarget();
  const writer = new VerityWriter(target, blocks * BLOCK, { uuid: bytes(16, 1), salt });
  await writer.write(0, bytes(blocks * BLOCK, 5));
  const { rootHash } = await writer.finish();
  return { image: target.bytes(), rootHash };
}

test(`${INPUTS} damaged headers are read, or refused with a DiskError`, async (t) => {
  const sealed = [await seal(3, new Uint8Array()), await seal(2, bytes(256, 9))];
  const headers = sealed.map(({ image }) =>
    image.slice(image.length - 2 * BLOCK, image.length - 2 * BLOCK + 512),
  );
  const outcomes = { read: 0, refused: 0 };
  let number = 0;
  for (const header of mutations(SEED, headers, INPUTS)) {
    try {
      const { dataBlocks, salt, uuid } = parseVeritySuperblock(header);
      assert.ok(
        dataBlocks >= 1 && salt.length <= 256 && uuid.length === 16,
        `input ${number} of seed ${SEED}`,
      );
      outcomes.read++;
    } catch (error) {
      assert.ok(error instanceof DiskError, `input ${number} of seed ${SEED}: ${String(error)}`);
      assert.ok(['verity-malformed', 'verity-unsupported'].includes(error.code), error.code);
      outcomes.refused++;
    }
    number++;
  }
  t.diagnostic(JSON.stringify(outcomes));
  assert.equal(outcomes.read + outcomes.refused, INPUTS);
  assert.ok(Math.min(outcomes.read, outcomes.refused) > INPUTS / 20, JSON.stringify(outcomes));
});

test('no damaged image passes as whole', async () => {
  const { image, rootHash } = await seal(3, bytes(8, 9));
  const hashOffset = 3 * BLOCK;
  const covered = image.length;
  for (const damaged of mutations(SEED, [image], 2000)) {
    const passed = await verifyVerity(memorySource(damaged), rootHash, { hashOffset }).then(
      () => true,
      (error: unknown) => {
        assert.ok(error instanceof DiskError, String(error));
        return false;
      },
    );
    if (!passed) continue;
    // What may differ: the UUID and what fills up the header, nothing that is data or tree.
    assert.deepEqual(damaged.subarray(0, hashOffset), image.subarray(0, hashOffset));
    assert.deepEqual(damaged.subarray(hashOffset + BLOCK, covered), image.subarray(hashOffset + BLOCK));
  }
});
