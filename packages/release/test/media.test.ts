import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { architectureNamed } from '../src/architecture.ts';
import { ReleaseError } from '../src/index.ts';
import { planMedia } from '../src/media/layout.ts';
import {
  checkUkiSize,
  chooseSlotSize,
  defaultDiskSize,
  diskSizes,
  MIB,
  smallestDiskSize,
} from '../src/sizes.ts';
import { partitionDefinitions } from '../src/uki/partitions.ts';

const GIB = 1024 * MIB;
const AMD64 = architectureNamed('amd64');
const ROOT_UUID = 'f9cfa685-8920-8ade-88ca-05d6320b438e';

function isError(code: string, message: RegExp, hint?: RegExp): (error: unknown) => boolean {
  return (error) => {
    assert.ok(error instanceof ReleaseError);
    assert.equal(error.code, code);
    assert.match(error.message, message);
    if (hint !== undefined) assert.match(error.hint ?? '', hint);
    return true;
  };
}

test('slot sizes', () => {
  const CASES = [
    [4096, undefined, 2 * GIB],
    [GIB, undefined, 2 * GIB],
    [GIB + 1, undefined, 2 * GIB + 64 * MIB],
    [3 * GIB, undefined, 6 * GIB],
    [MIB, MIB, MIB],
    [100 * MIB, 101 * MIB, 101 * MIB],
  ] as const;
  for (const [root, asked, slot] of CASES)
    assert.equal(chooseSlotSize(root, asked), slot, `${root} ${asked}`);
  assert.throws(
    () => chooseSlotSize(GIB, 512 * MIB),
    isError('too-large', /1\.0 GiB and does not fit a slot of 512 MiB/, /--slot-size 2048M/),
  );
  for (const size of [0, -MIB, MIB + 1, Number.NaN, 2 ** 60]) {
    assert.throws(() => chooseSlotSize(1, size), isError('bad-option', /multiple of 1 MiB/), String(size));
  }
});

test('three UKIs fit the ESP', () => {
  checkUkiSize(319 * MIB);
  assert.throws(
    () => checkUkiSize(320 * MIB),
    isError('too-large', /UKI has 320 MiB: only 320 MiB .* each of 3/),
  );
});

describe('disks', () => {
  const slotSize = 2 * GIB;
  const plan = (size?: number) => planMedia({ rootUuid: ROOT_UUID, architecture: AMD64, slotSize, size });

  test('the default has room for everything, and 2 GiB of data', () => {
    const { disk, esp, slot } = plan();
    assert.equal(disk.size, 2 * MIB + GIB + 3 * slotSize + 64 * MIB + 2 * GIB);
    assert.equal(disk.size, defaultDiskSize(slotSize));
    assert.deepEqual([esp.label, esp.start, esp.size], ['ESP', MIB, GIB]);
    assert.deepEqual([slot.label, slot.start, slot.size], ['cairn-a', GIB + MIB, slotSize]);
    assert.equal(esp.type, 'c12a7328-f81f-11d2-ba4b-00a0c93ec93b');
    assert.equal(slot.type, '4f68bce3-e8cd-4db1-96e7-fbcaf984b709');
    assert.equal(new Set([disk.diskUuid, esp.uuid, slot.uuid, ROOT_UUID]).size, 4);
  });

  test('the smallest one', () => {
    const smallest = smallestDiskSize(slotSize);
    assert.equal(plan(smallest).disk.size, smallest);
    assert.throws(
      () => plan(smallest - MIB),
      isError('too-large', /has no room for them/, new RegExp(`--disk-size ${smallest / MIB}M`)),
    );
  });

  for (const size of [0, 10 * GIB + 512, 0.5, Number.POSITIVE_INFINITY]) {
    test(`no size: ${size}`, () =>
      assert.throws(() => plan(size), isError('bad-option', /multiple of 1 MiB/)));
  }
});

test('partition definitions', () => {
  const definitions = partitionDefinitions(diskSizes(2 * GIB), AMD64);
  assert.deepEqual(Object.fromEntries(definitions), {
    '10-esp.conf': '[Partition]\nType=esp\nLabel=ESP\nSizeMinBytes=1073741824\nSizeMaxBytes=1073741824\n',
    '20-cairn-a.conf':
      '[Partition]\nType=root-x86-64\nLabel=cairn-a\nSizeMinBytes=2147483648\nSizeMaxBytes=2147483648\n',
    '30-cairn-b.conf':
      '[Partition]\nType=root-x86-64\nLabel=cairn-b\nSizeMinBytes=2147483648\nSizeMaxBytes=2147483648\n',
    '40-cairn-recovery.conf':
      '[Partition]\nType=root-x86-64\nLabel=cairn-recovery\nSizeMinBytes=2147483648\nSizeMaxBytes=2147483648\n',
    '50-oem.conf':
      '[Partition]\nType=linux-generic\nLabel=COS_OEM\nSizeMinBytes=67108864\nSizeMaxBytes=67108864\nFormat=ext4\n',
    '60-persistent.conf':
      '[Partition]\nType=linux-generic\nLabel=COS_PERSISTENT\nSizeMinBytes=268435456\nFormat=ext4\n',
  });
});

test('other architectures have to wait', () => {
  assert.throws(() => architectureNamed('arm64'), isError('wrong-architecture', /arm64, only for amd64/));
});
