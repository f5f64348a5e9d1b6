import assert from 'node:assert/strict';
import { test } from 'node:test';
import { setTimeout as wait } from 'node:timers/promises';
import { inspect } from 'node:util';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { veritySize } from '@cairn/disk';
import { mutations } from '../../disk/test/mutate.ts';
import { parseBzImage } from '../src/facts/bzimage.ts';
import { parseElfArchitecture } from '../src/facts/elf.ts';
import { parseFramework, parseOsRelease, parseRelease, ReleaseError } from '../src/index.ts';
import { parseModuleIndex } from '../src/modules/dependencies.ts';
import { selectModules } from '../src/modules/select.ts';
import { FRAMEWORK, fakeKernel, fakeProgram, MODULE_TEXTS, VERSION } from './sample.ts';

const COUNT = 100_000;
const SEED = Number(process.env['SEED'] ?? 20_261);
/** What may be held more after all inputs than after the first thousand. */
const GROWTH_LIMIT = 4 << 20;

setFlagsFromString('--expose-gc');
const collectGarbage = runInNewContext('gc') as () => void;

/** Buffers are freed by another thread, some time after the collector has found them. */
async function heldMemory(): Promise<number> {
  for (let round = 0; round < 3; round++) {
    collectGarbage();
    await wait(20);
  }
  const { heapUsed, arrayBuffers } = process.memoryUsage();
  return heapUsed + arrayBuffers;
}

const encode = (text: string) => new TextEncoder().encode(text);

const RELEASE = {
  formatVersion: 1,
  name: 'Sample OS',
  version: '7',
  architecture: 'amd64',
  image: { source: 'registry', reference: 'docker.io/library/debian:13', digest: `sha256:${'d'.repeat(64)}` },
  framework: { version: '0.1.0', digest: 'f'.repeat(64) },
  kernel: { version: VERSION },
  init: { path: '/sbin/init', kind: 'systemd' },
  commandLine: 'roothash=00 ro',
  root: {
    file: 'root.erofs',
    size: 4096 + veritySize(4096),
    dataSize: 4096,
    rootHash: '0'.repeat(64),
    hashOffset: 4096,
    uuid: 'f9cfa685-8920-8ade-88ca-05d6320b438e',
  },
  uki: { file: 'uki.efi', size: 4096, sha256: '1'.repeat(64) },
  sbom: { file: 'sbom.spdx.json', size: 10, sha256: '2'.repeat(64), packages: 0 },
  slotSize: 2 ** 31,
};

const OS_RELEASE =
  'PRETTY_NAME="Debian \\"13\\""\nNAME=\'Debian\'\nID=debian\n# comment\nVERSION_ID=13\\ x\n';

const PARSERS: readonly {
  readonly name: string;
  readonly corpus: readonly Uint8Array[];
  readonly parse: (bytes: Uint8Array) => unknown;
  /** How many are refused at the least. Formats that demand to pass over what is wrong refuse nothing. */
  readonly refusals: number;
}[] = [
  { name: 'release.json', corpus: [encode(JSON.stringify(RELEASE))], parse: parseRelease, refusals: 50_000 },
  {
    name: 'framework.json',
    corpus: [encode(JSON.stringify(FRAMEWORK))],
    parse: parseFramework,
    refusals: 10_000,
  },
  { name: 'os-release', corpus: [encode(OS_RELEASE)], parse: parseOsRelease, refusals: 0 },
  {
    name: 'kernel headers',
    corpus: [fakeKernel(VERSION, { size: 0x1400 }), fakeKernel().subarray(0, 0x240)],
    parse: parseBzImage,
    refusals: 0,
  },
  { name: 'ELF headers', corpus: [fakeProgram()], parse: parseElfArchitecture, refusals: 0 },
  {
    name: 'module indexes',
    corpus: Object.values(MODULE_TEXTS).map(encode),
    parse(bytes) {
      const texts = { dep: bytes, builtin: bytes, alias: bytes, softdep: bytes, weakdep: bytes };
      return selectModules(parseModuleIndex(texts));
    },
    refusals: 0,
  },
];

for (const { name, corpus, parse, refusals } of PARSERS) {
  test(`${name}: ${COUNT} damaged inputs`, async () => {
    let count = 0;
    let refused = 0;
    let held = 0;
    for (const bytes of mutations(SEED, corpus, COUNT)) {
      try {
        parse(bytes);
      } catch (error) {
        if (!(error instanceof ReleaseError)) {
          assert.fail(
            `seed ${SEED}, input ${count} (${Buffer.from(bytes).toString('base64')}): ${inspect(error)}`,
          );
        }
        refused++;
      }
      if (++count === 1000) held = await heldMemory();
    }
    assert.equal(count, COUNT);
    assert.ok(refused >= refusals, `${refused} were refused`);
    const growth = (await heldMemory()) - held;
    assert.ok(growth < GROWTH_LIMIT, `${growth} bytes more are held at the end`);
  });
}
