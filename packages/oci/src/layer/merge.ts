import { type ByteSource, type ByteString, toText } from '@cairn/bytes';
import { readTar, type TarEntry, TarError } from '@cairn/tar';
import { type Attributes, type Directory, type Inode, makeDirectory, NO_XATTRS } from '@cairn/tree';
import { OciError } from '../error.ts';
import { quoted } from '../quote.ts';
import {
  type EntryPlace,
  entryError,
  type Intent,
  intentOf,
  isFolderName,
  namesOf,
  PATH_LIMIT,
} from './names.ts';
import { walkTo } from './resolve.ts';

/** What all layers of an image together may be. */
export interface MergeLimits {
  readonly entries: number;
}

export const DEFAULT_MERGE_LIMITS: MergeLimits = { entries: 5_000_000 };

export interface MergeOptions {
  readonly limits?: MergeLimits;
  readonly signal?: AbortSignal | undefined;
}

/** A layer's tar, uncompressed. */
export interface LayerTar {
  /** What to call it in errors: a short digest, or a file's name. */
  readonly name: string;
  readonly tar: ByteSource;
}

/**
 * Lays the layers over one another, the lowest first, as a container engine does on disk. The files' contents are
 * views of the tars, which must stay open for as long as the tree is used.
 *
 * What holds (OCI image specification, layer.md, "Applying Changesets"):
 * - whiteouts apply to lower layers only, wherever in a layer they stand;
 * - a folder over a folder takes the new attributes and keeps its entries; anything else replaces what was there;
 * - a hard link shares the inode which its target has at that moment, from this layer or a lower one, with the
 *   attributes that it has: those in the link's own header say nothing new;
 * - links in the middle of a path are followed, never out of the root;
 * - a folder that only shows in its entries' paths is root's, mode 0755, with the mtime of the first such entry.
 *
 * @throws OciError `invalid-layer` that names layer and entry, `too-large`
 */
export async function mergeLayers(
  layers: readonly LayerTar[],
  options: MergeOptions = {},
): Promise<Directory> {
  const merger = new Merger(options);
  for (const { name, tar } of layers) await merger.apply(tar, `layer ${name}`);
  return merger.root;
}

/** The files of one tar that is not a layer but an archive around an image; `label` names it in errors. */
export async function readArchive(tar: ByteSource, label: string, options: MergeOptions): Promise<Directory> {
  const merger = new Merger(options);
  await merger.apply(tar, label);
  return merger.root;
}

/** One entry of the layer that is being applied. */
interface Change {
  readonly intent: Intent;
  readonly entry: TarEntry;
  readonly place: EntryPlace;
}

class Merger {
  root: Directory = makeDirectory();
  readonly #options: MergeOptions;
  #entries = 0;

  constructor(options: MergeOptions) {
    this.#options = options;
  }

  async apply(tar: ByteSource, label: string): Promise<void> {
    // Nothing lies below the lowest layer: its whiteouts do nothing, and its entries need not wait for them.
    const isLowest = this.#entries === 0;
    const whiteouts: Change[] = [];
    const additions: Change[] = [];
    try {
      for await (const entry of this.#entriesOf(tar)) {
        const change = this.#changeOf(entry, label);
        const { kind } = change.intent;
        if (kind === 'add' && isLowest) this.#add(change);
        else if (kind === 'add') additions.push(change);
        else if (kind !== 'ignore' && !isLowest) whiteouts.push(change);
      }
    } catch (cause) {
      throw cause instanceof TarError ? layerError(cause, label) : cause;
    }
    if (whiteouts.length > 0) {
      const own = new Set(additions.map(({ intent }) => intent.names.join('/')));
      for (const whiteout of whiteouts) this.#remove(whiteout, own);
    }
    for (const addition of additions) this.#add(addition);
  }

  #entriesOf(tar: ByteSource): AsyncGenerator<TarEntry> {
    const { signal } = this.#options;
    // They are counted here, over all layers.
    const limits = { entries: Number.MAX_SAFE_INTEGER };
    return readTar(tar, signal === undefined ? { limits } : { limits, signal });
  }

  #changeOf(entry: TarEntry, label: string): Change {
    const { limits = DEFAULT_MERGE_LIMITS } = this.#options;
    if (++this.#entries > limits.entries) {
      throw new OciError('too-large', `${label}: the image has more than ${limits.entries} entries`);
    }
    const place = { label, path: entry.path };
    return { intent: intentOf(place), entry, place };
  }

  /**
   * A link that the layer itself replaces is not followed: below the folder which takes its place, lower layers
   * have nothing to remove.
   */
  #remove({ intent, place }: Change, own: ReadonlySet<ByteString>): void {
    const { kind, names } = intent;
    const hidden = kind === 'whiteout' ? names.at(-1) : undefined;
    const directory = walkTo(this.root, hidden === undefined ? names : names.slice(0, -1), place, {
      missing: () => undefined,
      blocked() {},
      follow: (path) => !own.has(path),
    });
    if (hidden === undefined) directory?.entries.clear();
    else directory?.entries.delete(hidden);
  }

  #add({ intent: { names }, entry, place }: Change): void {
    const name = names.at(-1);
    if (name === undefined) {
      if (entry.kind !== 'directory') throw entryError(place, 'would replace the root, and is not a folder');
      this.root = directoryOf(entry, this.root);
      return;
    }
    const parent = this.#parentOf(names, entry, place);
    parent.entries.set(name, this.#inodeOf(entry, place, parent.entries.get(name)));
  }

  #parentOf(names: readonly ByteString[], entry: TarEntry, place: EntryPlace): Directory {
    const parent = walkTo(this.root, names.slice(0, -1), place, {
      missing(directory, name) {
        if (!isFolderName(name)) {
          throw entryError(place, `lies below ${quoted(toText(name))}, which cannot be made`);
        }
        const implied = makeDirectory({ mtime: entry.mtime });
        directory.entries.set(name, implied);
        return implied;
      },
      blocked(path) {
        throw entryError(place, `lies below ${quoted(toText(path))}, which is not a folder`);
      },
      follow: () => true,
    });
    if (parent === undefined) throw entryError(place, 'has no folder to be put into');
    return parent;
  }

  #inodeOf(entry: TarEntry, place: EntryPlace, existing: Inode | undefined): Inode {
    const attributes = attributesOf(entry);
    switch (entry.kind) {
      case 'directory':
        return directoryOf(entry, existing);
      case 'hardlink':
        return this.#linked(entry, place);
      case 'symlink':
        return { kind: 'symlink', ...attributes, target: checkTarget(entry.linkTarget, place) };
      case 'file':
        return { kind: 'file', ...attributes, content: entry.content };
      case 'character-device':
      case 'block-device': {
        const { kind, major, minor } = entry;
        return { kind, ...attributes, major, minor };
      }
      case 'fifo':
        break;
    }
    return { kind: 'fifo', ...attributes };
  }

  /** The inode that a hard link is another name of. */
  #linked(entry: TarEntry, place: EntryPlace): Inode {
    const names = namesOf(entry.linkTarget, place, 'a link target');
    const name = names.at(-1);
    const directory = walkTo(this.root, names.slice(0, -1), place, {
      missing: () => undefined,
      blocked() {},
      follow: () => true,
    });
    const inode = name === undefined ? this.root : directory?.entries.get(name);
    const target = quoted(toText(entry.linkTarget));
    if (inode === undefined) throw entryError(place, `is a hard link to ${target}, which is not there`);
    if (inode.kind === 'directory') throw entryError(place, `is a hard link to ${target}, which is a folder`);
    return inode;
  }
}

function layerError(cause: TarError, label: string): OciError {
  const code = cause.code === 'limit' ? 'too-large' : 'invalid-layer';
  return new OciError(code, `${label}: ${cause.message}`, { cause });
}

/** A folder with an entry's attributes, and the entries of the folder that it is laid over. */
function directoryOf(entry: TarEntry, existing: Inode | undefined): Directory {
  const entries = existing?.kind === 'directory' ? existing.entries : new Map<ByteString, Inode>();
  return { kind: 'directory', ...attributesOf(entry), entries };
}

function attributesOf({ mode, uid, gid, mtime, xattrs }: TarEntry): Attributes {
  return { mode, uid, gid, mtime, xattrs: xattrs.size === 0 ? NO_XATTRS : xattrs };
}

/** A link's target may be any bytes that symlink(2) takes. */
function checkTarget(target: ByteString, place: EntryPlace): ByteString {
  if (target === '') throw entryError(place, 'is a link without a target');
  if (target.includes('\0')) throw entryError(place, 'is a link whose target holds a NUL');
  if (target.length >= PATH_LIMIT) throw entryError(place, `is a link to more than ${PATH_LIMIT - 1} bytes`);
  return target;
}
