import assert from 'node:assert/strict';
import { join } from 'node:path';
import type { TestContext } from 'node:test';
import { OciError, type OciErrorCode } from '../src/error.ts';
import { openImage } from '../src/image.ts';
import { openTree } from '../src/layer/open-tree.ts';
import { parseReference } from '../src/reference.ts';
import type { ImageDoors } from '../src/types.ts';
import { AMD64, dir, doorsIn, file, hardlink, leftovers, scratch, tarOf } from './images.ts';
import { listTree } from './trees.ts';

/** What the image of a reference has in it. */
export async function list(reference: string, doors: ImageDoors): Promise<string[]> {
  await using image = await openImage(parseReference(reference), doors, { platform: AMD64 });
  await using tree = await openTree(image);
  return await listTree(tree.root);
}

/** Opening the image must fail so, and leave no spool. */
export async function refuses(
  reference: string,
  doors: ImageDoors,
  code: OciErrorCode,
  message: RegExp,
): Promise<void> {
  await assert.rejects(list(reference, doors), (cause) => {
    assert.ok(cause instanceof OciError, String(cause));
    assert.match(cause.message, message);
    assert.equal(cause.code, code);
    return true;
  });
  assert.deepEqual(leftovers(doors), { names: [], spools: 0 });
}

/** Two layers, and the tree that they make. */
export const BASE = await tarOf([dir('etc'), file('etc/os-release', 'ID=x'), file('old')]);
export const TOP = await tarOf([file('.wh.old', ''), hardlink('name', 'etc/os-release')]);
export const TREE = ['etc/', 'etc/os-release = ID=x', 'name == etc/os-release'];

/** A layout in `t`'s own folder, and the doors to open it. */
export function layout(t: TestContext): { folder: string; path: string; doors: ImageDoors } {
  const folder = scratch(t);
  return { folder, path: join(folder, 'layout'), doors: doorsIn(folder) };
}
