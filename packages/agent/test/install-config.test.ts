import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import fc from 'fast-check';
import { AgentError } from '../src/error.ts';
import { parseInstallConfig } from '../src/install/config.ts';

const MIB = 2 ** 20;
const parse = (text: string) => parseInstallConfig(new TextEncoder().encode(text));

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
        'install.force does nothing here: a disk that holds data is taken when it is named',
        'install.bundles does nothing here',
      ],
    });
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
    'install: [': /line 1, column \d+: /,
    'install:\n  auto: yes please': /install.auto is neither true nor false/,
    'install: auto': /install is not a map/,
    '- install': /the configuration is not a map/,
    'install: { no-format: true }': /install.no-format cannot be followed: a disk is always partitioned anew/,
    'install: { no_format: true }': /install.no-format cannot be followed/,
    'install: { reboot: true, poweroff: true }': /both true/,
    'install: { device: [] }': /install.device is not the name of a disk/,
    'install: { partitions: { oem: { size: 1.5 } } }': /install.partitions.oem.size is not a number of MiB/,
    'install: { partitions: { persistent: { fs: xfs } } }': /install.partitions.persistent.fs is "xfs"/,
    'install: { extra-partitions: { name: x } }': /install.extra-partitions is not a list/,
    'install: { extra-partitions: [{ size: 5 }] }': /install.extra-partitions\[0\] has no name/,
    'install: { encrypted_partitions: [COS_PERSISTENT] }': /not encrypted yet/,
    'a: &a [x, x]\nb: &b [*a, *a, *a, *a, *a, *a, *a, *a, *a, *a]\nc: &c [*b, *b, *b, *b, *b, *b, *b, *b]\ninstall: *c':
      /alias/,
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
    assert.throws(() => parseInstallConfig(Uint8Array.of(0xff, 0xfe)), { code: 'bad-request' });
    assert.throws(() => parseInstallConfig(new Uint8Array(2 * MIB)), { code: 'bad-request' });
  });
});
