import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { type ByteSource, memorySource, readAll, readExactly, sliceSource, viewOf } from '@cairn/bytes';
import { assembleUki, parsePe, readUki, type UkiSection } from '../src/index.ts';
import { makeStub } from './pe-stub.ts';
import { fileSource, patternSource, scratchFolder, tool, writeImage } from './scratch.ts';

/** From Debian's package systemd-boot-efi, which the project's setup installs. */
const STUB = '/usr/lib/systemd/boot/efi/linuxx64.efi.stub';

function text(value: string): Uint8Array {
  return new TextEncoder().encode(value);
}

interface ListedSection {
  readonly name: string;
  readonly size: number;
  readonly address: number;
  readonly offset: number;
  readonly flags: string;
}

/** What objdump makes of an image's section headers. */
function listSections(path: string): ListedSection[] {
  const rows = tool('objdump', ['--section-headers', path]).matchAll(
    /^ +\d+ (\S+) +(\S+) +(\S+) +\S+ +(\S+) +\S+\n +(.*)$/gm,
  );
  return [...rows].map(([, name = '', size = '', address = '', offset = '', flags = '']) => ({
    name,
    size: Number.parseInt(size, 16),
    address: Number.parseInt(address, 16),
    offset: Number.parseInt(offset, 16),
    flags,
  }));
}

const SECTIONS: readonly UkiSection[] = [
  { name: '.osrel', content: text('ID=debian\n') },
  { name: '.linux', content: [patternSource(100_000, 7)] },
  { name: '.cmdline', content: text('quiet') },
  { name: '.uname', content: text('6.12.0') },
  { name: '.initrd', content: [patternSource(1_000_001, 1), patternSource(500, 2)] },
];

test('objdump sees the stub’s sections and ours, one after another', async (context) => {
  const path = join(scratchFolder(context), 'uki.efi');
  const stub = readFileSync(STUB);
  const uki = await assembleUki({ stub, sections: SECTIONS });
  await writeImage(path, 0, (target) => uki.write(target));
  const listed = listSections(path);
  const before = listSections(STUB);
  assert.deepEqual(listed.slice(0, before.length), before);
  const added = listed.slice(before.length);
  assert.deepEqual(
    added.map(({ name, size, flags }) => [name, size, flags]),
    [
      ['.osrel', 10, 'CONTENTS, ALLOC, LOAD, READONLY, DATA'],
      ['.cmdline', 5, 'CONTENTS, ALLOC, LOAD, READONLY, DATA'],
      ['.uname', 6, 'CONTENTS, ALLOC, LOAD, READONLY, DATA'],
      ['.initrd', 1_000_004 + 500, 'CONTENTS, ALLOC, LOAD, READONLY, DATA'],
      ['.linux', 100_000, 'CONTENTS, ALLOC, LOAD, READONLY, CODE'],
    ],
  );
  const bytes = readFileSync(path);
  assert.equal(bytes.length, uki.size);
  for (const { name, offset, size } of added.slice(0, 3)) {
    const wanted = SECTIONS.find((section) => section.name === name)?.content;
    assert.deepEqual(new Uint8Array(bytes.subarray(offset, offset + size)), wanted);
  }
  checkLayout(bytes);
});

/** What the PE format asks of addresses, offsets and sums, for the sections that were added as for the stub's. */
function checkLayout(bytes: Uint8Array): void {
  const image = parsePe(bytes);
  const { sections, sectionAlignment, fileAlignment } = image;
  const added = sections.slice(-SECTIONS.length);
  let address = Math.max(
    ...sections.slice(0, -SECTIONS.length).map((row) => row.virtualAddress + row.virtualSize),
  );
  let offset = Math.max(...sections.slice(0, -SECTIONS.length).map((row) => row.rawOffset + row.rawSize));
  for (const section of added) {
    assert.equal(section.virtualAddress % sectionAlignment, 0);
    assert.equal(section.rawOffset % fileAlignment, 0);
    assert.equal(section.rawSize % fileAlignment, 0);
    assert.ok(section.virtualAddress >= address && section.virtualAddress < address + sectionAlignment);
    assert.equal(section.rawOffset, offset);
    address = section.virtualAddress + section.virtualSize;
    offset = section.rawOffset + section.rawSize;
  }
  assert.equal(offset, bytes.length);
  assert.ok(image.imageSize >= address && image.imageSize < address + sectionAlignment);
  assert.equal(image.imageSize % sectionAlignment, 0);
}

test('objcopy takes every section out again', async (context) => {
  const folder = scratchFolder(context);
  const path = join(folder, 'uki.efi');
  const uki = await assembleUki({ stub: readFileSync(STUB), sections: SECTIONS });
  await writeImage(path, 0, (target) => uki.write(target));
  const out = join(folder, 'initrd');
  tool('objcopy', ['--dump-section', `.initrd=${out}`, path, join(folder, 'copy.efi')]);
  const expected = Buffer.concat([
    await readExactly(patternSource(1_000_001, 1), 0, 1_000_001),
    Buffer.alloc(3),
    await readExactly(patternSource(500, 2), 0, 500),
  ]);
  assert.deepEqual(readFileSync(out), expected);
});

test('readUki gives the sections back; the same input gives the same bytes', async (context) => {
  const path = join(scratchFolder(context), 'uki.efi');
  const request = { stub: readFileSync(STUB), sections: SECTIONS };
  const uki = await assembleUki(request);
  await writeImage(path, 0, (target) => uki.write(target));
  await using file = await fileSource(path);
  const { machine, sections } = await readUki(file);
  assert.equal(machine, 'x86-64');
  const cmdline = sections.find((section) => section.name === '.cmdline');
  assert.ok(cmdline);
  assert.deepEqual(await readAll(sliceSource(file, cmdline.offset, cmdline.size), 100), text('quiet'));
  const again = await assembleUki(request);
  assert.deepEqual(await readAll(again, 1 << 22), await readAll(file, 1 << 22));
});

test('the kernel is last, with the memory that its own headers ask for', async () => {
  const kernel = makeStub({ imageSize: 0x5000 });
  const image = await assembledHeaders([
    { name: '.linux', content: kernel },
    { name: '.cmdline', content: text('x') },
  ]);
  const linux = image.sections.at(-1);
  assert.equal(linux?.name, '.linux');
  assert.equal(linux?.virtualSize, 0x5000);
  assert.equal(linux?.rawSize, kernel.length);
  assert.equal(image.imageSize, (linux?.virtualAddress ?? 0) + 0x5000);
});

test('an initrd of 3 GiB is never held', async () => {
  const huge: ByteSource = patternSource(3 * 2 ** 30);
  const uki = await assembleUki({
    stub: makeStub(),
    sections: [
      { name: '.initrd', content: [huge] },
      { name: '.linux', content: text('kernel') },
    ],
  });
  const { sections } = await readUki(uki);
  assert.deepEqual(
    sections.slice(-2).map((section) => [section.name, section.size]),
    [
      ['.initrd', 3 * 2 ** 30],
      ['.linux', 6],
    ],
  );
  const at = sections.at(-2)?.offset ?? 0;
  assert.deepEqual(await readExactly(uki, at + 2 ** 31, 8), await readExactly(huge, 2 ** 31, 8));
});

test('an arm64 stub makes an arm64 UKI', async () => {
  const uki = await assembleUki({ stub: makeStub({ machine: 0xaa64 }), sections: [KERNEL] });
  assert.equal((await readUki(uki)).machine, 'arm64');
});

const KERNEL: UkiSection = { name: '.linux', content: text('kernel') };

async function assembledHeaders(sections: readonly UkiSection[]): Promise<ReturnType<typeof parsePe>> {
  const uki = await assembleUki({ stub: makeStub(), sections });
  return parsePe(await readAll(uki, 1 << 20));
}

const refused: readonly {
  readonly name: string;
  readonly stub?: Uint8Array;
  readonly sections: readonly UkiSection[];
  readonly code: string;
}[] = [
  { name: 'no kernel', sections: [], code: 'uki-invalid-request' },
  { name: 'a section twice', sections: [KERNEL, KERNEL], code: 'uki-invalid-request' },
  {
    name: 'a section of the stub',
    sections: [KERNEL, { name: '.text', content: text('') }],
    code: 'uki-invalid-request',
  },
  {
    name: 'a long name',
    sections: [KERNEL, { name: '.toolongs', content: text('') }],
    code: 'uki-invalid-request',
  },
  {
    name: 'a name without dot',
    sections: [KERNEL, { name: 'x', content: text('') }],
    code: 'uki-invalid-request',
  },
  {
    name: 'a signed stub',
    stub: makeStub({ signed: true }),
    sections: [KERNEL],
    code: 'uki-invalid-request',
  },
  {
    name: 'a kernel for another machine',
    sections: [{ name: '.linux', content: makeStub({ machine: 0xaa64 }) }],
    code: 'uki-invalid-request',
  },
  {
    name: 'over 4 GiB',
    sections: [KERNEL, { name: '.initrd', content: [patternSource(2 ** 32)] }],
    code: 'uki-invalid-request',
  },
  {
    name: 'a stub for another subsystem',
    stub: makeStub({ subsystem: 3 }),
    sections: [KERNEL],
    code: 'pe-malformed',
  },
  { name: 'a stub that is none', stub: text('#!/bin/sh\n'), sections: [KERNEL], code: 'pe-malformed' },
  {
    name: 'more sections than there is room for',
    sections: [KERNEL, ...Array.from({ length: 15 }, () => ({ name: '.dtb', content: text('x') }))],
    code: 'pe-no-header-room',
  },
];

for (const { name, stub, sections, code } of refused) {
  test(`refused: ${name}`, async () => {
    await assert.rejects(assembleUki({ stub: stub ?? makeStub(), sections }), { name: 'DiskError', code });
  });
}

test('a section of the stub that has memory but no bytes takes no place in the file', async () => {
  const stub = makeStub();
  const sbat = viewOf(stub.subarray(368, 408));
  sbat.setUint32(16, 0, true);
  sbat.setUint32(20, 2 ** 31, true);
  const { sections } = await readUki(await assembleUki({ stub, sections: [KERNEL] }));
  assert.deepEqual(sections.at(-1), { name: '.linux', offset: 1536, size: 6 });
});

test('several device trees are allowed', async () => {
  const dtb = { name: '.dtb', content: text('x') };
  const image = await assembledHeaders([dtb, KERNEL, dtb]);
  assert.deepEqual(
    image.sections.slice(-3).map((section) => section.name),
    ['.dtb', '.dtb', '.linux'],
  );
});

const damages: readonly {
  readonly name: string;
  readonly change: (view: DataView) => void;
  readonly message: RegExp;
}[] = [
  { name: 'the DOS magic', change: (view) => view.setUint8(0, 0), message: /"MZ"/ },
  {
    name: 'the PE offset',
    change: (view) => view.setUint32(60, 0xfffffff0, true),
    message: /outside of the file/,
  },
  { name: 'the PE signature', change: (view) => view.setUint8(64, 0), message: /no PE signature at 64/ },
  { name: 'the machine', change: (view) => view.setUint16(68, 0x14c, true), message: /machine 0x14c/ },
  {
    name: 'the number of sections',
    change: (view) => view.setUint16(70, 0xffff, true),
    message: /65535 sections/,
  },
  { name: 'the optional header’s size', change: (view) => view.setUint16(84, 20, true), message: /cut off/ },
  { name: 'PE32', change: (view) => view.setUint16(88, 0x10b, true), message: /0x10b, not PE32\+/ },
  {
    name: 'the entry point',
    change: (view) => view.setUint32(88 + 16, 0x7fffffff, true),
    message: /entry point/,
  },
  {
    name: 'the alignment',
    change: (view) => view.setUint32(88 + 32, 0x1001, true),
    message: /not powers of two/,
  },
  {
    name: 'the file alignment',
    change: (view) => view.setUint32(88 + 36, 0, true),
    message: /not powers of two/,
  },
  {
    name: 'the headers’ size',
    change: (view) => view.setUint32(88 + 60, 2 ** 31, true),
    message: /cannot end at/,
  },
  {
    name: 'the data directories',
    change: (view) => view.setUint32(88 + 108, 99, true),
    message: /99 data directories/,
  },
  {
    name: 'a section’s bytes',
    change: (view) => view.setUint32(328 + 20, 2 ** 31, true),
    message: /".text" is outside of the file/,
  },
  {
    name: 'a section’s address',
    change: (view) => view.setUint32(328 + 12, 2 ** 31, true),
    message: /".text" is outside of the image/,
  },
];

for (const { name, change, message } of damages) {
  test(`parsePe finds damage: ${name}`, () => {
    const stub = makeStub();
    change(viewOf(stub));
    assert.throws(() => parsePe(stub), { name: 'DiskError', code: 'pe-malformed', message });
  });
}

test('parsePe of the start of a file takes the size of the whole', async () => {
  const stub = makeStub();
  const head = stub.subarray(0, 1024);
  assert.throws(() => parsePe(head), { code: 'pe-malformed' });
  assert.deepEqual(parsePe(head, { fileSize: stub.length }), parsePe(stub));
  await assert.rejects(readUki(memorySource(new Uint8Array())), { code: 'pe-malformed' });
});
