import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import fc from 'fast-check';
import { AgentError } from '../src/error.ts';
import { parseInstallConfig } from '../src/install/config.ts';

const MIB = 2 ** 20;
/** Each list has the one before ten times. */
const BOMB = Array.from(
  { length: 6 },
  (_, n) => `a${n}: &a${n} [${n === 0 ? 'x' : `*a${n - 1}`}${`, ${n === 0 ? 'x' : `*a${n - 1}`}`.repeat(9)}]`,
)
  .concat('install: *a5')
  .join('\n');
const parse = (text: string) => parseInstallConfig(new TextEncoder().encode(text), 'x.yaml');

suite('the key install of a configuration', () => {
  test('says what Kairos’s says', () => {
    const config = parse(`#cloud-config
hostname: node-{{ trunc 4 .MachineID }}
install:
  auto: true
  device: /dev/disk/by-id/ata-A
  reboot: true
  partitions:
    oem: { size: 512, fs: ext4 }
    persistent: { size: 0 }
  extra-partitions:
    - { name: data, size: 100, fs: ext4 }
    - { label: more, name: other, size: 200 }
  force: true
  bundles: []
`);
    assert.deepEqual(config, {
      auto: true,
      device: '/dev/disk/by-id/ata-A',
      afterwards: 'reboot',
      wishes: {
        oem: 512 * MIB,
        persistent: 0,
        extra: [
          { label: 'data', size: 100 * MIB },
          { label: 'more', size: 200 * MIB },
        ],
      },
      warnings: [
        'x.yaml:13:3: install.force: this has no effect: a disk that holds data is taken when it is named',
        'x.yaml:14:3: install.bundles: this has no effect: bundles are not installed yet',
      ],
    });
  });

  test('is written in Kairos’s other ways too', () => {
    const text =
      'install:\n  auto: yes\n  reboot: on\n  partitions.oem.size: 0x40\n  banana: 1\n  grub_options:\n';
    const { auto, afterwards, wishes, warnings } = parse(text);
    assert.deepEqual([auto, afterwards, wishes.oem], [true, 'reboot', 64 * MIB]);
    assert.deepEqual(warnings, ['x.yaml:5:3: install.banana: there is no key "banana"']);
  });

  for (const text of ['', '# nothing\n', 'install:\n', 'hostname: x\n', '{}']) {
    test(`is not there: ${JSON.stringify(text)}`, () => {
      const { auto, device, afterwards, warnings } = parse(text);
      assert.deepEqual(
        { auto, device, afterwards, warnings },
        {
          auto: false,
          device: undefined,
          afterwards: undefined,
          warnings: [],
        },
      );
    });
  }

  const REFUSED: Readonly<Record<string, RegExp>> = {
    'install: [': /x\.yaml:1:\d+: /,
    'install:\n  auto: yes please': /x\.yaml:2:9: install\.auto: "yes please" is neither true nor false/,
    'install: auto': /install: this is a text, and has to be a map/,
    '- install': /a configuration is a map of keys and values/,
    'install: { no-format: true }': /install.no-format cannot be followed: a disk is always partitioned anew/,
    'install: { no_format: true }': /install.no-format cannot be followed/,
    'install: { reboot: true, poweroff: true }': /both true/,
    'install: { device: [] }': /install\.device: this is a list, and has to be a text/,
    'install: { partitions: { oem: { size: 1.5 } } }':
      /install\.partitions\.oem\.size: "1\.5" is not a whole number/,
    'install: { partitions: { persistent: { fs: xfs } } }': /install.partitions.persistent.fs is "xfs"/,
    'install: { extra-partitions: { name: x } }':
      /install\.extra-partitions: this is a map, and has to be a list/,
    'install: { extra-partitions: [{ size: 5 }] }': /install\.extra-partitions\[0\]: name is missing/,
    'install: { encrypted_partitions: [COS_PERSISTENT] }': /not encrypted yet/,
    [BOMB]: /with its aliases it has more than 50000 values/,
  };
  for (const [text, message] of Object.entries(REFUSED)) {
    test(`is refused: ${JSON.stringify(text)}`, () => {
      assert.throws(() => parse(text), { name: 'AgentError', code: 'bad-request', message });
    });
  }

  test('whatever is written there, it is understood or refused', () => {
    const value = fc.jsonValue();
    const install = fc.dictionary(
      fc.constantFrom('auto', 'device', 'reboot', 'partitions', 'extra-partitions', 'no-format', 'x'),
      value,
    );
    fc.assert(
      fc.property(install, (fields) => {
        try {
          parse(JSON.stringify({ install: fields }));
        } catch (error) {
          assert.ok(error instanceof AgentError, String(error));
        }
      }),
    );
    assert.throws(() => parseInstallConfig(Uint8Array.of(0xff, 0xfe), 'x.yaml'), { code: 'bad-request' });
    assert.throws(() => parseInstallConfig(new Uint8Array(2 * MIB), 'x.yaml'), { code: 'bad-request' });
  });
});
