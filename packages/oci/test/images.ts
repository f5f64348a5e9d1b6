import { execFileSync } from 'node:child_process';
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readlinkSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import type { TestContext } from 'node:test';
import { gzipSync, zstdCompressSync } from 'node:zlib';
import { memorySource, memoryTarget } from '@cairn/bytes';
import { realHost } from '@cairn/host';
import { type NewTarEntry, TarWriter } from '@cairn/tar';
import { type Digest, digestOf, hexOf } from '../src/digest.ts';
import type { LayerTar } from '../src/layer/merge.ts';
import { OCI_CONFIG, OCI_INDEX, OCI_LAYER, OCI_MANIFEST } from '../src/media-types.ts';
import type { ImageDoors } from '../src/types.ts';

export const AMD64 = { os: 'linux', architecture: 'amd64' } as const;

/** A folder of the test's own, gone after it. */
export function scratch(t: TestContext): string {
  const folder = mkdtempSync(join(tmpdir(), 'cairn-oci-'));
  t.after(() => rmSync(folder, { recursive: true, force: true }));
  return folder;
}

export function doorsIn(folder: string): ImageDoors {
  const { files, programs } = realHost();
  return { files, programs, workFolder: join(folder, 'work') };
}

/** What the work folder holds, and how many spools are open. */
export function leftovers(doors: ImageDoors): { readonly names: string[]; readonly spools: number } {
  const open = readdirSync('/proc/self/fd').map((number) => linkOf(`/proc/self/fd/${number}`));
  return {
    names: existsSync(doors.workFolder) ? readdirSync(doors.workFolder) : [],
    spools: open.filter((path) => path.startsWith(doors.workFolder)).length,
  };
}

/** Files that were closed since the folder was read are no longer there. */
function linkOf(path: string): string {
  try {
    return readlinkSync(path);
  } catch {
    return '';
  }
}

export async function tarOf(entries: readonly NewTarEntry[]): Promise<Uint8Array> {
  const target = memoryTarget();
  const writer = new TarWriter(target);
  for (const entry of entries) await writer.add(entry);
  await writer.finish();
  return target.bytes();
}

export function dir(path: string, more: Partial<NewTarEntry> = {}): NewTarEntry {
  return { path, kind: 'directory', ...more };
}

export function file(path: string, text = path, more: Partial<NewTarEntry> = {}): NewTarEntry {
  return { path, kind: 'file', content: memorySource(Buffer.from(text)), ...more };
}

export function symlink(path: string, linkTarget: string): NewTarEntry {
  return { path, kind: 'symlink', linkTarget };
}

export function hardlink(path: string, linkTarget: string): NewTarEntry {
  return { path, kind: 'hardlink', linkTarget };
}

/** Layers named `1`, `2`, ... from the lowest. */
export async function layersOf(...layers: readonly (readonly NewTarEntry[])[]): Promise<LayerTar[]> {
  const tars: LayerTar[] = [];
  for (const [index, entries] of layers.entries()) {
    tars.push({ name: String(index + 1), tar: memorySource(await tarOf(entries)) });
  }
  return tars;
}

export interface TestLayer {
  readonly blob: Uint8Array;
  readonly mediaType: string;
  readonly diffId: Digest;
}

export function plainLayer(tar: Uint8Array): TestLayer {
  return { blob: tar, mediaType: OCI_LAYER, diffId: digestOf(tar) };
}

export function gzipLayer(tar: Uint8Array): TestLayer {
  return { blob: gzipSync(tar), mediaType: `${OCI_LAYER}+gzip`, diffId: digestOf(tar) };
}

export function zstdLayer(tar: Uint8Array): TestLayer {
  return { blob: zstdCompressSync(tar), mediaType: `${OCI_LAYER}+zstd`, diffId: digestOf(tar) };
}

/** A descriptor as JSON has it. */
export interface DescriptorJson {
  readonly mediaType: string;
  readonly digest: string;
  readonly size: number;
  readonly [more: string]: unknown;
}

export type PutBlob = (bytes: Uint8Array | string) => { digest: Digest; size: number };

/** Puts blobs into a layout folder. */
export function blobsIn(folder: string): PutBlob {
  return (given) => {
    const bytes = typeof given === 'string' ? Buffer.from(given) : given;
    const digest = digestOf(bytes);
    const path = join(folder, 'blobs/sha256', hexOf(digest));
    mkdirSync(dirname(path), { recursive: true });
    writeFileSync(path, bytes);
    return { digest, size: bytes.length };
  };
}

/** Puts an image's blobs in place, and gives the descriptor of its manifest. What a test must see go wrong goes into `config` and `manifest`. */
export function putImage(
  put: PutBlob,
  layers: readonly TestLayer[],
  change: { config?: object; manifest?: object; platform?: object | null; annotations?: object } = {},
): DescriptorJson {
  const config = {
    architecture: 'amd64',
    os: 'linux',
    config: { Env: ['PATH=/bin'], Labels: { base: 'yes' } },
    rootfs: { type: 'layers', diff_ids: layers.map((layer) => layer.diffId) },
    history: layers.map((_, index) => ({ created: '2024-01-01T00:00:00Z', created_by: `step ${index}` })),
    ...change.config,
  };
  const manifest = {
    schemaVersion: 2,
    mediaType: OCI_MANIFEST,
    config: { mediaType: OCI_CONFIG, ...put(JSON.stringify(config)) },
    layers: layers.map(({ mediaType, blob }) => ({ mediaType, ...put(blob) })),
    ...change.manifest,
  };
  const descriptor = { mediaType: OCI_MANIFEST, ...put(JSON.stringify(manifest)) };
  return {
    ...descriptor,
    ...(change.platform === null ? {} : { platform: change.platform ?? AMD64 }),
    ...(change.annotations === undefined ? {} : { annotations: change.annotations }),
  };
}

export function tagged(descriptor: DescriptorJson, tag: string): DescriptorJson {
  return { ...descriptor, annotations: { 'org.opencontainers.image.ref.name': tag } };
}

export function writeIndex(folder: string, manifests: readonly DescriptorJson[]): void {
  mkdirSync(folder, { recursive: true });
  writeFileSync(join(folder, 'oci-layout'), '{"imageLayoutVersion":"1.0.0"}');
  writeFileSync(
    join(folder, 'index.json'),
    JSON.stringify({ schemaVersion: 2, mediaType: OCI_INDEX, manifests }),
  );
}

/** A layout with one image. */
export function writeImage(folder: string, layers: readonly TestLayer[], tag = 'latest'): void {
  writeIndex(folder, [tagged(putImage(blobsIn(folder), layers), tag)]);
}

export function run(program: string, ...args: readonly string[]): string {
  return execFileSync(program, args, { encoding: 'utf8', stdio: ['ignore', 'pipe', 'pipe'] });
}
