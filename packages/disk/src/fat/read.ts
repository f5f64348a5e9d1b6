import { type ByteSource, concatSource, readInto, sliceSource } from '@cairn/bytes';
import { DiskError } from '../error.ts';
import { type Chain, readChain } from './chain.ts';
import { type FatEntry, parseDirectory } from './entries.ts';
import { FIRST_CLUSTER, MAX_DIRECTORY_SIZE } from './format.ts';
import { foldCase } from './names.ts';
import { readShape, type VolumeShape } from './volume.ts';

export interface FatPath {
  /** Without a leading slash. */
  readonly path: string;
  readonly entry: FatEntry;
}

/** A folder: where its chain begins, and its path for messages. */
interface Folder {
  readonly path: string;
  readonly firstCluster: number;
}

interface LoadedFolder {
  readonly entries: readonly FatEntry[];
  readonly chain: Chain;
}

/**
 * Opens a FAT32 volume for reading (Microsoft FAT specification). What is read is checked: numbers from the boot sector
 * against the volume's size, chains of clusters against loops and against the size of what they hold.
 *
 * @throws DiskError `fat-malformed` when it is not FAT32, or damaged
 */
export async function openFat32(
  source: ByteSource,
  options: { signal?: AbortSignal } = {},
): Promise<Fat32Volume> {
  return new Fat32Volume(source, await readShape(source, options.signal));
}

/**
 * A FAT32 volume that is read. Paths are names separated by `/`, in upper or lower case; the root is `/` or empty.
 * Methods throw DiskError: `fat-malformed` for damage, `fat-not-found` where nothing of that kind is at the path.
 */
export class Fat32Volume {
  readonly #source: ByteSource;
  readonly #shape: VolumeShape;

  constructor(source: ByteSource, shape: VolumeShape) {
    this.#source = source;
    this.#shape = shape;
  }

  get label(): string {
    return this.#shape.label;
  }

  get volumeId(): number {
    return this.#shape.volumeId;
  }

  /** Bytes. */
  get clusterSize(): number {
    return this.#shape.clusterSize;
  }

  get clusters(): number {
    return this.#shape.clusters;
  }

  async list(path: string, options: { signal?: AbortSignal } = {}): Promise<readonly FatEntry[]> {
    const names = splitPath(path);
    const entry = await this.#find(names, options.signal);
    if (names.length > 0 && entry?.kind !== 'directory') throw notFound(path, 'folder');
    const folder = entry === undefined ? this.#root() : { path, firstCluster: entry.firstCluster };
    return (await this.#load(folder, options.signal)).entries;
  }

  /** Undefined where there is nothing; the root has no entry. */
  stat(path: string, options: { signal?: AbortSignal } = {}): Promise<FatEntry | undefined> {
    return this.#find(splitPath(path), options.signal);
  }

  /**
   * A file's content, by its path, or by what `walk` found, which needs no looking up again. Its chain is checked here;
   * its bytes are read when they are wanted.
   */
  async open(file: string | FatPath, options: { signal?: AbortSignal } = {}): Promise<ByteSource> {
    const path = typeof file === 'string' ? file : file.path;
    const entry = typeof file === 'string' ? await this.#find(splitPath(file), options.signal) : file.entry;
    if (entry?.kind !== 'file') throw notFound(path, 'file');
    return this.#content(path, entry, options.signal);
  }

  /** All files and folders, parents before children. Fails where two folders share clusters, as one inside of itself does. */
  async *walk(options: { signal?: AbortSignal } = {}): AsyncGenerator<FatPath> {
    const seen = new Set<number>();
    const pending: Folder[] = [this.#root()];
    for (let folder = pending.pop(); folder !== undefined; folder = pending.pop()) {
      const { entries, chain } = await this.#load(folder, options.signal);
      for (const { first, count } of chain.runs) {
        for (let cluster = first; cluster < first + count; cluster++) {
          if (seen.has(cluster)) {
            throw new DiskError('fat-malformed', `the folder "${folder.path}" shares clusters with another`);
          }
          seen.add(cluster);
        }
      }
      const folders: Folder[] = [];
      for (const entry of entries) {
        const path = folder.path === '' ? entry.name : `${folder.path}/${entry.name}`;
        yield { path, entry };
        if (entry.kind === 'directory') folders.push({ path, firstCluster: entry.firstCluster });
      }
      pending.push(...folders.reverse());
    }
  }

  #root(): Folder {
    return { path: '', firstCluster: this.#shape.rootCluster };
  }

  async #find(names: readonly string[], signal?: AbortSignal): Promise<FatEntry | undefined> {
    let folder = this.#root();
    let found: FatEntry | undefined;
    for (const [depth, name] of names.entries()) {
      if (depth > 0 && found?.kind !== 'directory') return undefined;
      const { entries } = await this.#load(folder, signal);
      const folded = foldCase(name);
      found = entries.find((entry) => foldCase(entry.name) === folded || entry.shortName === folded);
      if (found === undefined) return undefined;
      folder = { path: names.slice(0, depth + 1).join('/'), firstCluster: found.firstCluster };
    }
    return found;
  }

  async #load(folder: Folder, signal?: AbortSignal): Promise<LoadedFolder> {
    const { clusterSize } = this.#shape;
    const chain = await readChain(this.#source, this.#shape, folder.firstCluster, {
      limit: Math.ceil(MAX_DIRECTORY_SIZE / clusterSize),
      owner: `the folder "${folder.path}"`,
      signal,
    });
    const bytes = new Uint8Array(chain.clusters * clusterSize);
    let position = 0;
    for (const run of chain.runs) {
      const part = bytes.subarray(position, position + run.count * clusterSize);
      await readInto(this.#source, this.#position(run.first), part, signal);
      position += part.length;
    }
    return { entries: parseDirectory(bytes, folder.path), chain };
  }

  async #content(path: string, entry: FatEntry, signal?: AbortSignal): Promise<ByteSource> {
    const { clusterSize } = this.#shape;
    const limit = Math.ceil(entry.size / clusterSize);
    if (limit === 0) return concatSource([]);
    const chain = await readChain(this.#source, this.#shape, entry.firstCluster, {
      limit,
      owner: `"${path}"`,
      signal,
    });
    if (chain.clusters < limit) {
      throw new DiskError(
        'fat-malformed',
        `"${path}" has ${entry.size} bytes, but only ${chain.clusters} clusters of ${clusterSize}`,
      );
    }
    const parts = chain.runs.map((run) =>
      sliceSource(this.#source, this.#position(run.first), run.count * clusterSize),
    );
    return sliceSource(concatSource(parts), 0, entry.size);
  }

  #position(cluster: number): number {
    return this.#shape.dataPosition + (cluster - FIRST_CLUSTER) * this.#shape.clusterSize;
  }
}

function splitPath(path: string): string[] {
  return path.split('/').filter((name) => name !== '');
}

function notFound(path: string, kind: string): DiskError {
  return new DiskError('fat-not-found', `there is no ${kind} "${path}" on this volume`);
}
