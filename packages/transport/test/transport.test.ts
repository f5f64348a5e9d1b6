import assert from 'node:assert/strict';
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { suite, test } from 'node:test';
import { memorySource, memoryTarget, sha256Hex } from '@cairn/bytes';
import { realFiles, realHost } from '@cairn/host';
import { createRegistry, openBlobStore, type RegistryReference } from '@cairn/oci';
import { renderRelease } from '@cairn/release';
import { startRegistry, type TestRegistry, type TestRegistryOptions } from '@cairn/testkit';
import { makeFile, place } from '@cairn/tree';
import { convertedTree, sampleInput } from '../../release/test/sample.ts';
import {
  encodeArtifact,
  encodeSeekTable,
  FRAME_SIZE,
  findRelease,
  parseArtifact,
  parseSeekTable,
  pullRelease,
  pushRelease,
  readSeekTable,
  unpackFrames,
  writeFrames,
} from '../src/index.ts';

const FOLDER = mkdtempSync(join(tmpdir(), 'cairn-transport-'));
process.once('exit', () => rmSync(FOLDER, { recursive: true, force: true }));
const files = realFiles();
const PLATFORM = { os: 'linux', architecture: 'amd64' } as const;
const IMAGE = 'application/vnd.oci.image.manifest.v1+json';

/** A release with a root of several frames. */
const RELEASE = join(FOLDER, 'release');
/** What cannot be packed: bytes of a linear congruential generator. */
const NOISE = Buffer.alloc(4 << 20);
for (let at = 0, state = 1; at < NOISE.length; at++) {
  state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
  NOISE[at] = state >>> 24;
}
async function render(out: string, imageDigest: string, marker: string) {
  const root = convertedTree();
  place(root, '/usr/share/noise', makeFile(NOISE));
  place(root, '/usr/share/text', makeFile(Buffer.alloc(6 << 20, 'text ')));
  place(root, '/usr/share/marker', makeFile(marker));
  const input = sampleInput(root);
  const options = { out, architecture: 'amd64', commandLine: [], version: '1' } as const;
  const image = { ...input.image, digest: imageDigest };
  return (await renderRelease({ root, image }, { files }, options)).release;
}

interface Bench extends AsyncDisposable {
  readonly server: TestRegistry;
  readonly registry: ReturnType<typeof createRegistry>;
  readonly store: ReturnType<typeof openBlobStore>;
  readonly folder: string;
  reference(tag?: string): RegistryReference;
}

/** Pauses before a request is tried again are short; what watches for stalls waits its time. */
const real = realHost().clock;
const hurried = {
  ...real,
  sleep: (ms: number, signal?: AbortSignal) => real.sleep(ms > 20_000 ? ms : Math.min(ms, 1), signal),
};

let number = 0;

async function setUp(options: TestRegistryOptions = {}): Promise<Bench> {
  const server = await startRegistry(options);
  const folder = join(FOLDER, `bench-${++number}`);
  await files.makeDirectory(folder);
  return {
    server,
    folder,
    registry: createRegistry({ fetch: globalThis.fetch, clock: hurried, plainHttp: [server.host] }),
    store: openBlobStore(files, join(folder, 'store')),
    reference: (tag = '1') => ({ kind: 'registry', registry: server.host, repository: 'team/os', tag }),
    [Symbol.asyncDispose]: () => server.close(),
  };
}

const push = (bench: Bench, folder = RELEASE, tag = '1') =>
  pushRelease(bench.registry, files, folder, bench.reference(tag), {
    level: 1,
    workFolder: join(bench.folder, 'work'),
  });

async function pull(bench: Bench, out = join(bench.folder, 'out'), tag = '1') {
  const found = await findRelease(bench.registry, bench.reference(tag), { platform: PLATFORM });
  assert.ok(found !== undefined);
  return pullRelease(bench.registry, bench.store, files, found, out);
}

function assertSame(folder: string, other = RELEASE): void {
  for (const name of ['root.erofs', 'uki.efi', 'sbom.spdx.json', 'release.json']) {
    assert.ok(readFileSync(join(folder, name)).equals(readFileSync(join(other, name))), name);
  }
  assert.deepEqual(readdirSync(folder).toSorted(), [
    'release.json',
    'root.erofs',
    'sbom.spdx.json',
    'uki.efi',
  ]);
}

const RENDERED = await render(RELEASE, `sha256:${'1'.repeat(64)}`, 'one');

suite('a release goes to a registry and comes back, bit for bit', () => {
  test('by itself, under a tag of its own', async () => {
    await using bench = await setUp();
    const { digest, subject } = await push(bench);
    assert.equal(subject, undefined);
    assert.deepEqual(bench.server.tags('team/os'), ['1']);
    const { release, transferred } = await pull(bench);
    assert.equal(release.root.rootHash, RENDERED.root.rootHash);
    assertSame(join(bench.folder, 'out'));
    const { size } = RENDERED.root;
    assert.ok(transferred < size / 2, `${transferred} of ${size}`);
    assert.equal(sha256Hex(bench.server.manifest('team/os', '1') ?? new Uint8Array()), digest.slice(7));
  });

  for (const referrers of [true, false]) {
    test(`beside its image, ${referrers ? 'by the referrers API' : 'where there is none, by the tag that stands in for it'}`, async () => {
      await using bench = await setUp({ referrers });
      const image = bench.server.putImage('team/os', '1', { layers: [Buffer.from('layer')] });
      const folder = join(bench.folder, 'release');
      await render(folder, image.manifest, 'two');
      const { subject } = await push(bench, folder);
      assert.equal(subject, image.manifest);
      assert.equal(
        sha256Hex(bench.server.manifest('team/os', '1') ?? new Uint8Array()),
        image.manifest.slice(7),
      );
      await pull(bench);
      assertSame(join(bench.folder, 'out'), folder);
    });
  }

  test('beside one of the images of an index', async () => {
    await using bench = await setUp();
    const image = bench.server.putImage('team/os', 'amd64', { layers: [Buffer.from('layer')] });
    const other = bench.server.putImage('team/os', 'arm64', { layers: [Buffer.from('other')] });
    const size = bench.server.manifest('team/os', 'amd64')?.length;
    const manifests = [
      { mediaType: IMAGE, digest: other.manifest, size, platform: { os: 'linux', architecture: 'arm64' } },
      { mediaType: IMAGE, digest: image.manifest, size, platform: PLATFORM },
    ];
    const index = 'application/vnd.oci.image.index.v1+json';
    bench.server.putManifest('team/os', { schemaVersion: 2, mediaType: index, manifests }, index, '1');
    const folder = join(bench.folder, 'release');
    await render(folder, image.manifest, 'three');
    assert.equal((await push(bench, folder)).subject, image.manifest);
    await pull(bench);
    assertSame(join(bench.folder, 'out'), folder);
  });

  test('what the registry has is not sent again, and what is here is not fetched again', async () => {
    await using bench = await setUp();
    assert.ok((await push(bench)).transferred > 0);
    assert.equal((await push(bench, RELEASE, '2')).transferred, 0);
    assert.ok((await pull(bench)).transferred > 0);
    assert.equal((await pull(bench, join(bench.folder, 'again'))).transferred, 0);
  });

  test('a line that is cut at every tenth: it goes on, and little comes twice', async () => {
    await using bench = await setUp();
    await push(bench);
    const artifact = parseArtifact(bench.server.manifest('team/os', '1') ?? new Uint8Array(), 'x');
    const { size, digest } = artifact.root;
    for (let tenth = 1; tenth < 10; tenth++) {
      bench.server.addFault({
        kind: 'cut',
        path: new RegExp(digest.slice(7)),
        method: 'GET',
        afterBytes: Math.floor(size / 10),
      });
    }
    const { transferred } = await pull(bench);
    assertSame(join(bench.folder, 'out'));
    const whole = size + artifact.uki.size + artifact.sbom.size + artifact.description.size;
    assert.ok(transferred <= whole * 1.01, `${transferred} of ${whole}`);
  });
});

suite('what is wrong is refused, and nothing is left', () => {
  test('a tag that has another image', async () => {
    await using bench = await setUp();
    bench.server.putImage('team/os', '1', { layers: [Buffer.from('layer')] });
    await assert.rejects(push(bench), {
      code: 'other-image',
      message: /team\/os:1 is sha256:.*, and the release was made of/,
    });
  });

  test('an image without a release beside it', async () => {
    await using bench = await setUp();
    bench.server.putImage('team/os', '1', { layers: [Buffer.from('layer')] });
    assert.equal(await findRelease(bench.registry, bench.reference(), { platform: PLATFORM }), undefined);
  });

  test('a folder that is there', async () => {
    await using bench = await setUp();
    await push(bench);
    await files.makeDirectory(join(bench.folder, 'out'));
    await assert.rejects(pull(bench), { code: 'output-exists' });
  });

  test('a root that is another: the root hash decides', async () => {
    await using bench = await setUp();
    await push(bench);
    const other = join(bench.folder, 'other');
    await render(other, `sha256:${'1'.repeat(64)}`, 'TWO');
    await push(bench, other, '2');
    const [one, two] = ['1', '2'].map((tag) =>
      parseArtifact(bench.server.manifest('team/os', tag) ?? new Uint8Array(), tag),
    );
    assert.ok(one !== undefined && two !== undefined);
    bench.server.putManifest('team/os', encodeArtifact({ ...one, root: two.root }), IMAGE, '3');
    const out = join(bench.folder, 'out');
    await assert.rejects(pull(bench, out, '3'), {
      code: 'not-verified',
      message: /has the root hash [0-9a-f]{64}/,
    });
    bench.server.putManifest('team/os', encodeArtifact({ ...one, uki: two.uki }), IMAGE, '4');
    await assert.rejects(pull(bench, out, '4'), { code: 'bad-artifact', message: /of another UKI/ });
    assert.deepEqual(
      readdirSync(bench.folder).filter((name) => name.startsWith('out')),
      [],
    );
  });

  test('bytes that are wrong and as many', async () => {
    await using bench = await setUp();
    await push(bench);
    const { root } = parseArtifact(bench.server.manifest('team/os', '1') ?? new Uint8Array(), 'x');
    bench.server.addFault({
      kind: 'wrong-bytes',
      path: new RegExp(root.digest.slice(7)),
      method: 'GET',
      times: 99,
    });
    await assert.rejects(pull(bench), { code: 'digest-mismatch' });
    assert.deepEqual(
      readdirSync(bench.folder).filter((name) => name.startsWith('out')),
      [],
    );
  });

  const good = { digest: `sha256:${'0'.repeat(64)}`, size: 3 } as const;
  const artifact = { description: good, root: good, uki: good, sbom: good, annotations: {} };
  const BAD: readonly (readonly [
    name: string,
    change: (manifest: Record<string, unknown>) => unknown,
    code: string,
  ])[] = [
    ['an image', () => ({ schemaVersion: 2, config: good, layers: [] }), 'not-a-release'],
    ['another type', (manifest) => ({ ...manifest, artifactType: 'x/y' }), 'not-a-release'],
    ['no root', (manifest) => ({ ...manifest, layers: [] }), 'bad-artifact'],
    [
      'two roots',
      (manifest) => ({
        ...manifest,
        layers: [...(manifest['layers'] as object[]), (manifest['layers'] as object[])[0]],
      }),
      'bad-artifact',
    ],
    [
      'a huge UKI',
      () =>
        JSON.parse(Buffer.from(encodeArtifact({ ...artifact, uki: { ...good, size: 2 ** 40 } })).toString()),
      'bad-artifact',
    ],
    [
      'a path for a digest',
      () =>
        JSON.parse(
          Buffer.from(
            encodeArtifact({ ...artifact, uki: { ...good, digest: 'sha256:../../etc' } }),
          ).toString(),
        ),
      'not-a-release',
    ],
  ];
  for (const [name, change, code] of BAD) {
    test(`a manifest with ${name}`, () => {
      const manifest = JSON.parse(Buffer.from(encodeArtifact(artifact)).toString());
      const bytes = Buffer.from(JSON.stringify(change(manifest)));
      assert.throws(() => parseArtifact(bytes, 'x'), { code });
    });
  }
});

suite('frames', () => {
  const source = memorySource(
    Buffer.concat([Buffer.alloc(FRAME_SIZE, 'a'), NOISE, Buffer.alloc(FRAME_SIZE + 1000, 'b')]),
  );

  test('the same bytes give the same frames, with the table that they fill', async () => {
    const [one, two] = [memoryTarget(), memoryTarget()];
    const written = await writeFrames(source, one, { level: 1 });
    assert.deepEqual(await writeFrames(source, two, { level: 1 }), written);
    assert.ok(Buffer.from(one.bytes()).equals(two.bytes()));
    assert.equal(sha256Hex(one.bytes()), written.sha256);
    const frames = await readSeekTable(memorySource(one.bytes()));
    assert.deepEqual(
      frames.map(({ size }) => size),
      [FRAME_SIZE, FRAME_SIZE, FRAME_SIZE, 1000],
    );
    const back = memoryTarget();
    await unpackFrames(memorySource(one.bytes()), back, source.size);
    assert.equal(sha256Hex(back.bytes()), sha256Hex(await collect()));
  });

  async function collect(): Promise<Uint8Array> {
    const bytes = new Uint8Array(source.size);
    await source.read(0, bytes);
    return bytes;
  }

  const table = encodeSeekTable([{ compressed: 10, size: 20 }]);
  const WRONG: readonly (readonly [name: string, table: Uint8Array, fileSize: number])[] = [
    ['cut short', table.subarray(0, 12), 35],
    ['without its end', table.subarray(0, -1), 34],
    ['of another file', table, 36],
    ['without a frame', encodeSeekTable([]), 17],
    ['with an empty frame', encodeSeekTable([{ compressed: 10, size: 0 }]), 35],
    ['with a frame that unpacks to too much', encodeSeekTable([{ compressed: 10, size: 2 ** 31 }]), 35],
  ];
  for (const [name, bytes, fileSize] of WRONG) {
    test(`a table ${name} is refused`, () => {
      assert.throws(() => parseSeekTable(bytes, fileSize, 1 << 24), { code: 'bad-artifact' });
    });
  }
  test('a table is read back', () => {
    assert.deepEqual(parseSeekTable(table, 10 + table.length, 1 << 24), [{ compressed: 10, size: 20 }]);
  });

  test('a frame that unpacks to more than it says is no bomb', async () => {
    const target = memoryTarget();
    await writeFrames(memorySource(Buffer.alloc(1 << 20)), target, { level: 1 });
    const bytes = Buffer.from(target.bytes());
    const size = encodeSeekTable([{ compressed: 1, size: 1 }]).length;
    const packed = bytes.length - size;
    const lying = Buffer.concat([
      bytes.subarray(0, packed),
      encodeSeekTable([{ compressed: packed, size: 1000 }]),
    ]);
    await assert.rejects(unpackFrames(memorySource(lying), memoryTarget(), 1000), {
      code: 'bad-artifact',
      message: /frame 0/,
    });
  });
});

test('a release that is not whole is not pushed', async () => {
  await using bench = await setUp();
  const folder = join(bench.folder, 'release');
  await render(folder, `sha256:${'1'.repeat(64)}`, 'one');
  writeFileSync(join(folder, 'uki.efi'), 'short');
  await assert.rejects(push(bench, folder), { code: 'bad-release' });
  assert.deepEqual(bench.server.tags('team/os'), []);
});
