import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { suite, test } from 'node:test';
import { viewOf } from '@cairn/bytes';
import { parseElf } from '../src/elf.ts';
import { FrameworkError } from '../src/error.ts';
import { type ElfSample, makeElf } from './elf-file.ts';
import { scratch } from './machine.ts';
import { readelf } from './readelf.ts';

suite('a made-up file', () => {
  const samples: readonly (readonly [name: string, sample: ElfSample])[] = [
    ['a program', { interpreter: '/lib64/ld-linux-x86-64.so.2', needed: ['libc.so.6', 'libm.so.6'] }],
    ['a library', { needed: ['libc.so.6'] }],
    ['a static program', {}],
    ['a static one with a loader', { interpreter: '/lib/ld.so' }],
  ];
  for (const [name, sample] of samples) {
    test(`${name} reads as it was made, and as readelf reads it`, () => {
      using folder = scratch();
      const path = join(folder.path, 'elf');
      writeFileSync(path, makeElf(sample));
      const ours = parseElf(makeElf(sample), name);
      assert.deepEqual(ours, { interpreter: sample.interpreter, needed: sample.needed ?? [] });
      assert.deepEqual(ours, readelf(path));
    });
  }

  test('what lies behind the end of the dynamic section does not count', () => {
    const bytes = makeElf({ needed: ['libc.so.6', 'libgone.so'] });
    // The entry of the second name becomes one that ends the section.
    viewOf(bytes).setBigUint64(bytes.length - 2 * 16, 0n, true);
    using folder = scratch();
    writeFileSync(join(folder.path, 'elf'), bytes);
    assert.deepEqual(parseElf(bytes, 'x').needed, ['libc.so.6']);
    assert.deepEqual(readelf(join(folder.path, 'elf')).needed, ['libc.so.6']);
  });
});

suite('what is no such file is refused', () => {
  const good = makeElf({ interpreter: '/lib64/ld.so', needed: ['libc.so.6', 'libm.so.6'] });
  function changed(change: (view: DataView) => void, base = good): Uint8Array {
    const bytes = base.slice();
    change(viewOf(bytes));
    return bytes;
  }
  /** Of the table of names, its size, two names, the end. */
  const dynamicEntry = (index: number) => good.length - (5 - index) * 16;
  const cases: readonly (readonly [name: string, bytes: Uint8Array, message: RegExp])[] = [
    ['nothing', new Uint8Array(), /not a 64-bit/],
    ['a script', new TextEncoder().encode('#!/bin/sh\n'), /not a 64-bit/],
    ['a 32-bit file', changed((view) => view.setUint8(4, 1)), /not a 64-bit/],
    ['a big-endian file', changed((view) => view.setUint8(5, 2)), /not a 64-bit/],
    ['only the magic', good.slice(0, 8), /not a whole/],
    [
      'program headers outside of it',
      changed((view) => view.setBigUint64(32, 2n ** 63n, true)),
      /not a whole/,
    ],
    ['program headers of no size', changed((view) => view.setUint16(54, 0, true)), /too small/],
    ['more program headers than fit', changed((view) => view.setUint16(56, 0xffff, true)), /not a whole/],
    ['a cut dynamic section', good.slice(0, -24), /not a whole/],
    [
      'names at no address',
      changed((view) => view.setBigUint64(dynamicEntry(0) + 8, 1n, true)),
      /in no segment/,
    ],
    [
      'a name outside',
      changed((view) => view.setBigUint64(dynamicEntry(2) + 8, 2n ** 40n, true)),
      /does not end/,
    ],
    ['a name that is too long', makeElf({ needed: ['n'.repeat(5000)] }), /does not end/],
    [
      'more names than anyone needs',
      makeElf({ needed: Array.from({ length: 1025 }, () => 'x') }),
      /more than 1024/,
    ],
  ];
  for (const [name, bytes, message] of cases) {
    test(name, () => {
      assert.throws(
        () => parseElf(bytes, 'the file'),
        (error) => {
          assert.ok(error instanceof FrameworkError);
          assert.equal(error.code, 'bad-elf');
          assert.match(error.message, /^the file is not /);
          assert.match(error.message, message);
          return true;
        },
      );
    });
  }

  test('a section that claims to go on for ever ends with the file', () => {
    const start = performance.now();
    // The size of PT_DYNAMIC, the third segment; and its last entry, which ends it, becomes another.
    const endless = changed((view) => {
      view.setBigUint64(64 + 2 * 56 + 32, 2n ** 64n - 1n, true);
      view.setBigUint64(dynamicEntry(4), 0x1234n, true);
    });
    assert.throws(() => parseElf(endless, 'x'), { code: 'bad-elf' });
    assert.ok(performance.now() - start < 1000);
  });
});
