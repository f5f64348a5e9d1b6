import assert from 'node:assert/strict';
import { test } from 'node:test';
import { parseConfig } from '../src/config.ts';
import { OciError, type OciErrorCode } from '../src/error.ts';
import { type Descriptor, parseManifest } from '../src/manifest.ts';
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
import { choosePlatform, formatPlatform, type Platform, type TargetPlatform } from '../src/platform.ts';

const D = (digit: string) => `sha256:${digit.repeat(64)}` as const;

function bytesOfJson(value: unknown): Uint8Array {
  return new TextEncoder().encode(typeof value === 'string' ? value : JSON.stringify(value));
}

function manifest(change: object = {}): object {
  return {
    schemaVersion: 2,
    mediaType: OCI_MANIFEST,
    config: { mediaType: OCI_CONFIG, digest: D('c'), size: 100 },
    layers: [{ mediaType: `${OCI_LAYER}+gzip`, digest: D('1'), size: 10 }],
    ...change,
  };
}

function layer(change: object): object {
  return manifest({ layers: [{ mediaType: OCI_LAYER, digest: D('1'), size: 10, ...change }] });
}

function index(manifests: unknown, change: object = {}): object {
  return { schemaVersion: 2, mediaType: OCI_INDEX, manifests, ...change };
}

function refused(code: OciErrorCode, message: RegExp) {
  return (error: unknown) => {
    assert.ok(error instanceof OciError, String(error));
    assert.match(error.message, message);
    assert.equal(error.code, code);
    return true;
  };
}

test('manifests of OCI and of Docker are read', () => {
  const docker = manifest({
    mediaType: DOCKER_MANIFEST,
    config: { mediaType: DOCKER_CONFIG, digest: D('c'), size: 100 },
    layers: [
      { mediaType: `${DOCKER_LAYER}.gzip`, digest: D('1'), size: 0 },
      { mediaType: DOCKER_LAYER, digest: D('2'), size: Number.MAX_SAFE_INTEGER },
    ],
    annotations: null,
    unknown: { deep: [1, 2, 3] },
  });
  const parsed = parseManifest(bytesOfJson(docker), { label: 'x' });
  assert.equal(parsed.kind, 'manifest');
  assert.equal(parsed.mediaType, DOCKER_MANIFEST);
  assert.deepEqual(
    parsed.kind === 'manifest' && parsed.layers.map(({ mediaType, size }) => [mediaType, size]),
    [
      [`${DOCKER_LAYER}.gzip`, 0],
      [DOCKER_LAYER, Number.MAX_SAFE_INTEGER],
    ],
  );
});

test('the kind is found by its own media type, by the declared one, or by its fields', () => {
  const bare = { mediaType: undefined };
  const cases: readonly [object, string | undefined, string][] = [
    [manifest(), undefined, OCI_MANIFEST],
    [manifest(bare), undefined, OCI_MANIFEST],
    [manifest(bare), DOCKER_MANIFEST, DOCKER_MANIFEST],
    [manifest(bare), 'application/json; charset=utf-8', OCI_MANIFEST],
    [manifest(), `${OCI_MANIFEST}; charset=utf-8`, OCI_MANIFEST],
    [index([]), undefined, OCI_INDEX],
    [index([], bare), undefined, OCI_INDEX],
    [index(null, bare), undefined, OCI_INDEX],
    [index([], bare), DOCKER_LIST, DOCKER_LIST],
    [index([], { layers: null, config: null }), OCI_INDEX, OCI_INDEX],
  ];
  for (const [value, mediaType, expected] of cases) {
    const options = mediaType === undefined ? { label: 'x' } : { label: 'x', mediaType };
    assert.equal(parseManifest(bytesOfJson(value), options).mediaType, expected);
  }
});

test('annotations are only what the document has', () => {
  const bytes = new TextEncoder().encode(
    JSON.stringify(manifest()).replace('{', '{"annotations":{"__proto__":"p","a":"b"},'),
  );
  const { annotations } = parseManifest(bytes, { label: 'x' });
  assert.equal(annotations.get('a'), 'b');
  assert.equal(annotations.get('toString'), undefined);
  assert.equal(({} as { a?: string }).a, undefined);
});

test('what is wrong in a manifest or index is said', () => {
  const cases: readonly [unknown, OciErrorCode, RegExp, string?][] = [
    ['', 'invalid-manifest', /^the manifest is not JSON/],
    ['{"schemaVersion":2', 'invalid-manifest', /is not JSON/],
    ['[]', 'invalid-manifest', /expected object/],
    ['null', 'invalid-manifest', /expected object/],
    ['[['.repeat(100_000), 'invalid-manifest', /is not JSON/],
    [' '.repeat((4 << 20) + 1), 'too-large', /4194305 bytes, more than the 4194304/],
    [{}, 'invalid-manifest', /field schemaVersion/],
    [manifest({ schemaVersion: 1 }), 'unsupported', /schema 1/],
    [{ schemaVersion: 1, fsLayers: [], name: 'x' }, 'unsupported', /old format, schema 1/],
    [
      { schemaVersion: 2 },
      'unsupported',
      /schema 1/,
      'application/vnd.docker.distribution.manifest.v1+prettyjws',
    ],
    [manifest({ schemaVersion: '2' }), 'invalid-manifest', /field schemaVersion/],
    [manifest({ mediaType: 'text/html' }), 'unsupported', /not an image: its media type is "text\/html"/],
    [manifest(), 'invalid-manifest', /calls itself .*manifest.v1.*pointed to as .*index/, OCI_INDEX],
    [manifest({ manifests: [] }), 'invalid-manifest', /both a manifest and an index/],
    [index([], { layers: [] }), 'invalid-manifest', /both a manifest and an index/],
    [index([], { config: {} }), 'invalid-manifest', /both a manifest and an index/],
    [manifest({ config: undefined }), 'invalid-manifest', /field config/],
    [
      manifest({ config: { mediaType: 'application/vnd.oci.empty.v1+json', digest: D('c'), size: 2 } }),
      'unsupported',
      /another artifact: its configuration is "application\/vnd.oci.empty/,
    ],
    [manifest({ layers: {} }), 'invalid-manifest', /field layers/],
    [
      manifest({
        layers: Array.from({ length: 1001 }, () => ({ mediaType: OCI_LAYER, digest: D('1'), size: 1 })),
      }),
      'invalid-manifest',
      /field layers/,
    ],
    [layer({ digest: 'sha256:abc' }), 'invalid-manifest', /field layers\[0\].digest: it is not a digest/],
    [layer({ digest: `sha256:${'A'.repeat(64)}` }), 'invalid-manifest', /lower case/],
    [layer({ digest: `md5:${'a'.repeat(32)}` }), 'invalid-manifest', /algorithm/],
    [layer({ digest: `sha256:${'../'.repeat(21)}a` }), 'invalid-manifest', /layers\[0\].digest/],
    [layer({ digest: undefined }), 'invalid-manifest', /layers\[0\].digest/],
    [layer({ size: -1 }), 'invalid-manifest', /layers\[0\].size/],
    [layer({ size: 1.5 }), 'invalid-manifest', /layers\[0\].size/],
    [layer({ size: 2 ** 53 }), 'invalid-manifest', /layers\[0\].size/],
    [layer({ size: '10' }), 'invalid-manifest', /layers\[0\].size/],
    [layer({ mediaType: '' }), 'invalid-manifest', /layers\[0\].mediaType/],
    [layer({ annotations: { a: 1 } }), 'invalid-manifest', /layers\[0\].annotations.a/],
    [layer({ mediaType: `${OCI_LAYER}+gzip+encrypted` }), 'unsupported', /layer sha256:1+ is encrypted/],
    [
      layer({ mediaType: 'application/vnd.docker.image.rootfs.foreign.diff.tar.gzip' }),
      'unsupported',
      /foreign layer/,
    ],
    [
      layer({ mediaType: 'application/vnd.oci.image.layer.nondistributable.v1.tar' }),
      'unsupported',
      /foreign layer/,
    ],
    [layer({ mediaType: 'application/x-foo' }), 'unsupported', /"application\/x-foo", which is not a layer/],
    [index([{ mediaType: OCI_MANIFEST, digest: D('1'), size: -0.5 }]), 'invalid-manifest', /manifests\[0\]/],
    [
      index([{ mediaType: OCI_MANIFEST, digest: D('1'), size: 1, platform: { os: 'linux' } }]),
      'invalid-manifest',
      /field manifests\[0\].platform.architecture/,
    ],
    [
      index(Array.from({ length: 10_001 }, () => ({ mediaType: OCI_MANIFEST, digest: D('1'), size: 1 }))),
      'invalid-manifest',
      /manifests/,
    ],
  ];
  for (const [value, code, message, mediaType] of cases) {
    const options = { label: 'the manifest', ...(mediaType === undefined ? {} : { mediaType }) };
    assert.throws(() => parseManifest(bytesOfJson(value), options), refused(code, message));
  }
});

test('bytes that are not UTF-8 are refused', () => {
  const bytes = Buffer.concat([Buffer.from('{"a":"'), Buffer.of(0xff, 0xfe), Buffer.from('"}')]);
  assert.throws(
    () => parseManifest(bytes, { label: 'x' }),
    refused('invalid-manifest', /bytes that are not UTF-8/),
  );
});

test('a configuration is read, with what Go writes for nothing', () => {
  const config = parseConfig(
    bytesOfJson({
      architecture: 'arm64',
      os: 'linux',
      variant: 'v8',
      created: '2024-01-02T03:04:05Z',
      config: { Labels: null, Env: ['A=b'], Cmd: null, Healthcheck: { Interval: 30000000000 } },
      rootfs: { type: 'layers', diff_ids: [D('1')] },
      history: [
        { created_by: 'ADD', comment: 'c' },
        { created_by: 'ENV', empty_layer: true },
      ],
    }),
    { label: 'x', layers: 1 },
  );
  assert.deepEqual(config, {
    architecture: 'arm64',
    os: 'linux',
    variant: 'v8',
    created: '2024-01-02T03:04:05Z',
    labels: new Map(),
    env: ['A=b'],
    history: [
      { createdBy: 'ADD', comment: 'c', emptyLayer: false },
      { createdBy: 'ENV', emptyLayer: true },
    ],
    diffIds: [D('1')],
  });
});

test('what is wrong in a configuration is said', () => {
  const rootfs = { type: 'layers', diff_ids: [D('1')] };
  const cases: readonly [unknown, OciErrorCode, RegExp][] = [
    ['x', 'invalid-manifest', /^the configuration is not JSON/],
    [{ rootfs: undefined }, 'invalid-manifest', /field rootfs/],
    [{ rootfs: { type: 'layers', diff_ids: [] } }, 'invalid-manifest', /is for 0 layers, the image has 1/],
    [{ rootfs: { type: 'layers', diff_ids: [D('1'), D('2')] } }, 'invalid-manifest', /is for 2 layers/],
    [{ rootfs: { type: 'base', diff_ids: [D('1')] } }, 'invalid-manifest', /field rootfs.type/],
    [
      { rootfs: { type: 'layers', diff_ids: ['x'] } },
      'invalid-manifest',
      /rootfs.diff_ids\[0\]: it is not a digest/,
    ],
    [{ rootfs, architecture: 5 }, 'invalid-manifest', /field architecture/],
    [{ rootfs, config: { Labels: ['a'] } }, 'invalid-manifest', /field config.Labels/],
    [{ rootfs, config: { Env: 'A=b' } }, 'invalid-manifest', /field config.Env/],
    [{ rootfs, history: {} }, 'invalid-manifest', /field history/],
    [' '.repeat((8 << 20) + 1), 'too-large', /more than the 8388608/],
  ];
  for (const [value, code, message] of cases) {
    assert.throws(
      () => parseConfig(bytesOfJson(value), { label: 'the configuration', layers: 1 }),
      refused(code, message),
    );
  }
});

/** `linux/arm64/v8`, or a dash where the platform is not said. */
function descriptorFor(text: string, position: number): Descriptor {
  const [os = '', architecture = '', variant] = text.split('/');
  const platform: Platform = variant === undefined ? { os, architecture } : { os, architecture, variant };
  const digest = D(String(position));
  const common = { mediaType: OCI_MANIFEST, digest, size: 1, annotations: new Map<string, string>() };
  return text === '-' ? common : { ...common, platform };
}

function target(text: string): TargetPlatform {
  const [, architecture, variant] = text.split('/');
  const name = architecture === 'arm64' ? 'arm64' : 'amd64';
  return variant === undefined
    ? { os: 'linux', architecture: name }
    : { os: 'linux', architecture: name, variant };
}

test('the image for a platform is chosen', () => {
  const cases: readonly [string, readonly string[], number][] = [
    ['linux/amd64', ['linux/arm64', 'linux/amd64', 'linux/amd64'], 1],
    ['linux/arm64', ['linux/amd64', 'linux/arm64/v8'], 1],
    ['linux/arm64/v8', ['linux/arm64'], 0],
    ['linux/arm64', ['linux/arm64/v9', 'linux/arm64/v8'], 1],
    ['linux/arm64/v9', ['linux/arm64/v8', 'linux/arm64/v9'], 1],
    ['linux/amd64', ['linux/amd64/v3', 'linux/amd64'], 1],
    ['linux/amd64', ['linux/amd64/v2', 'linux/amd64/v1'], 1],
    ['linux/amd64/v3', ['linux/amd64', 'linux/amd64/v2', 'linux/amd64/v4'], 1],
    ['linux/amd64', ['windows/amd64', 'linux/x86_64'], 1],
    ['linux/arm64', ['linux/aarch64'], 0],
    ['linux/amd64', ['unknown/unknown', '-'], 1],
    ['linux/amd64', ['unknown/unknown', 'linux/amd64', 'unknown/unknown'], 1],
  ];
  for (const [wanted, platforms, expected] of cases) {
    const chosen = choosePlatform(platforms.map(descriptorFor), target(wanted), 'x');
    assert.equal(chosen.digest, D(String(expected)), `${wanted} from ${platforms.join(' ')}`);
  }
});

test('an attestation is not chosen whatever platform it names', () => {
  const image = descriptorFor('linux/amd64', 1);
  const attestation = {
    ...descriptorFor('linux/amd64', 0),
    annotations: new Map([['vnd.docker.reference.type', 'attestation-manifest']]),
  };
  assert.equal(choosePlatform([attestation, image], target('linux/amd64'), 'x').digest, D('1'));
});

test('where there is no image for the platform, those there are are listed', () => {
  const cases: readonly [string, readonly string[], RegExp][] = [
    [
      'linux/amd64',
      ['linux/arm64', 'linux/s390x', 'linux/arm64'],
      /^x has no image for linux\/amd64; it has linux\/arm64, linux\/s390x$/,
    ],
    ['linux/amd64', ['linux/amd64/v2'], /it has linux\/amd64\/v2$/],
    ['linux/amd64/v2', ['linux/amd64/v3'], /no image for linux\/amd64\/v2; it has linux\/amd64\/v3$/],
    ['linux/amd64', ['linux/amd64/strange'], /it has linux\/amd64\/strange$/],
    ['linux/amd64', ['-', '-'], /its platform is not said/],
    ['linux/amd64', ['unknown/unknown'], /it has none/],
    ['linux/amd64', [], /it has none/],
  ];
  for (const [wanted, platforms, message] of cases) {
    assert.throws(
      () => choosePlatform(platforms.map(descriptorFor), target(wanted), 'x'),
      refused('platform-unknown', message),
    );
  }
  assert.equal(formatPlatform({ os: 'linux', architecture: 'arm64', variant: 'v8' }), 'linux/arm64/v8');
});
