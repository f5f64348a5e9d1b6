import { type ChildProcessByStdio, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type Readable, Writable } from 'node:stream';
import type { TestContext } from 'node:test';
import { zstdCompressSync } from 'node:zlib';
import { memoryTarget } from '@cairn/bytes';
import { realHost } from '@cairn/host';
import { type NewTarEntry, TarWriter } from '@cairn/tar';
import { type Directory, type Inode, makeDirectory, place, walk } from '@cairn/tree';
import { convertedTree, sampleTree } from '../../release/test/sample.ts';
import { runCli } from '../src/index.ts';

export const MAIN = join(import.meta.dirname, '../src/main.ts');

/** A folder for one test, removed after it. */
export function scratchFolder(context: TestContext): string {
  const folder = mkdtempSync(join(tmpdir(), 'cairn-cli-'));
  context.after(() => rmSync(folder, { recursive: true, force: true }));
  return folder;
}

/** What a run of the program came to. */
export interface Outcome {
  readonly exitCode: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

export interface RunOptions {
  readonly environment?: Readonly<Record<string, string>>;
  readonly signal?: AbortSignal;
  readonly isTTY?: boolean;
}

class TextSink extends Writable {
  readonly #chunks: Buffer[] = [];

  override _write(chunk: Buffer, _encoding: string, done: () => void): void {
    this.#chunks.push(chunk);
    done();
  }

  get text(): string {
    return Buffer.concat(this.#chunks).toString('utf8');
  }
}

/** Runs the program in this process: as a program of its own it would start for a third of a second. */
export async function cairn(args: readonly string[], options: RunOptions = {}): Promise<Outcome> {
  const { environment = {}, signal = new AbortController().signal, isTTY = false } = options;
  const stdout = new TextSink();
  const stderr = Object.assign(new TextSink(), { isTTY, columns: 100 });
  const host = { ...realHost(), environment: { HOME: '/nonexistent', ...environment } };
  const exitCode = await runCli(args, { host, signal, stdout, stderr });
  return { exitCode, stdout: stdout.text, stderr: stderr.text };
}

/** The events of a run with `--json`. */
export function eventsOf({ stdout }: Outcome): Record<string, unknown>[] {
  return stdout
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => JSON.parse(line) as Record<string, unknown>);
}

export type CairnProcess = ChildProcessByStdio<null, Readable, Readable>;

/** Starts the program as a process of its own. */
export function startCairn(
  context: TestContext,
  args: readonly string[],
  environment: Readonly<Record<string, string>> = {},
): CairnProcess {
  const child = spawn(process.execPath, [MAIN, ...args], {
    stdio: ['ignore', 'pipe', 'pipe'],
    env: { PATH: process.env['PATH'], HOME: '/nonexistent', ...environment },
  });
  context.after(() => child.kill('SIGKILL'));
  return child;
}

export async function outcomeOf(child: CairnProcess): Promise<Outcome> {
  let stdout = '';
  let stderr = '';
  child.stdout.on('data', (chunk: Buffer) => (stdout += chunk.toString('utf8')));
  child.stderr.on('data', (chunk: Buffer) => (stderr += chunk.toString('utf8')));
  await once(child, 'close');
  return { exitCode: child.exitCode, stdout, stderr };
}

function entryOf(path: string, inode: Inode): NewTarEntry {
  const { mode, uid, gid, mtime, xattrs } = inode;
  const common = { path: path.slice(1), mode, uid, gid, mtime, xattrs };
  if (inode.kind === 'file') return { ...common, kind: inode.kind, content: inode.content };
  if (inode.kind === 'symlink') return { ...common, kind: inode.kind, linkTarget: inode.target };
  if (inode.kind === 'directory') return { ...common, kind: inode.kind };
  throw new TypeError(`a ${inode.kind} is not needed here`);
}

/** A tree as a tar. */
export async function tarOf(tree: Directory, takes = (_inode: Inode) => true): Promise<Uint8Array> {
  const target = memoryTarget();
  const writer = new TarWriter(target);
  for (const { path, inode } of walk(tree)) {
    if (path !== '/' && takes(inode)) await writer.add(entryOf(path, inode));
  }
  await writer.finish();
  return target.bytes();
}

/** Writes the sample system, which is not converted. */
export async function writeSample(folder: string, tree = sampleTree()): Promise<string> {
  const path = join(folder, 'sample.tar');
  await writeFile(path, await tarOf(tree));
  return path;
}

/** Writes a framework layer as the framework's own build does: the folders, which are the image's, are left out. */
export async function writeFramework(folder: string): Promise<string> {
  const layer = makeDirectory();
  for (const { path, inode } of walk(convertedTree())) {
    if (inode.kind === 'file' && path.startsWith('/usr/lib/cairn/')) place(layer, path, inode);
  }
  const file = join(folder, 'layer.tar.zst');
  await writeFile(file, zstdCompressSync(await tarOf(layer, ({ kind }) => kind === 'file')));
  return file;
}
