import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { type Directory, makeDirectory, makeFile, makeSymlink, place } from '@cairn/tree';
import { parseBzImage } from '../src/facts/bzimage.ts';
import { findKernels } from '../src/facts/kernels.ts';
import { addModules, fakeKernel, VERSION } from './sample.ts';

describe('the header of a bzImage', () => {
  const CASES: readonly {
    readonly name: string;
    readonly bytes: Uint8Array;
    readonly expected: ReturnType<typeof parseBzImage>;
  }[] = [
    {
      name: 'a kernel of today',
      bytes: fakeKernel(),
      expected: { version: VERSION, is64Bit: true, hasEfiStub: true },
    },
    {
      name: 'without a UEFI stub',
      bytes: fakeKernel(VERSION, { efiStub: false }),
      expected: { version: VERSION, is64Bit: true, hasEfiStub: false },
    },
    {
      name: 'for 32 bits',
      bytes: fakeKernel(VERSION, { flags: 0x7e }),
      expected: { version: VERSION, is64Bit: false, hasEfiStub: true },
    },
    {
      name: 'version alone',
      bytes: fakeKernel(VERSION, { text: '5.15.0\0' }),
      expected: { version: '5.15.0', is64Bit: true, hasEfiStub: true },
    },
    {
      name: 'version that does not end',
      bytes: fakeKernel(VERSION, { text: '6'.repeat(400) }),
      expected: { version: undefined, is64Bit: true, hasEfiStub: true },
    },
    {
      name: 'version beyond the setup code',
      bytes: with16(fakeKernel(), 0x20e, 0x2000),
      expected: { version: undefined, is64Bit: true, hasEfiStub: true },
    },
    {
      name: 'no version',
      bytes: with16(fakeKernel(), 0x20e, 0),
      expected: { version: undefined, is64Bit: true, hasEfiStub: true },
    },
    {
      name: 'protocol too old for both',
      bytes: with16(fakeKernel(), 0x206, 0x0107),
      expected: { version: undefined, is64Bit: false, hasEfiStub: true },
    },
    { name: 'no kernel', bytes: new Uint8Array(16384), expected: undefined },
    { name: 'cut off', bytes: fakeKernel().subarray(0, 0x230), expected: undefined },
    { name: 'nothing', bytes: new Uint8Array(), expected: undefined },
  ];
  for (const { name, bytes, expected } of CASES) {
    test(name, () => assert.deepEqual(parseBzImage(bytes), expected));
  }
});

describe('the kernels of a tree', () => {
  const kernel = (version?: string) => makeFile(fakeKernel(version));
  const CASES: readonly {
    readonly name: string;
    readonly make: (root: Directory) => void;
    /** Version, image and modules' folder. */
    readonly kernels: readonly (readonly [string, string, string | undefined])[];
  }[] = [
    { name: 'none', make: () => {}, kernels: [] },
    { name: 'modules alone', make: (root) => addModules(root), kernels: [] },
    {
      name: 'Debian: in /boot, modules in /usr/lib by a link',
      make(root) {
        place(root, '/boot/vmlinuz-6.1.0-amd64', kernel('6.1.0-amd64'));
        addModules(root, '6.1.0-amd64');
        place(root, '/lib', makeSymlink('usr/lib'));
      },
      kernels: [['6.1.0-amd64', '/boot/vmlinuz-6.1.0-amd64', '/usr/lib/modules/6.1.0-amd64']],
    },
    {
      name: 'without merged /usr',
      make(root) {
        place(root, '/boot/vmlinuz-6.1.0', kernel('6.1.0'));
        place(root, '/lib/modules/6.1.0/modules.dep', makeFile(''));
      },
      kernels: [['6.1.0', '/boot/vmlinuz-6.1.0', '/lib/modules/6.1.0']],
    },
    {
      name: 'Fedora: beside its modules, and in /boot under two more names',
      make(root) {
        addModules(root, '6.9.1-200.fc40.x86_64');
        place(root, '/usr/lib/modules/6.9.1-200.fc40.x86_64/vmlinuz', kernel('6.9.1-200.fc40.x86_64'));
        place(root, '/boot/vmlinuz-6.9.1-200.fc40.x86_64', kernel('6.9.1-200.fc40.x86_64'));
        place(root, '/boot/vmlinuz-0-rescue-abc', kernel('6.9.1-200.fc40.x86_64'));
      },
      kernels: [
        ['6.9.1-200.fc40.x86_64', '/boot/vmlinuz-0-rescue-abc', '/usr/lib/modules/6.9.1-200.fc40.x86_64'],
      ],
    },
    {
      name: 'Alpine: the name is a flavour, the version is in the header',
      make(root) {
        place(root, '/boot/vmlinuz-lts', kernel('6.6.31-0-lts'));
        place(root, '/lib/modules/6.6.31-0-lts/modules.dep', makeFile(''));
      },
      kernels: [['6.6.31-0-lts', '/boot/vmlinuz-lts', '/lib/modules/6.6.31-0-lts']],
    },
    {
      name: 'two of them, and links to them',
      make(root) {
        place(root, '/boot/vmlinuz-6.1.0', kernel('6.1.0'));
        place(root, '/boot/vmlinuz-6.12.0', kernel('6.12.0'));
        place(root, '/boot/vmlinuz', makeSymlink('vmlinuz-6.12.0'));
        place(root, '/boot/vmlinuz.old', makeSymlink('vmlinuz-6.1.0'));
      },
      kernels: [
        ['6.1.0', '/boot/vmlinuz-6.1.0', undefined],
        ['6.12.0', '/boot/vmlinuz-6.12.0', undefined],
      ],
    },
    {
      name: 'no x86 kernel: known by its name, or by the only modules there are',
      make(root) {
        place(root, '/boot/Image-6.6.1', makeFile('arm64 image'));
        place(root, '/boot/Image', makeFile('arm64 image'));
        place(root, '/usr/lib/modules/6.8.0/modules.dep', makeFile(''));
      },
      kernels: [
        ['6.6.1', '/boot/Image-6.6.1', undefined],
        ['6.8.0', '/boot/Image', '/usr/lib/modules/6.8.0'],
      ],
    },
    {
      name: 'links to nowhere, empty files and folders do not count',
      make(root) {
        place(root, '/boot/vmlinuz-6.1.0', makeSymlink('gone'));
        place(root, '/boot/vmlinuz-6.2.0', makeFile(''));
        place(root, '/boot/vmlinuz-6.3.0', makeDirectory());
        place(root, '/boot/vmlinuz-6.4.0-é', makeFile('not ASCII'));
      },
      kernels: [],
    },
  ];
  for (const { name, make, kernels } of CASES) {
    test(name, async () => {
      const root = makeDirectory();
      make(root);
      const found = await findKernels(root);
      assert.deepEqual(
        found.map(({ version, image, modules }) => [version, image, modules]),
        kernels,
      );
    });
  }
});

function with16(bytes: Uint8Array, offset: number, value: number): Uint8Array {
  new DataView(bytes.buffer).setUint16(offset, value, true);
  return bytes;
}
