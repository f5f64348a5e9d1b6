import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { type Directory, ensureDirectory, lookupDirectory, makeFile, place } from '@cairn/tree';
import {
  type BootRequest,
  inspectTree,
  ReleaseError,
  type ReleaseErrorCode,
  requireBootable,
} from '../src/index.ts';
import {
  addKernel,
  addModules,
  fakeKernel,
  fakeProgram,
  MODULE_TEXTS,
  sampleTree,
  VERSION,
} from './sample.ts';

const FOLDER = `/usr/lib/modules/${VERSION}`;

async function check(root: Directory, request: Partial<BootRequest> = {}) {
  return requireBootable(root, await inspectTree(root), { architecture: 'amd64', ...request });
}

function remove(root: Directory, folder: string, name: string): void {
  assert.ok(lookupDirectory(root, folder)?.entries.delete(name), `${folder}/${name} is there to be removed`);
}

function setKernel(root: Directory, kernel: Uint8Array): void {
  place(root, `/boot/vmlinuz-${VERSION}`, makeFile(kernel));
}

test('a system that is whole', async () => {
  const { init, kernel, architecture } = await check(sampleTree());
  assert.equal(architecture, 'amd64');
  assert.equal(init.program, '/usr/lib/systemd/systemd');
  assert.equal(kernel.version, VERSION);
  assert.equal(kernel.modules, FOLDER);
  assert.ok(kernel.index.modules.has('erofs'));
});

describe('one thing is wrong', () => {
  const CASES: readonly {
    readonly name: string;
    readonly spoil: (root: Directory) => void;
    readonly request?: Partial<BootRequest>;
    readonly code: ReleaseErrorCode;
    readonly message: RegExp;
    readonly hint: RegExp;
  }[] = [
    {
      name: 'no kernel and no modules',
      spoil(root) {
        remove(root, '/boot', `vmlinuz-${VERSION}`);
        remove(root, '/usr/lib', 'modules');
      },
      code: 'no-kernel',
      message: /^the image has no kernel in \/boot or \/usr\/lib\/modules$/,
      hint: /--kernel IMAGE/,
    },
    {
      name: 'modules without their kernel',
      spoil: (root) => remove(root, '/boot', `vmlinuz-${VERSION}`),
      code: 'no-kernel',
      message: /only modules of 6\.12\.9-test-amd64$/,
      hint: /--kernel IMAGE/,
    },
    {
      name: 'another kernel than the one asked for',
      spoil: () => {},
      request: { kernelVersion: '6.1.0' },
      code: 'no-kernel',
      message: /^the image has no kernel 6\.1\.0$/,
      hint: /^It has 6\.12\.9-test-amd64\.$/,
    },
    {
      name: 'two kernels',
      spoil: (root) => addKernel(root, '6.1.0'),
      code: 'several-kernels',
      message: /2 kernels: 6\.1\.0, 6\.12\.9-test-amd64$/,
      hint: /--kernel-version VERSION/,
    },
    {
      name: 'kernel without modules',
      spoil: (root) => remove(root, '/usr/lib', 'modules'),
      code: 'no-modules',
      message: /vmlinuz-6\.12\.9-test-amd64 has no modules in \/usr\/lib\/modules\/6\.12\.9-test-amd64$/,
      hint: /--kernel IMAGE/,
    },
    {
      name: 'modules of another kernel',
      spoil(root) {
        remove(root, '/usr/lib', 'modules');
        addModules(root, '6.1.0');
      },
      code: 'no-modules',
      message: /; there are modules of 6\.1\.0$/,
      hint: /--kernel IMAGE/,
    },
    {
      name: 'modules without modules.dep.bin',
      spoil: (root) => remove(root, FOLDER, 'modules.dep.bin'),
      code: 'no-modules',
      message: /has no modules\.dep\.bin/,
      hint: /depmod/,
    },
    {
      name: 'modules without modules.dep',
      spoil: (root) => remove(root, FOLDER, 'modules.dep'),
      code: 'no-modules',
      message: /has no modules\.dep:/,
      hint: /depmod/,
    },
    {
      name: 'no init',
      spoil(root) {
        remove(root, '/usr/sbin', 'init');
        remove(root, '/usr/lib/systemd', 'systemd');
      },
      code: 'no-init',
      message: /no init/,
      hint: /systemd-sysv/,
    },
    {
      name: 'an image for another architecture',
      spoil(root) {
        place(root, '/usr/lib/systemd/systemd', makeFile(fakeProgram(183), { mode: 0o755 }));
      },
      code: 'wrong-architecture',
      message: /^the image is for arm64, asked for is amd64$/,
      hint: /amd64/,
    },
    {
      name: 'a kernel that is too old',
      spoil(root) {
        remove(root, '/boot', `vmlinuz-${VERSION}`);
        remove(root, '/usr/lib', 'modules');
        addKernel(root, '5.10.0-30-amd64');
      },
      code: 'kernel-unfit',
      message: /5\.10\.0-30-amd64 is too old: it takes 5\.15 or newer/,
      hint: /--kernel IMAGE/,
    },
    {
      name: 'a kernel for another architecture',
      spoil: (root) => setKernel(root, new Uint8Array(8192)),
      code: 'kernel-unfit',
      message: /is not a kernel for x86$/,
      hint: /--kernel IMAGE/,
    },
    {
      name: 'a kernel for 32 bits',
      spoil: (root) => setKernel(root, fakeKernel(VERSION, { flags: 0 })),
      code: 'kernel-unfit',
      message: /for 32 bits$/,
      hint: /--kernel IMAGE/,
    },
    {
      name: 'a kernel that UEFI cannot start',
      spoil: (root) => setKernel(root, fakeKernel(VERSION, { efiStub: false })),
      code: 'kernel-unfit',
      message: /CONFIG_EFI_STUB/,
      hint: /--kernel IMAGE/,
    },
    {
      name: 'a kernel without what a verified root takes',
      spoil(root) {
        const dep = MODULE_TEXTS['modules.dep'].replace(/^.*erofs.*\n/, '');
        place(root, `${FOLDER}/modules.dep`, makeFile(dep));
        place(root, `${FOLDER}/modules.builtin`, makeFile(''));
      },
      code: 'kernel-unfit',
      message: /has no erofs and no overlay, neither built in nor as a module$/,
      hint: /--kernel IMAGE/,
    },
  ];
  for (const { name, spoil, request, code, message, hint } of CASES) {
    test(name, async () => {
      const root = sampleTree();
      spoil(root);
      await assert.rejects(check(root, request), (error) => {
        assert.ok(error instanceof ReleaseError);
        assert.equal(error.code, code);
        assert.match(error.message, message);
        assert.match(error.hint ?? '', hint);
        assert.doesNotMatch(error.message, /\n/);
        return true;
      });
    });
  }
});

describe('nothing is wrong', () => {
  test('one of two kernels was named', async () => {
    const root = sampleTree();
    addKernel(root, '6.1.0');
    assert.equal((await check(root, { kernelVersion: '6.1.0' })).kernel.version, '6.1.0');
  });

  for (const version of ['5.15.0', '5.100.0', '6.1.0', '10.0.0', 'next-20260101']) {
    test(`kernel ${version} is new enough`, async () => {
      const root = sampleTree();
      ensureDirectory(root, '/boot').entries.clear();
      addKernel(root, version);
      assert.equal((await check(root)).kernel.version, version);
    });
  }

  test('everything built in', async () => {
    const root = sampleTree();
    place(root, `${FOLDER}/modules.dep`, makeFile(''));
    place(
      root,
      `${FOLDER}/modules.builtin`,
      makeFile('kernel/fs/erofs/erofs.ko\nkernel/drivers/md/dm-verity.ko\nkernel/fs/overlayfs/overlay.ko\n'),
    );
    assert.equal((await check(root)).kernel.version, VERSION);
  });
});
