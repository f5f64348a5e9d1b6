import { type ByteSource, chunksOf, copy, sha256OfStream } from '@cairn/bytes';
import type { Files } from '@cairn/host';
import { UNFINISHED } from '../loader/load.ts';
import type { Run } from './run.ts';

/**
 * Writes a file on the ESP under a name that nothing reads, flushes it, and renames it. Whoever calls flushes the folder then.
 *
 * @param path below the ESP
 */
export async function putFile({ host, esp, signal }: Run, path: string, content: ByteSource): Promise<void> {
  const { files } = host;
  const target = `${esp.path}/${path}`;
  const fresh = `${target}${UNFINISHED}`;
  await files.remove(fresh);
  {
    await using file = await files.open(fresh, 'create');
    await copy(content, file, signal);
    await file.sync();
  }
  await files.rename(fresh, target);
}

/** In hexadecimal; undefined where there is no such file. */
export async function digestOfFile(
  files: Files,
  path: string,
  signal?: AbortSignal,
): Promise<{ readonly size: number; readonly sha256: string } | undefined> {
  if ((await files.stat(path)) === undefined) return undefined;
  await using file = await files.open(path, 'read');
  return { size: file.size, sha256: await sha256OfStream(chunksOf(file, signal)) };
}
