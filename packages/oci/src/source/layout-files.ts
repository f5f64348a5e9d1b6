import { fromText, readAll } from '@cairn/bytes';
import type { Files } from '@cairn/host';
import { type Directory, lookup, splitPath, TreeError } from '@cairn/tree';
import { OciError } from '../error.ts';
import { borrowed } from '../layer/spool.ts';
import { quoted, readable } from '../quote.ts';
import type { OpenBytes } from '../types.ts';

/** The files of an image layout or of an archive. No path leads out of it. */
export interface LayoutFiles {
  /** undefined where there is no such file. */
  open(path: string): Promise<OpenBytes | undefined>;
}

/** The files of a folder. Links in it are refused: one could lead to any file of the machine. */
export function folderFiles(files: Files, folder: string): LayoutFiles {
  return {
    async open(path) {
      let walked = folder;
      const names = splitPath(path);
      for (const [index, name] of names.entries()) {
        walked += `/${name}`;
        const status = await files.lstat(walked);
        if (status === undefined) return undefined;
        if (status.kind !== (index === names.length - 1 ? 'file' : 'directory')) {
          const what =
            status.kind === 'symlink'
              ? 'is a link, which an image layout must not have'
              : 'is of the wrong kind';
          throw new OciError('invalid-layout', `${walked} ${what}`);
        }
      }
      return files.open(walked, 'read');
    },
  };
}

/** The files of an archive, links followed inside of it. The archive's bytes stay its owner's. */
export function archiveFiles(root: Directory, label: string): LayoutFiles {
  return {
    async open(path) {
      try {
        const found = lookup(root, fromText(path))?.inode;
        if (found === undefined) return undefined;
        if (found.kind === 'file') return borrowed(found.content);
      } catch (cause) {
        if (cause instanceof TreeError)
          throw new OciError('invalid-layout', `${label}: ${readable(cause.message)}`, { cause });
        throw cause;
      }
      throw new OciError('invalid-layout', `${label}: ${quoted(path)} is not a file`);
    },
  };
}

/** All of a small file; undefined where there is none. */
export async function readSmall(
  files: LayoutFiles,
  path: string,
  options: { readonly label: string; readonly limit: number; readonly signal?: AbortSignal | undefined },
): Promise<Uint8Array | undefined> {
  await using file = await files.open(path);
  if (file === undefined) return undefined;
  if (file.size > options.limit) {
    throw new OciError(
      'too-large',
      `${options.label}: ${path} has ${file.size} bytes, more than the ${options.limit} allowed`,
    );
  }
  return readAll(file, options.limit, options.signal);
}
