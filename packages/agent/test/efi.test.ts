import assert from 'node:assert/strict';
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { suite, test } from 'node:test';
import { HostError } from '@cairn/host';
import { fakeHost } from '@cairn/testkit';
import fc from 'fast-check';
import { addBootOption } from '../src/efi/boot-option.ts';
import {
  encodeBootOrder,
  encodeLoadOption,
  freeNumber,
  type LoadOption,
  optionName,
  optionNumber,
  parseBootOrder,
  parseLoadOption,
} from '../src/efi/load-option.ts';
import {
  decodeText,
  EFI_GLOBAL,
  EFI_VARIABLES,
  encodeText,
  encodeVariable,
  KEPT,
  parseVariable,
} from '../src/efi/variable.ts';

const OPTION: LoadOption = {
  active: true,
  description: 'Cairn',
  partition: { number: 1, start: 2048, size: 2097152, uuid: '01234567-89ab-cdef-0123-456789abcdef' },
  file: '/EFI/x.efi',
};

suite('a boot option', () => {
  test('is, byte for byte, what UEFI 2.10 has in 3.1.3, 10.3.5.1, 10.3.5.4 and 10.3.1', () => {
    const expected = [
      '01000000', // Attributes: LOAD_OPTION_ACTIVE
      '4800', // FilePathListLength: 42 + 26 + 4
      '43006100690072006e000000', // Description
      '04012a00', // Media, Hard Drive, 42 bytes
      '01000000', // Partition Number
      '0008000000000000', // Partition Start
      '0000200000000000', // Partition Size
      '67452301ab89efcd0123456789abcdef', // Partition Signature: a GUID
      '0202', // GPT, GUID
      '04041a00', // Media, File Path, 26 bytes
      '5c004500460049005c0078002e006500660069000000', // \EFI\x.efi
      '7fff0400', // the end
    ].join('');
    assert.equal(Buffer.from(encodeLoadOption(OPTION)).toString('hex'), expected);
  });

  test('is read as it was written', () => {
    const text = fc.stringMatching(/^[^\0/\\\ud800-\udfff]{0,40}$/u);
    const option = fc.record({
      active: fc.boolean(),
      description: text,
      partition: fc.record({
        number: fc.nat(0xffff),
        start: fc.maxSafeNat(),
        size: fc.maxSafeNat(),
        uuid: fc.uuid(),
      }),
      file: text.map((name) => `/${name}`),
    });
    fc.assert(
      fc.property(option, ({ partition, ...rest }) => {
        const each: LoadOption = { ...rest, partition: { ...partition } };
        assert.deepEqual(parseLoadOption(encodeLoadOption(each)), each);
      }),
    );
  });

  test('of something else, or cut anywhere, is none, and nothing worse', () => {
    const bytes = encodeLoadOption(OPTION);
    for (let length = 0; length < bytes.length; length++) {
      assert.equal(parseLoadOption(bytes.subarray(0, length)), undefined, `${length} bytes`);
    }
    fc.assert(fc.property(fc.uint8Array({ maxLength: 200 }), (any) => void parseLoadOption(any)));
  });

  test('has a name of four hexadecimal digits', () => {
    assert.equal(optionName(0x2a), 'Boot002A');
    assert.equal(optionNumber('Boot002A'), 42);
    for (const name of ['BootOrder', 'BootCurrent', 'Boot00', 'Boot00001', 'BootNext'])
      assert.equal(optionNumber(name), undefined);
    assert.equal(freeNumber(new Set([0, 1, 3])), 2);
    assert.throws(() => freeNumber(new Set(Array.from({ length: 0x10000 }, (_, n) => n))), /no room/);
  });

  test('order: numbers of 16 bits', () => {
    const order = fc.array(fc.nat(0xffff));
    fc.assert(fc.property(order, (each) => assert.deepEqual(parseBootOrder(encodeBootOrder(each)), each)));
    assert.deepEqual([...encodeBootOrder([1, 0x0203])], [1, 0, 3, 2]);
  });
});

suite('a variable', () => {
  test('has its attributes before it', () => {
    assert.deepEqual([...encodeVariable({ attributes: KEPT, data: Uint8Array.of(9) })], [7, 0, 0, 0, 9]);
    const bytes = fc.uint8Array({ minLength: 4 });
    fc.assert(
      fc.property(bytes, (each) => {
        const variable = parseVariable(each);
        assert.deepEqual(variable && encodeVariable(variable), each);
      }),
    );
    assert.equal(parseVariable(new Uint8Array(3)), undefined);
  });

  test('text is UTF-16 with a NUL', () => {
    assert.deepEqual([...encodeText('aé')], [0x61, 0, 0xe9, 0, 0, 0]);
    assert.equal(decodeText(encodeText('cairn-recovery.conf')), 'cairn-recovery.conf');
    assert.equal(decodeText(new Uint8Array()), '');
  });
});

suite('what the firmware boots first', () => {
  const OLD = '11111111-2222-3333-4444-555555555555';
  const old: LoadOption = { ...OPTION, partition: { ...OPTION.partition, uuid: OLD } };
  const other: LoadOption = { ...OPTION, description: 'Linux' };

  function machine(
    variables: Readonly<Record<string, Uint8Array>>,
    options: { readonly efi?: boolean } = {},
  ) {
    const root = mkdtempSync(join(tmpdir(), 'cairn-efi-'));
    process.once('exit', () => rmSync(root, { recursive: true, force: true }));
    mkdirSync(join(root, 'proc/self'), { recursive: true });
    writeFileSync(join(root, 'proc/self/mountinfo'), '');
    if (options.efi !== false) mkdirSync(join(root, EFI_VARIABLES), { recursive: true });
    for (const [name, data] of Object.entries(variables)) {
      writeFileSync(
        join(root, EFI_VARIABLES, `${name}-${EFI_GLOBAL}`),
        encodeVariable({ attributes: KEPT, data }),
      );
    }
    return root;
  }
  const PROGRAMS = { mount: () => ({}), '/usr/lib/cairn/lib/ld-linux-x86-64.so.2': () => ({}) };
  const read = (root: string, name: string) =>
    parseVariable(readFileSync(join(root, EFI_VARIABLES, `${name}-${EFI_GLOBAL}`)));

  test('is the new option, then what was first before', async () => {
    const root = machine({
      Boot0000: Uint8Array.of(1, 0, 0, 0, 0, 0, 0, 0),
      Boot0001: encodeLoadOption(other),
      BootOrder: encodeBootOrder([1, 0]),
      BootCurrent: Uint8Array.of(1, 0),
    });
    const host = fakeHost({ root, programs: PROGRAMS });
    assert.equal(await addBootOption(host, OPTION, new Set()), 'Boot0002');
    assert.deepEqual(parseLoadOption(read(root, 'Boot0002')?.data ?? new Uint8Array()), OPTION);
    assert.equal(read(root, 'Boot0002')?.attributes, 7);
    assert.deepEqual(parseBootOrder(read(root, 'BootOrder')?.data ?? new Uint8Array()), [2, 1, 0]);
    assert.deepEqual(host.runs[0]?.slice(0, 3), ['mount', '-t', 'efivarfs']);
  });

  test('options of partitions that are no more go', async () => {
    const root = machine({
      Boot0000: encodeLoadOption(old),
      Boot0001: encodeLoadOption(other),
      BootOrder: encodeBootOrder([0, 1]),
    });
    await addBootOption(fakeHost({ root, programs: PROGRAMS }), OPTION, new Set([OLD]));
    assert.deepEqual(parseBootOrder(read(root, 'BootOrder')?.data ?? new Uint8Array()), [2, 1]);
    assert.ok(!existsSync(join(root, EFI_VARIABLES, `Boot0000-${EFI_GLOBAL}`)));
  });

  test('a firmware without variables gets its first ones', async () => {
    const root = machine({});
    assert.equal(await addBootOption(fakeHost({ root, programs: PROGRAMS }), OPTION, new Set()), 'Boot0000');
    assert.equal(readdirSync(join(root, EFI_VARIABLES)).length, 2);
  });

  test('a machine without UEFI, and firmware that takes nothing, are told of', async () => {
    await assert.rejects(
      addBootOption(fakeHost({ root: machine({}, { efi: false }), programs: PROGRAMS }), OPTION, new Set()),
      {
        code: 'no-efi',
      },
    );
    const fault = (operation: string, path: string) =>
      operation === 'open' && path.includes('Boot0')
        ? new HostError('no-space', `cannot open ${path}`)
        : undefined;
    const host = fakeHost({ root: machine({}), programs: PROGRAMS, fault });
    await assert.rejects(addBootOption(host, OPTION, new Set()), { code: 'no-space' });
  });
});
