import { createReadStream, createWriteStream } from 'node:fs';
import { copyFile, mkdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { connect, createServer, type Socket } from 'node:net';
import { join } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { constants, createZstdCompress, createZstdDecompress } from 'node:zlib';
import { TestkitError, type TestkitErrorCode } from '../error.ts';
import type { Machine } from './machine.ts';
import type { MachineOptions } from './options.ts';
import { isObject, type QmpClient } from './qmp.ts';
import { type CopiedFiles, prepareMachine, type StartOptions } from './start.ts';

const VERSION = 1;
const MEMORY = 'memory.zst';
const VARIABLES = 'variables.fd';
const DESCRIPTION = 'machine.json';
const MIGRATION_LIMIT_MS = 120_000;
/** QEMU holds a migration to 128 MiB/s unless told otherwise. */
const BANDWIDTH = 2 ** 40;

/** What `machine.json` holds. */
interface Description {
  readonly version: number;
  readonly options: MachineOptions;
  readonly bases: readonly Base[];
}

/** A disk below an overlay, and by what a change to it would be seen. */
interface Base {
  readonly path: string;
  readonly size: number;
  readonly modified: number;
}

/**
 * Saves a machine as it is at this moment, its memory, overlays and firmware variables, in a folder; the
 * machine then goes on. The disks below the overlays are not copied and must stay as they are for as long as
 * the folder is to be of use.
 *
 * @throws TestkitError `snapshot-failed`
 */
export async function saveMachine(
  machine: Machine,
  folder: string,
  options: { readonly signal?: AbortSignal } = {},
): Promise<void> {
  const disks = machine.options.disks ?? [];
  const direct = disks.find((disk) => disk.access === 'direct');
  if (direct !== undefined) {
    const sentence = `${direct.path} is used directly, so the machine cannot be saved`;
    throw new TestkitError('snapshot-failed', sentence, { hint: 'attach it as an overlay' });
  }
  const { qmp } = machine;
  await mkdir(folder, { recursive: true });
  // It is written last, and removed first: a folder without it is not a saved machine.
  await rm(join(folder, DESCRIPTION), { force: true });
  await qmp.execute('stop', undefined, options);
  try {
    await writeMemory(qmp, join(machine.folder, 'migration'), join(folder, MEMORY), options.signal);
    for (const [index, disk] of machine.files.disks.entries()) {
      await copyFile(disk.file, join(folder, overlayName(index)));
    }
    const variables = machine.files.firmware?.variables;
    if (variables !== undefined) await copyFile(variables, join(folder, VARIABLES));
    const description: Description = {
      version: VERSION,
      options: machine.options,
      bases: await Promise.all(filesBelow(machine.options).map(describeBase)),
    };
    await writeFile(join(folder, DESCRIPTION), `${JSON.stringify(description, null, 2)}\n`);
  } catch (error) {
    throw explain(error, 'snapshot-failed', `the machine could not be saved in ${folder}`, options.signal);
  } finally {
    if (machine.isOn) await qmp.execute('cont', undefined, options);
  }
}

/**
 * A new machine that goes on from a saved one. It works on copies: the same folder can be restored any number
 * of times.
 *
 * @throws TestkitError `snapshot-unusable` when the folder or the disks below it are not what was saved
 */
export async function restoreMachine(
  folder: string,
  options: Pick<StartOptions, 'consoleLog' | 'signal'> = {},
): Promise<Machine> {
  const description = await readDescription(folder);
  const disks = description.options.disks ?? [];
  await Promise.all(description.bases.map((base) => checkBase(base, folder)));
  const copied: CopiedFiles = {
    overlays: disks.map((_, index) => join(folder, overlayName(index))),
    variables: description.options.boot.kind === 'uefi' ? join(folder, VARIABLES) : undefined,
  };
  const machine = await prepareMachine({ ...description.options, ...options }, copied);
  try {
    await machine.powerOn(options, true);
    await readMemory(machine.qmp, join(machine.folder, 'migration'), join(folder, MEMORY), options.signal);
    await machine.qmp.execute('cont', undefined, options);
    return machine;
  } catch (error) {
    await machine[Symbol.asyncDispose]();
    throw explain(error, 'snapshot-unusable', `no machine can be started from ${folder}`, options.signal);
  }
}

/** An error with what failed because of it, unless it was called off. */
function explain(
  error: unknown,
  code: TestkitErrorCode,
  sentence: string,
  signal: AbortSignal | undefined,
): unknown {
  if (signal?.aborted) return error;
  const reason = error instanceof Error ? error.message : String(error);
  return new TestkitError(code, `${sentence}: ${reason}`, { cause: error });
}

async function writeMemory(
  qmp: QmpClient,
  socketPath: string,
  target: string,
  signal?: AbortSignal,
): Promise<void> {
  const connection = Promise.withResolvers<Socket>();
  const server = createServer(connection.resolve).once('error', connection.reject).listen(socketPath);
  const transfer = async (): Promise<void> => {
    const compress = createZstdCompress({ params: { [constants.ZSTD_c_compressionLevel]: 1 } });
    await pipeline(await connection.promise, compress, createWriteStream(target), { signal });
  };
  try {
    await qmp.execute('migrate-set-parameters', { 'max-bandwidth': BANDWIDTH }, { signal });
    await migrate(qmp, 'migrate', socketPath, transfer, signal);
  } finally {
    server.close();
  }
}

async function readMemory(
  qmp: QmpClient,
  socketPath: string,
  source: string,
  signal?: AbortSignal,
): Promise<void> {
  const transfer = async (): Promise<void> => {
    try {
      await pipeline(createReadStream(source), createZstdDecompress(), connect(socketPath), { signal });
    } catch (error) {
      // QEMU hangs up when it has all it needs, which may be before our end of the connection has been closed in
      // an orderly way. Whether the machine is whole is what QEMU says; a memory cut short it calls a failure.
      if (!hasCode(error, 'ERR_STREAM_PREMATURE_CLOSE', 'ECONNRESET', 'EPIPE')) throw error;
    }
  };
  await migrate(qmp, 'migrate-incoming', socketPath, transfer, signal);
}

/**
 * Starts a migration over a unix socket, lets `transfer` carry its bytes, and waits until QEMU says how it
 * ended.
 */
async function migrate(
  qmp: QmpClient,
  command: 'migrate' | 'migrate-incoming',
  socketPath: string,
  transfer: () => Promise<void>,
  signal: AbortSignal | undefined,
): Promise<void> {
  const events = { capabilities: [{ capability: 'events', state: true }] };
  await qmp.execute('migrate-set-capabilities', events, { signal });
  const ended = qmp.waitForEvent('MIGRATION', {
    where: ({ status }) => status === 'completed' || status === 'failed',
    timeoutMs: MIGRATION_LIMIT_MS,
    signal,
  });
  const [{ data }] = await Promise.all([
    ended,
    qmp.execute(command, { uri: `unix:${socketPath}` }, { signal }).then(transfer),
  ]);
  if (data['status'] !== 'completed') {
    throw new TestkitError(
      'snapshot-failed',
      `QEMU could not ${command} the memory: ${JSON.stringify(data)}`,
    );
  }
}

function hasCode(error: unknown, ...codes: readonly string[]): boolean {
  return error instanceof Error && 'code' in error && codes.includes(String(error.code));
}

function overlayName(index: number): string {
  return `disk${index}.qcow2`;
}

/** The files outside of the saved folder that the machine needs unchanged. */
function filesBelow(options: MachineOptions): string[] {
  const { boot, disks = [] } = options;
  const booted = boot.kind === 'kernel' ? [boot.kernel, boot.initrd] : [];
  return [...disks.map((disk) => disk.path), ...booted].filter((path) => path !== undefined);
}

async function describeBase(path: string): Promise<Base> {
  const { size, mtimeMs } = await stat(path);
  return { path, size, modified: mtimeMs };
}

async function checkBase(base: Base, folder: string): Promise<void> {
  const now = await stat(base.path).catch(() => undefined);
  if (now?.size === base.size && now.mtimeMs === base.modified) return;
  const what = now === undefined ? 'is gone' : 'has changed';
  throw new TestkitError(
    'snapshot-unusable',
    `${base.path} ${what} since the machine was saved in ${folder}`,
    {
      hint: 'boot the machine and save it again',
    },
  );
}

async function readDescription(folder: string): Promise<Description> {
  const path = join(folder, DESCRIPTION);
  try {
    const description = JSON.parse(await readFile(path, 'utf8')) as unknown;
    // Whatever has our version was written by `saveMachine`, so its shape is known.
    if (isObject(description) && description['version'] === VERSION)
      return description as unknown as Description;
  } catch (error) {
    throw new TestkitError('snapshot-unusable', `${folder} holds no saved machine`, { cause: error });
  }
  throw new TestkitError('snapshot-unusable', `${path} was written by another version of the testkit`);
}
