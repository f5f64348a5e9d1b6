import assert from 'node:assert/strict';
import { test } from 'node:test';
import { parseConfig } from '../src/config.ts';
import { OciError } from '../src/error.ts';
import { parseManifest } from '../src/manifest.ts';
import {
  DOCKER_CONFIG,
  DOCKER_LAYER,
  DOCKER_LIST,
  DOCKER_MANIFEST,
  OCI_CONFIG,
  OCI_INDEX,
  OCI_LAYER,
  OCI_MANIFEST,
} from '../src/media-types.ts';
import { choosePlatform } from '../src/platform.ts';
import { AMD64 } from './images.ts';
import { pick, type Random, tryInputs } from './mutation.ts';

/**
 * Damaged documents of every kind: each is read, or refused with an OciError whose message a terminal can show. What
 * is read keeps what its type promises.
 */

const INPUTS = 100_000;
const DIGEST = `sha256:${'0123456789abcdef'.repeat(4)}`;

type Json = null | boolean | number | string | readonly Json[] | { readonly [key: string]: Json };

const descriptor = (mediaType: string): Record<string, Json> => ({ mediaType, digest: DIGEST, size: 1234 });

const SAMPLES: readonly Json[] = [
  {
    schemaVersion: 2,
    mediaType: OCI_MANIFEST,
    config: descriptor(OCI_CONFIG),
    layers: [
      descriptor(`${OCI_LAYER}+gzip`),
      { ...descriptor(`${OCI_LAYER}+zstd`), annotations: { a: 'b' } },
    ],
    annotations: { 'org.opencontainers.image.title': 't' },
  },
  {
    schemaVersion: 2,
    mediaType: DOCKER_MANIFEST,
    config: descriptor(DOCKER_CONFIG),
    layers: [descriptor(`${DOCKER_LAYER}.gzip`), descriptor(DOCKER_LAYER)],
  },
  {
    schemaVersion: 2,
    mediaType: OCI_INDEX,
    manifests: [
      { ...descriptor(OCI_MANIFEST), platform: { os: 'linux', architecture: 'arm64', variant: 'v8' } },
      { ...descriptor(OCI_MANIFEST), platform: { os: 'linux', architecture: 'amd64' } },
      {
        ...descriptor(OCI_MANIFEST),
        platform: { os: 'unknown', architecture: 'unknown' },
        annotations: { 'vnd.docker.reference.type': 'attestation-manifest' },
      },
    ],
  },
  {
    schemaVersion: 2,
    mediaType: DOCKER_LIST,
    manifests: [{ ...descriptor(DOCKER_MANIFEST), platform: AMD64 }],
  },
  {
    architecture: 'amd64',
    os: 'linux',
    variant: 'v2',
    created: '2024-01-01T00:00:00Z',
    config: { Labels: { a: 'b' }, Env: ['PATH=/bin'], Healthcheck: { Interval: 30_000_000_000 } },
    rootfs: { type: 'layers', diff_ids: [DIGEST, DIGEST] },
    history: [{ created_by: 'a', comment: 'c' }, { created: 'x', empty_layer: true }, {}],
  },
];

const VALUES: readonly Json[] = [
  null,
  true,
  0,
  -1,
  1.5,
  2 ** 53,
  1e300,
  '',
  '\u001b[2J\u202e\ud800',
  'x'.repeat(300),
  `sha256:${'../'.repeat(21)}a`,
  `sha512:${'a'.repeat(128)}`,
  OCI_INDEX,
  OCI_MANIFEST,
  `${OCI_LAYER}+gzip+encrypted`,
  'unknown',
  [],
  {},
  [[]],
  { constructor: 'x', toString: 'y' },
  [DIGEST],
];
const KEYS = [
  '__proto__',
  'constructor',
  'mediaType',
  'manifests',
  'layers',
  'config',
  'size',
  'variant',
  'schemaVersion',
  'unknown',
  'urls',
  'data',
];
const BYTES = [0x00, 0x22, 0x2c, 0x5c, 0x5b, 0x7b, 0x7d, 0x80, 0xc0, 0xff];

function isList(value: Json): value is readonly Json[] {
  return Array.isArray(value);
}

/** Changes one value somewhere in a document. */
function changed(value: Json, random: Random): Json {
  if (typeof value !== 'object' || value === null || random(8) === 0) return pick(random, VALUES);
  if (isList(value)) {
    if (value.length === 0 || random(5) === 0) return [...value, pick(random, VALUES)];
    const at = random(value.length);
    return random(6) === 0 ? value.toSpliced(at, 1) : value.with(at, changed(value[at] ?? null, random));
  }
  const entries = Object.entries(value);
  if (entries.length === 0 || random(6) === 0) entries.push([pick(random, KEYS), pick(random, VALUES)]);
  const at = random(entries.length);
  const [key, old] = entries[at] ?? ['', null];
  switch (random(8)) {
    case 0:
      entries.splice(at, 1);
      break;
    case 1:
      entries[at] = [pick(random, KEYS), old];
      break;
    default:
      entries[at] = [key, changed(old, random)];
  }
  return Object.fromEntries(entries);
}

function damaged(text: string, random: Random): Uint8Array {
  const bytes = Buffer.from(text);
  for (let round = random(3); round >= 0; round--) bytes[random(bytes.length)] = pick(random, BYTES);
  return random(4) === 0 ? bytes.subarray(0, random(bytes.length)) : bytes;
}

function make(random: Random, input: number): Uint8Array {
  let value = SAMPLES[input % SAMPLES.length] ?? null;
  for (let round = random(2); round >= 0; round--) value = changed(value, random);
  const text = JSON.stringify(value);
  return random(5) === 0 ? damaged(text, random) : Buffer.from(text);
}

/** Runs a parser; tells whether it took the input. */
function took(parse: () => void): boolean {
  try {
    parse();
    return true;
  } catch (cause) {
    if (!(cause instanceof OciError)) throw cause;
    assert.doesNotMatch(cause.message, /[\p{Cc}\p{Cf}\p{Cs}]/u);
    assert.ok(cause.message.length < 8000, `a message of ${cause.message.length} characters`);
    return false;
  }
}

function checkDescriptor({ digest, size }: { readonly digest: string; readonly size: number }): void {
  assert.match(digest, /^sha(?:256:[0-9a-f]{64}|512:[0-9a-f]{128})$/);
  assert.ok(Number.isSafeInteger(size) && size >= 0);
}

function attempt(bytes: Uint8Array): boolean {
  const isManifest = took(() => {
    const parsed = parseManifest(bytes, { label: 'x' });
    for (const found of parsed.kind === 'index' ? parsed.manifests : [parsed.config, ...parsed.layers]) {
      checkDescriptor(found);
    }
    if (parsed.kind === 'index') choosePlatform(parsed.manifests, AMD64, 'x');
  });
  const isConfig = took(() => {
    const config = parseConfig(bytes, { label: 'x', layers: 2 });
    assert.equal(config.diffIds.length, 2);
    for (const digest of config.diffIds) checkDescriptor({ digest, size: 0 });
  });
  return isManifest || isConfig;
}

test(`${INPUTS} damaged manifests, indexes and configurations`, { timeout: 120_000 }, async () => {
  for (const sample of SAMPLES) assert.ok(attempt(Buffer.from(JSON.stringify(sample))));
  const result = await tryInputs(INPUTS, make, attempt, (bytes) => Buffer.from(bytes).toString('base64'));
  assert.equal(result.inputs, INPUTS);
  // A run in which nearly all are refused, or none, would prove little.
  assert.ok(result.accepted > INPUTS / 10 && result.accepted < INPUTS * 0.9, `${result.accepted} were taken`);
  assert.ok(result.grown < 4 << 20, `${result.grown} bytes are held that were not before`);
  assert.equal(Object.keys({}).length, 0);
  assert.equal(Reflect.get({}, 'x'), undefined);
});
