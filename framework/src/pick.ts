import { type ByteString, readAll, toText } from '@cairn/bytes';
import { type Directory, type Found, lookup, makeDirectory, place, type RegularFile } from '@cairn/tree';
import { isElf, parseElf } from './elf.ts';
import { FrameworkError } from './error.ts';

const ELF_LIMIT = 256 << 20;

/** Where Debian's loader looks, in its order (ld.so(8)); `systemd` keeps its own two beside. */
const LIBRARY_FOLDERS = [
  '/usr/lib/x86_64-linux-gnu',
  '/usr/lib',
  '/usr/lib64',
  '/usr/lib/x86_64-linux-gnu/systemd',
];

/**
 * Takes files out of a tree into a new one, each with all that it needs to run: the links that lead to it, its
 * loader and, transitively, the libraries it is linked to.
 */
export class Picker {
  readonly #from: Directory;
  readonly #to: Directory;
  readonly #taken = new Set<ByteString>();
  readonly #libraries = new Map<string, RegularFile>();

  constructor(from: Directory, to: Directory = makeDirectory()) {
    this.#from = from;
    this.#to = to;
  }

  get tree(): Directory {
    return this.#to;
  }

  /** The libraries taken so far, by the names they are linked by. */
  get libraries(): ReadonlyMap<string, RegularFile> {
    return this.#libraries;
  }

  /** @throws FrameworkError `missing-file`, `missing-library`: the packages have changed, and the recipe must follow. */
  async take(path: ByteString): Promise<void> {
    const found = this.#step(path);
    if (this.#taken.has(found.path)) return;
    this.#taken.add(found.path);
    place(this.#to, found.path, found.inode);
    if (found.inode.kind === 'symlink') {
      const target = found.inode.target;
      await this.take(
        target.startsWith('/') ? target : `${found.path.slice(0, found.path.lastIndexOf('/'))}/${target}`,
      );
    } else if (found.inode.kind === 'file') {
      await this.#takeLibraries(found.path, found.inode);
    }
  }

  /** A library by the name that it is linked or opened by. */
  async takeLibrary(name: string, wantedBy: string): Promise<void> {
    for (const folder of LIBRARY_FOLDERS) {
      const found = lookup(this.#from, `${folder}/${name}`)?.inode;
      if (found?.kind !== 'file') continue;
      this.#libraries.set(name, found);
      return this.take(`${folder}/${name}`);
    }
    throw new FrameworkError(
      'missing-library',
      `${wantedBy} needs ${name}, which none of the packages brings`,
    );
  }

  /** What is at a path, with the links of its folders followed but not its own: /sbin/x is /usr/sbin/x here. */
  #step(path: ByteString): Found {
    const found = lookup(this.#from, path, { nofollow: true });
    if (found === undefined) {
      throw new FrameworkError('missing-file', `${toText(path)} is in none of the packages`);
    }
    return found;
  }

  async #takeLibraries(path: ByteString, file: RegularFile): Promise<void> {
    const magic = new Uint8Array(4);
    await file.content.read(0, magic);
    if (!isElf(magic)) return;
    const { interpreter, needed } = parseElf(await readAll(file.content, ELF_LIMIT), toText(path));
    if (interpreter !== undefined) await this.take(interpreter);
    for (const name of needed) await this.takeLibrary(name, toText(path));
  }
}
