import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { zstdCompressSync } from 'node:zlib';
import { type Directory, lookupDirectory, makeDirectory } from '@cairn/tree';
import { tarOf } from '../../packages/cli/test/support.ts';
import { plainLayer, writeImage } from '../../packages/oci/test/images.ts';
import { addKernel, sampleTree } from '../../packages/release/test/sample.ts';

/** The sample system after a change, as a tar of which the path is given. */
export async function sampleWith(folder: string, change: (root: Directory) => void): Promise<string> {
  const root = sampleTree();
  change(root);
  const path = join(folder, 'image.tar');
  writeFileSync(path, await tarOf(root));
  return path;
}

/** Takes a name away. */
export function without(root: Directory, ...paths: readonly string[]): void {
  for (const path of paths) {
    const slash = path.lastIndexOf('/');
    lookupDirectory(root, path.slice(0, slash))?.entries.delete(path.slice(slash + 1));
  }
}

/** An image layout with a kernel, its modules, and nothing else. */
export async function writeKernelImage(folder: string, ...versions: readonly string[]): Promise<string> {
  const root = makeDirectory();
  for (const version of versions) addKernel(root, version);
  const path = join(folder, 'kernel');
  writeImage(path, [plainLayer(await tarOf(root))]);
  return path;
}

/** A blob of some kilobytes that unpacks to more than a layer may that is so small: frames of zeros, one after another. */
export function bomb(): Uint8Array {
  const frame = zstdCompressSync(new Uint8Array(64 << 20));
  return Buffer.concat(Array.from({ length: 17 }, () => frame));
}
