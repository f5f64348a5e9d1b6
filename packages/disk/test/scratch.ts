import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { type FileHandle, open } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { TestContext } from 'node:test';
import type { ByteSource, ByteTarget, Content } from '@cairn/bytes';

/** A folder for one test, removed after it. */
export function scratchFolder(context: TestContext): string {
  const folder = mkdtempSync(join(tmpdir(), 'cairn-disk-'));
  context.after(() => rmSync(folder, { recursive: true, force: true }));
  return folder;
}

/** Runs one of the tools that judge our output, and gives what it printed. Fails when the tool does. */
export function tool(
  command: string,
  args: readonly string[],
  options: { cwd?: string; input?: string } = {},
): string {
  const path = `${process.env['PATH'] ?? ''}:/usr/sbin:/sbin`;
  return execFileSync(command, args, {
    ...options,
    encoding: 'utf8',
    maxBuffer: 64 << 20,
    stdio: ['pipe', 'pipe', 'pipe'],
    env: { ...process.env, PATH: path, LC_ALL: 'C.UTF-8', TZ: 'UTC' },
  });
}

/** Writes an image into a new file of `size` bytes, holes where nothing is written. Gives the number of bytes that were. */
export async function writeImage(
  path: string,
  size: number,
  write: (target: ByteTarget) => Promise<void> | void,
): Promise<number> {
  await using target = await fileTarget(path, size);
  await write(target);
  return target.written;
}

/** A new sparse file as a target; `written` counts the bytes that were put into it. */
export interface FileTarget extends ByteTarget, AsyncDisposable {
  readonly written: number;
}

export async function fileTarget(path: string, size = 0): Promise<FileTarget> {
  const handle = await open(path, 'w');
  await handle.truncate(size);
  let written = 0;
  return {
    get written() {
      return written;
    },
    async write(position, chunk) {
      written += chunk.length;
      await writeAll(handle, position, chunk);
    },
    [Symbol.asyncDispose]: () => handle.close(),
  };
}

async function writeAll(handle: FileHandle, position: number, chunk: Uint8Array): Promise<void> {
  for (let done = 0; done < chunk.length; ) {
    const { bytesWritten } = await handle.write(chunk, done, chunk.length - done, position + done);
    done += bytesWritten;
  }
}

const PAGE = 4096;

/** A sparse disk in memory: only pages that are written to exist, and may be changed in place. */
export class SparseMemory implements ByteSource, ByteTarget {
  readonly size: number;
  /** By number: the page at byte 4096 times it. */
  readonly pages = new Map<number, Uint8Array>();

  constructor(size: number) {
    this.size = size;
  }

  write(position: number, chunk: Uint8Array): void {
    for (let done = 0; done < chunk.length; ) {
      const { page, within } = this.#at(position + done);
      const part = chunk.subarray(done, done + PAGE - within);
      const bytes = this.pages.get(page) ?? new Uint8Array(PAGE);
      bytes.set(part, within);
      this.pages.set(page, bytes);
      done += part.length;
    }
  }

  read(position: number, target: Uint8Array): number {
    const count = Math.max(0, Math.min(target.length, this.size - position));
    for (let done = 0; done < count; ) {
      const { page, within } = this.#at(position + done);
      const part = target.subarray(done, Math.min(count, done + PAGE - within));
      const bytes = this.pages.get(page);
      if (bytes === undefined) part.fill(0);
      else part.set(bytes.subarray(within, within + part.length));
      done += part.length;
    }
    return count;
  }

  #at(position: number): { page: number; within: number } {
    return { page: Math.floor(position / PAGE), within: position % PAGE };
  }
}

/** A file as a source. */
export async function fileSource(path: string): Promise<Content & AsyncDisposable> {
  const handle = await open(path, 'r');
  const { size } = await handle.stat();
  return {
    size,
    async read(position, target) {
      const { bytesRead } = await handle.read(target, 0, target.length, position);
      return bytesRead;
    },
    [Symbol.asyncDispose]: () => handle.close(),
  };
}

/** Bytes that differ from place to place, made without memory: for contents that are too large to hold. */
export function patternSource(size: number, salt = 0): Content {
  return {
    size,
    read(position, target) {
      const count = Math.max(0, Math.min(target.length, size - position));
      for (let index = 0; index < count; index++) {
        const at = position + index;
        target[index] = (Math.imul(at >>> 3, 0x9e3779b1) >>> 13) + at + salt;
      }
      return count;
    },
  };
}
