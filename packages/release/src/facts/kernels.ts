import { type ByteString, compareBytes, readExactly } from '@cairn/bytes';
import { type Directory, lookup, lookupDirectory, type RegularFile, sortedEntries } from '@cairn/tree';
import { BZIMAGE_HEAD_SIZE, type BzImage, parseBzImage } from './bzimage.ts';

/** A kernel of an image. */
export interface Kernel {
  /** As `uname -r` prints it, and as its modules' folder is named. */
  readonly version: string;
  readonly image: ByteString;
  /** The folder of its modules; undefined where there is none. */
  readonly modules: ByteString | undefined;
  /** What its header says; undefined if it is not an x86 kernel. */
  readonly bzImage: BzImage | undefined;
}

/** Where modules are: the same folder under both names wherever `/lib` is a link. */
const MODULE_FOLDERS = ['/usr/lib/modules', '/lib/modules'] as const;

const IMAGE_NAME = /^(?:vmlinuz|Image)(?:-([!-~]+))?$/;
/** As the kernel allows in `uname -r`: text and bytes of it are the same. */
const VERSION = /^[!-~]+$/;

/** The folders of modules, by version. */
export function moduleFolders(root: Directory): Map<string, ByteString> {
  const folders = new Map<string, ByteString>();
  for (const parent of MODULE_FOLDERS) {
    const directory = lookupDirectory(root, parent);
    if (directory === undefined) continue;
    for (const [name] of sortedEntries(directory)) {
      if (folders.has(name) || !VERSION.test(name)) continue;
      const found = lookup(root, `${parent}/${name}`);
      if (found?.inode.kind === 'directory') folders.set(name, found.path);
    }
  }
  return folders;
}

/**
 * All kernels of an image, by version: images in `/boot` and beside their modules. One that lies there
 * twice or under several names (`vmlinuz`, `vmlinuz-0-rescue-…`, `vmlinuz-lts`) counts once, since the version is the one in
 * its header; only a kernel that has none there is known by its name.
 */
export async function findKernels(root: Directory, signal?: AbortSignal): Promise<Kernel[]> {
  const folders = moduleFolders(root);
  const kernels = new Map<string, Kernel>();
  for (const candidate of candidates(root, folders)) {
    const found = lookup(root, candidate.path);
    if (found?.inode.kind !== 'file' || found.inode.content.size === 0) continue;
    const bzImage = await readHead(found.inode, signal);
    const version = bzImage?.version ?? candidate.version ?? onlyKey(folders);
    if (version === undefined || kernels.has(version)) continue;
    kernels.set(version, { version, image: found.path, modules: folders.get(version), bzImage });
  }
  return [...kernels.values()].sort((a, b) => compareBytes(a.version, b.version));
}

interface Candidate {
  readonly path: ByteString;
  readonly version: string | undefined;
}

function* candidates(root: Directory, folders: ReadonlyMap<string, ByteString>): Generator<Candidate> {
  const boot = lookupDirectory(root, '/boot');
  for (const [name] of boot === undefined ? [] : sortedEntries(boot)) {
    const match = IMAGE_NAME.exec(name);
    if (match !== null) yield { path: `/boot/${name}`, version: match[1] };
  }
  for (const [version, folder] of folders) {
    for (const name of ['vmlinuz', 'Image']) yield { path: `${folder}/${name}`, version };
  }
}

async function readHead(file: RegularFile, signal?: AbortSignal): Promise<BzImage | undefined> {
  const length = Math.min(file.content.size, BZIMAGE_HEAD_SIZE);
  return parseBzImage(await readExactly(file.content, 0, length, signal));
}

/** An image without any version belongs to the modules if there are only one kernel's. */
function onlyKey(folders: ReadonlyMap<string, unknown>): string | undefined {
  return folders.size === 1 ? [...folders.keys()][0] : undefined;
}
