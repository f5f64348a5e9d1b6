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
  const { name, signal } = options;
  let tar: OpenBytes = await doors.files.open(path, 'read');
  try {
    if ((await detectPacking(tar, signal)) !== 'none') tar = await unpacked(tar, doors, options);
    const root = await readArchive(tar, name, { signal });
    const dispose = () => tar[Symbol.asyncDispose]();
    return { files: archiveFiles(root, name), [Symbol.asyncDispose]: dispose };
  } catch (cause) {
    await tar[Symbol.asyncDispose]();
    throw cause;
  }
}

async function unpacked(blob: OpenBytes, doors: ImageDoors, options: ArchiveOptions): Promise<OpenBytes> {
  const { name, signal, onProgress } = options;
  const total = blob.size;
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
