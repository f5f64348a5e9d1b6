import { byteString, concatBytes, toText } from '@cairn/bytes';
import { SweepError } from '../error.ts';
import { type FatName, namesLike, parseFatDirectory } from '../fat/directory.ts';
import { type Extent, FatChains, parseFatShape, type ReadSector } from '../fat/volume.ts';
import { type BootEntry, isEntryName, keyValues, parseBootEntry } from './entry.ts';

/** Both copies of the boot loader. */
export const LOADERS = {
  /** What firmware starts from a disk that it has no entry for. */
  fallback: 'EFI/BOOT/BOOTX64.EFI',
  /** What the firmware's own entry names, where there is one. */
  entry: 'EFI/systemd/systemd-bootx64.efi',
} as const;

/** A file on the ESP that is there. */
export type EspFile =
  | { readonly size: number; readonly extents: readonly Extent[]; readonly damage?: undefined }
  | { readonly size: number; readonly damage: string };

export interface EspEntry {
  readonly entry: BootEntry;
  /** What its `efi` names; more than one only where a folder has a name twice. */
  readonly files: readonly EspFile[];
}

/** What the metadata of an ESP says. File contents other than entries are not looked at. */
export interface EspView {
  /** By the keys of `LOADERS`; none where the file is missing. */
  readonly loaders: Readonly<Record<keyof typeof LOADERS, readonly EspFile[]>>;
  /** Those that the boot menu has. */
  readonly entries: readonly EspEntry[];
  /** Names in `loader/entries`, in lower case: none of them can be given to another. */
  readonly names: ReadonlySet<string>;
  /** Why nothing of it can be used. */
  readonly damage: string | undefined;
  /** Why it cannot be said what the loader does. */
  readonly unclear: string | undefined;
}

/** Entries have 200 bytes. */
const ENTRY_LIMIT = 1 << 16;

/** Reads what firmware and boot loader would of an ESP. What they cannot read is said in the view; nothing is thrown. */
export function readEsp(read: ReadSector, sectors: number): EspView {
  try {
    return new EspReader(read, sectors).view();
  } catch (error) {
    if (!(error instanceof SweepError)) throw error;
    const loaders = { fallback: [], entry: [] };
    return { loaders, entries: [], names: new Set(), damage: error.message, unclear: undefined };
  }
}

class EspReader {
  readonly #chains: FatChains;
  readonly #read: ReadSector;
  readonly #folders = new Map<number, FatName[]>();
  readonly #located = new Map<string, EspFile>();

  constructor(read: ReadSector, sectors: number) {
    this.#read = read;
    this.#chains = new FatChains(parseFatShape(read(0), sectors), read);
  }

  view(): EspView {
    const loaders = { fallback: this.#files(LOADERS.fallback), entry: this.#files(LOADERS.entry) };
    const names = this.#folder('loader/entries');
    const entries = names.flatMap((name) => this.#entry(name));
    return {
      loaders,
      entries,
      names: new Set(names.map(({ name }) => name.toLowerCase())),
      damage: undefined,
      unclear: this.#unclearSettings(),
    };
  }

  #entry(name: FatName): EspEntry[] {
    if (name.isDirectory || !isEntryName(name.name) || name.size > ENTRY_LIMIT) return [];
    const file = this.#locate(name);
    if (file.damage !== undefined) return [];
    const entry = parseBootEntry(name.name, toText(byteString(this.#bytes(file.extents, name.size))));
    if (entry === undefined || isOwnPath(entry.loader)) return [];
    const files = this.#files(entry.loader);
    return files.length === 0 ? [] : [{ entry, files }];
  }

  /** The loader's settings can name another entry to start than the first: Cairn's do not. */
  #unclearSettings(): string | undefined {
    for (const name of namesLike(this.#folder('loader'), 'loader.conf')) {
      const file = this.#locate(name);
      if (file.damage !== undefined || name.size > ENTRY_LIMIT) continue;
      for (const [key] of keyValues(toText(byteString(this.#bytes(file.extents, name.size))))) {
        if (key === 'default' || key === 'preferred') {
          return `loader.conf has "${key}", which is not understood here`;
        }
      }
    }
    return undefined;
  }

  #files(path: string): EspFile[] {
    const parts = path.split('/');
    const last = parts.pop() ?? '';
    return namesLike(this.#folder(parts.join('/')), last)
      .filter((name) => !name.isDirectory)
      .map((name) => this.#locate(name));
  }

  /** Several entries start the same file. */
  #locate(name: FatName): EspFile {
    const key = `${name.firstCluster} ${name.size}`;
    const known = this.#located.get(key);
    if (known !== undefined) return known;
    const file = this.#locateAnew(name);
    this.#located.set(key, file);
    return file;
  }

  #locateAnew({ firstCluster, size }: FatName): EspFile {
    try {
      return { size, extents: this.#chains.file(firstCluster, size) };
    } catch (error) {
      if (!(error instanceof SweepError)) throw error;
      return { size, damage: error.message };
    }
  }

  /** Empty where there is none. */
  #folder(path: string): FatName[] {
    let names = this.#names(this.#chains.shape.rootCluster);
    for (const part of path.split('/').filter(Boolean)) {
      const found = namesLike(names, part).find(({ isDirectory }) => isDirectory);
      if (found === undefined) return [];
      names = this.#names(found.firstCluster);
    }
    return names;
  }

  #names(cluster: number): FatName[] {
    const known = this.#folders.get(cluster);
    if (known !== undefined) return known;
    const extents = this.#chains.directory(cluster);
    const size = extents.reduce((sum, { count }) => sum + count * 512, 0);
    const names = parseFatDirectory(this.#bytes(extents, size));
    this.#folders.set(cluster, names);
    return names;
  }

  #bytes(extents: readonly Extent[], size: number): Uint8Array {
    const parts: Uint8Array[] = [];
    for (const { sector, count } of extents) {
      for (let index = 0; index < count; index++) parts.push(this.#read(sector + index));
    }
    return concatBytes(parts).subarray(0, size);
  }
}

/** The loader leaves out an entry for itself. */
function isOwnPath(path: string): boolean {
  return Object.values(LOADERS).some((own) => own.toLowerCase() === path.toLowerCase());
}
