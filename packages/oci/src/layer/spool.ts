import { randomUUID } from 'node:crypto';
import type { ByteSource, ByteTarget } from '@cairn/bytes';
import type { Files } from '@cairn/host';

/** A file of this process alone, for bytes that must be read at any position. */
export type Spool = ByteSource & ByteTarget & AsyncDisposable;

/**
 * Makes an empty spool on the disk of `folder`. Its name is removed at once, so that nothing stays behind however
 * the process ends; its bytes go with the dispose.
 *
 * @throws HostError
 */
export async function createSpool(files: Files, folder: string): Promise<Spool> {
  await files.makeDirectory(folder);
  const path = `${folder}/${randomUUID()}.spool`;
  const file = await files.open(path, 'create');
  try {
    await files.remove(path);
  } catch (cause) {
    await file.close();
    throw cause;
  }
  return file;
}

/** A disposable of several: gives them back in turn, the last first. */
export function withOwner(source: ByteSource, owner: AsyncDisposable): ByteSource & AsyncDisposable {
  return {
    size: source.size,
    read: (position, target, signal) => source.read(position, target, signal),
    [Symbol.asyncDispose]: () => owner[Symbol.asyncDispose](),
  };
}

/** Lends a source out: its dispose does nothing, since another owns it. */
export function borrowed(source: ByteSource): ByteSource & AsyncDisposable {
  return withOwner(source, { async [Symbol.asyncDispose]() {} });
}
