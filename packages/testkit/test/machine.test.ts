import assert from 'node:assert/strict';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { ACCELERATORS } from '../src/machine/accelerator.ts';
import { attachDisk, flipBit, flipDiskBit } from '../src/machine/disk.ts';
import { findFirmware } from '../src/machine/firmware.ts';
import { buildArguments, type MachineFiles, type MachineOptions } from '../src/machine/options.ts';
import { findProgram, runProgram } from '../src/machine/program.ts';
import { restoreMachine } from '../src/machine/snapshot.ts';
import { startMachine } from '../src/machine/start.ts';

const FILES: MachineFiles = {
  accelerator: ACCELERATORS.tcg,
  disks: [{ file: '/disks/a,b.qcow2', format: 'qcow2' }],
  firmware: { code: '/fw/code.fd', variables: '/vm/variables.fd' },
  consoleLog: '/vm/console.log',
  sockets: { console: '/vm/console', port: '/vm/port', monitor: '/vm/monitor' },
};

const ARGUMENTS: readonly { what: string; options: MachineOptions; has: string[]; hasNot?: string[] }[] = [
  {
    what: 'defaults',
    options: { boot: { kind: 'uefi' } },
    has: ['-m 1024', '-smp 2', '-accel tcg,thread=multi', '-nodefaults', 'unit=1,file=/vm/variables.fd'],
    hasNot: ['-nic', '-no-reboot', '-kernel'],
  },
  { what: 'a comma in a path', options: { boot: { kind: 'uefi' } }, has: ['file=/disks/a,,b.qcow2'] },
  {
    what: 'direct kernel boot',
    options: { boot: { kind: 'kernel', kernel: '/k', initrd: '/i', commandLine: 'console=ttyS0 quiet' } },
    has: ['-kernel /k', '-append console=ttyS0 quiet', '-initrd /i'],
  },
  {
    what: 'all that can be given',
    options: {
      boot: { kind: 'uefi' },
      memoryMiB: 512,
      cpus: 1,
      network: 'user',
      reboots: false,
      extraArguments: ['-device', 'i6300esb'],
    },
    has: ['-m 512', '-smp 1', '-nic user', '-no-reboot', '-device i6300esb'],
  },
];

for (const { what, options, has, hasNot = [] } of ARGUMENTS) {
  test(`QEMU's arguments: ${what}`, () => {
    const line = buildArguments(options, FILES).join(' ');
    for (const part of has) assert.ok(line.includes(part), `${part} in ${line}`);
    for (const part of hasNot) assert.ok(!line.includes(part), `no ${part} in ${line}`);
  });
}

describe('files', () => {
  let folder = '';
  let disk = '';
  before(async () => {
    folder = await mkdtemp(join(tmpdir(), 'cairn-files-'));
    disk = join(folder, 'disk.raw');
    await writeFile(disk, Buffer.alloc(1 << 20, 0x55));
  });
  after(() => rm(folder, { recursive: true }));

  test('one bit of a raw file is flipped, and flipped back', async () => {
    for (const byte of [0x45, 0x55]) {
      await flipBit(disk, 12_345, 4);
      assert.equal((await readFile(disk))[12_345], byte);
    }
  });

  test('a bit that is not there is refused', async () => {
    for (const [offset, bit] of [
      [1 << 20, 0],
      [-1, 0],
      [0, 8],
      [0, -1],
      [0.5, 0],
    ] as const) {
      await assert.rejects(flipBit(disk, offset, bit), { code: 'bad-option' });
    }
  });

  test('a bit of an overlay is flipped as the guest sees it, and the base stays', async () => {
    const overlay = await attachDisk({ path: disk, size: 4 << 20 }, join(folder, 'overlay.qcow2'));
    await flipDiskBit(overlay, { offset: 4097, bit: 7 });
    await flipDiskBit(overlay, { offset: 3 << 20, bit: 0 });
    const seen = join(folder, 'seen.raw');
    await runProgram('qemu-img', ['convert', '-O', 'raw', overlay.file, seen]);
    const expected = Buffer.alloc(4 << 20);
    expected.fill(0x55, 0, 1 << 20);
    expected[4097] = 0xd5;
    expected[3 << 20] = 1;
    assert.ok(expected.equals(await readFile(seen)));
    assert.ok(Buffer.alloc(1 << 20, 0x55).equals(await readFile(disk)));
  });

  test('an overlay that is there is used as it is', async () => {
    const first = await attachDisk({ path: disk }, join(folder, 'kept.qcow2'));
    await flipDiskBit(first, { offset: 0, bit: 0 });
    const bytes = await readFile(first.file);
    assert.deepEqual(await attachDisk({ path: disk }, join(folder, 'kept.qcow2')), first);
    assert.ok(bytes.equals(await readFile(first.file)));
  });

  test('options that cannot be are refused', async () => {
    await assert.rejects(attachDisk({ path: join(folder, 'none') }, ''), { code: 'bad-option' });
    await assert.rejects(attachDisk({ path: disk, access: 'direct', size: 1 }, ''), { code: 'bad-option' });
  });

  test('a missing program is said at once, with the package to install', async () => {
    assert.throws(() => findProgram('no-such-program'), { code: 'program-missing' });
    const path = process.env['PATH'];
    process.env['PATH'] = folder;
    try {
      const boot = { kind: 'kernel', kernel: disk, commandLine: '' } as const;
      await assert.rejects(startMachine({ boot, accelerator: ACCELERATORS.tcg }), {
        code: 'program-missing',
        hint: 'apt-get install qemu-system-x86',
      });
    } finally {
      process.env['PATH'] = path;
    }
  });

  test('missing firmware is said, with the package to install', async () => {
    const places = [{ code: join(folder, 'none'), variables: join(folder, 'none') }];
    await assert.rejects(findFirmware(places), { code: 'firmware-missing', hint: /apt-get install ovmf/ });
  });

  test('a program that fails is quoted', async () => {
    await assert.rejects(runProgram('qemu-img', ['info', join(folder, 'none')]), {
      code: 'program-failed',
      message: /No such file/,
    });
  });

  test('what is no saved machine is refused', async () => {
    await assert.rejects(restoreMachine(folder), {
      code: 'snapshot-unusable',
      message: /holds no saved machine/,
    });
    await writeFile(join(folder, 'machine.json'), '{"version":99}');
    await assert.rejects(restoreMachine(folder), { code: 'snapshot-unusable', message: /another version/ });
  });
});
