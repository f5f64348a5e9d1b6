import { createHash } from 'node:crypto';
import { join } from 'node:path';
import { type ByteSource, type ByteTarget, copy, memorySource, teeTarget } from '@cairn/bytes';
import type { Files, OpenFile } from '@cairn/host';

/** What `release.json` says of a file. */
export interface WrittenFile {
  /** In bytes. */
  readonly size: number;
  /** In hexadecimal. */
  readonly sha256: string;
}

/** A new folder that files are put into. */
export class NewFolder {
  readonly #files: Files;
  readonly #path: string;

  private constructor(files: Files, path: string) {
    this.#files = files;
    this.#path = path;
  }

  static async make(files: Files, path: string): Promise<NewFolder> {
    await files.makeDirectory(path);
    return new NewFolder(files, path);
  }

  create(name: string): Promise<OpenFile> {
    return this.#files.open(join(this.#path, name), 'create');
  }

  async put(name: string, content: ByteSource | Uint8Array, signal?: AbortSignal): Promise<WrittenFile> {
    const source = content instanceof Uint8Array ? memorySource(content) : content;
    await using file = await this.create(name);
    const digest = createHash('sha256');
    const hashing: ByteTarget = { write: (_, chunk) => void digest.update(chunk) };
    await copy(source, teeTarget(file, hashing), signal);
    return { size: source.size, sha256: digest.digest('hex') };
  }
}
