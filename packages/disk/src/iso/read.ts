import { type ByteSource, byteString, concatSource, readExactly, sliceSource, viewOf } from '@cairn/bytes';
import { DiskError } from '../error.ts';
import { catalogSector, type IsoBootEntry, readCatalog } from './boot.ts';
import { firstRecord, type IsoEntry, parseDirectory, parseRecord, type SystemUse } from './entries.ts';
import { DESCRIPTOR_TYPE, FIRST_DESCRIPTOR, SECTOR, STANDARD_ID, VOLUME } from './format.ts';
import type { IsoExtent } from './layout.ts';
import { malformed } from './malformed.ts';
import { skippedBytes } from './system-use.ts';

export interface IsoPath {
  /** Without a leading slash. */
  readonly path: string;
  readonly entry: IsoEntry;
}

interface Shape {
  readonly volumeId: string;
  readonly size: number;
  readonly applicationUse: Uint8Array;
  readonly bootEntries: readonly IsoBootEntry[];
  readonly root: IsoExtent;
  readonly systemUse: SystemUse | undefined;
}

const MAX_DESCRIPTORS = 64;
/** Folders of a hundred thousand names are below it. */
const MAX_DIRECTORY_SIZE = 32 << 20;

/**
 * Opens an ISO 9660 volume for reading, by the names of Rock Ridge where it has them. What is read is checked against the
 * size of the source.
 *
 * @throws DiskError `iso-malformed` when it is not an ISO, or damaged
 */
export async function openIso(
  source: ByteSource,
  options: { signal?: AbortSignal } = {},
): Promise<IsoVolume> {
  return new IsoVolume(source, await readShape(source, options.signal));
}

async function readShape(source: ByteSource, signal?: AbortSignal): Promise<Shape> {
  let primary: Uint8Array | undefined;
  let catalog: number | undefined;
  for (let index = 0; index < MAX_DESCRIPTORS; index++) {
    const position = (FIRST_DESCRIPTOR + index) * SECTOR;
    if (position + SECTOR > source.size) throw malformed('it ends before its descriptors do');
    const bytes = await readExactly(source, position, SECTOR, signal);
    const standardId = byteString(bytes.subarray(VOLUME.standardId, VOLUME.version));
    if (standardId !== STANDARD_ID) throw malformed(`sector ${position / SECTOR} has no descriptor`);
    const type = bytes[VOLUME.type];
    if (type === DESCRIPTOR_TYPE.terminator) break;
    if (type === DESCRIPTOR_TYPE.primary) primary ??= bytes;
    if (type === DESCRIPTOR_TYPE.boot) catalog ??= catalogSector(bytes);
  }
  if (primary === undefined) throw malformed('it has no primary volume descriptor');
  const view = viewOf(primary);
  const blockSize = view.getUint16(VOLUME.blockSize, true);
  if (blockSize !== SECTOR) throw malformed(`its blocks have ${blockSize} bytes`);
  const size = view.getUint32(VOLUME.spaceSize, true) * SECTOR;
  if (size > source.size) throw malformed(`of its ${size} bytes there are only ${source.size}`);
  const { extent: root } = parseRecord(primary.subarray(VOLUME.rootRecord, VOLUME.volumeSetId), source.size);
  const self = firstRecord(await readDirectory(source, root, signal), source.size);
  const skip = self && skippedBytes(self.systemUse);
  const volumeId = byteString(primary.subarray(VOLUME.volumeId, VOLUME.volumeId + VOLUME.volumeIdLength));
  return {
    volumeId: volumeId.trimEnd(),
    size,
    applicationUse: primary.slice(VOLUME.applicationUse, VOLUME.applicationUse + VOLUME.applicationUseLength),
    bootEntries: catalog === undefined ? [] : await readCatalog(source, catalog, signal),
    root,
    systemUse: skip === undefined ? undefined : { skip },
  };
}

async function readDirectory(
  source: ByteSource,
  extent: IsoExtent,
  signal?: AbortSignal,
): Promise<Uint8Array> {
  if (extent.size > MAX_DIRECTORY_SIZE) throw malformed(`a folder cannot have ${extent.size} bytes`);
  if (extent.size === 0) return new Uint8Array();
  return readExactly(source, extent.position, extent.size, signal);
}

/**
 * An ISO 9660 volume that is read. Paths are names separated by `/`; the root is `/` or empty. Methods throw DiskError:
 * `iso-malformed` for damage, `iso-not-found` where nothing of that kind is at the path.
 */
export class IsoVolume {
  readonly #source: ByteSource;
  readonly #shape: Shape;

  constructor(source: ByteSource, shape: Shape) {
    this.#source = source;
    this.#shape = shape;
  }

  get volumeId(): string {
    return this.#shape.volumeId;
  }

  /** In bytes. */
  get size(): number {
    return this.#shape.size;
  }

  get hasRockRidge(): boolean {
    return this.#shape.systemUse !== undefined;
  }

  /** 512 bytes. */
  get applicationUse(): Uint8Array {
    return this.#shape.applicationUse;
  }

  get bootEntries(): readonly IsoBootEntry[] {
    return this.#shape.bootEntries;
  }

  async list(path: string, options: { signal?: AbortSignal } = {}): Promise<readonly IsoEntry[]> {
    const names = splitPath(path);
    const entry = await this.#find(names, options.signal);
    if (names.length > 0 && entry?.kind !== 'directory') throw notFound(path, 'folder');
    return this.#load(entry?.extents[0] ?? this.#shape.root, options.signal);
  }

  /** Undefined where there is nothing; the root has no entry. */
  stat(path: string, options: { signal?: AbortSignal } = {}): Promise<IsoEntry | undefined> {
    return this.#find(splitPath(path), options.signal);
  }

  /** A file's bytes, by its path or by what `walk` found. */
  async open(file: string | IsoPath, options: { signal?: AbortSignal } = {}): Promise<ByteSource> {
    const path = typeof file === 'string' ? file : file.path;
    const entry = typeof file === 'string' ? await this.#find(splitPath(file), options.signal) : file.entry;
    if (entry?.kind !== 'file') throw notFound(path, 'file');
    const parts = entry.extents.filter(({ size }) => size > 0);
    return concatSource(parts.map(({ position, size }) => sliceSource(this.#source, position, size)));
  }

  /** All files and folders, parents before children. Fails where a folder is found twice, as one inside of itself is. */
  async *walk(options: { signal?: AbortSignal } = {}): AsyncGenerator<IsoPath> {
    const seen = new Set<number>();
    const pending = [{ path: '', extent: this.#shape.root }];
    let left = this.#source.size;
    for (let folder = pending.pop(); folder !== undefined; folder = pending.pop()) {
      if (seen.has(folder.extent.position)) throw malformed(`the folder "${folder.path}" is there twice`);
      seen.add(folder.extent.position);
      // Folders that overlap could take any time to walk.
      left -= folder.extent.size;
      if (left < 0) throw malformed('its folders are larger than itself');
      const folders: typeof pending = [];
      for (const entry of await this.#load(folder.extent, options.signal)) {
        const path = folder.path === '' ? entry.name : `${folder.path}/${entry.name}`;
        yield { path, entry };
        const [extent] = entry.extents;
        if (entry.kind === 'directory' && extent !== undefined) folders.push({ path, extent });
      }
      pending.push(...folders.reverse());
    }
  }

  async #find(names: readonly string[], signal?: AbortSignal): Promise<IsoEntry | undefined> {
    let extent = this.#shape.root;
    let found: IsoEntry | undefined;
    for (const name of names) {
      if (found?.kind === 'file') return undefined;
      found = (await this.#load(extent, signal)).find((entry) => entry.name === name);
      if (found === undefined) return undefined;
      extent = found.extents[0] ?? extent;
    }
    return found;
  }

  async #load(extent: IsoExtent, signal?: AbortSignal): Promise<IsoEntry[]> {
    const bytes = await readDirectory(this.#source, extent, signal);
    return parseDirectory(bytes, this.#source, this.#shape.systemUse, signal);
  }
}

function splitPath(path: string): string[] {
  return path.split('/').filter((name) => name !== '');
}

function notFound(path: string, kind: string): DiskError {
  return new DiskError('iso-not-found', `there is no ${kind} "${path}" on this ISO`);
}
