import { detectPacking } from '../layer/compression.ts';
import { readArchive } from '../layer/merge.ts';
import { openTar } from '../layer/unpack.ts';
import type { ImageDoors, OpenBytes, StepOptions } from '../types.ts';
import { archiveFiles, type LayoutFiles } from './layout-files.ts';

/** The files of an archive, which stays open until it is disposed of. */
export interface OpenArchive extends AsyncDisposable {
  readonly files: LayoutFiles;
}

interface ArchiveOptions extends StepOptions {
  /** The image as the user wrote it. */
  readonly name: string;
}

/** Opens a tar around an image. What lies in it is checked when it is read, not the archive as a whole. */
export async function openArchive(
  path: string,
  doors: ImageDoors,
  options: ArchiveOptions,
): Promise<OpenArchive> {
  const tar = await uncompressed(await doors.files.open(path, 'read'), doors, options);
  try {
    const root = await readArchive(tar, options.name, { signal: options.signal });
    return {
      files: archiveFiles(root, options.name),
      [Symbol.asyncDispose]: () => tar[Symbol.asyncDispose](),
    };
  } catch (cause) {
    await tar[Symbol.asyncDispose]();
    throw cause;
  }
}

async function uncompressed(blob: OpenBytes, doors: ImageDoors, options: ArchiveOptions): Promise<OpenBytes> {
  const { name, signal, onProgress } = options;
  const total = blob.size;
  if ((await detectPacking(blob, signal)) === 'none') return blob;
  const { tar } = await openTar(
    { blob, label: name },
    {
      files: doors.files,
      workFolder: doors.workFolder,
      limits: doors.limits,
      signal,
      onProgress: (done) => onProgress?.({ step: 'unpack', name, done, total }),
    },
  );
  return tar;
}
