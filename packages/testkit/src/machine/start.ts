import { copyFile, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { findAccelerator } from './accelerator.ts';
import { type AttachedDisk, attachDisk, type DiskOptions } from './disk.ts';
import { findFirmware } from './firmware.ts';
import { Machine } from './machine.ts';
import type { Boot, KernelBoot, MachineFiles, MachineOptions, UefiBoot } from './options.ts';

export interface StartOptions extends MachineOptions {
  /**
   * Where the whole console output is kept (appended to); in the machine's own folder, which is removed,
   * unless given.
   */
  readonly consoleLog?: string;
  /** Where what was found out about the host is kept; see `findAccelerator`. */
  readonly cacheFolder?: string;
  readonly signal?: AbortSignal;
}

/** Files of a saved machine that a new one starts from. */
export interface CopiedFiles {
  readonly overlays: readonly string[];
  readonly variables: string | undefined;
}

const NOTHING_COPIED: CopiedFiles = { overlays: [], variables: undefined };

/**
 * A unix socket's path has at most 107 bytes (unix(7)); this leaves room for the folder's name and the names
 * in it.
 */
const TEMPORARY_FOLDER_LIMIT = 70;

/**
 * Starts a virtual machine, which is on when the promise is fulfilled: nothing has been waited for yet.
 *
 * @throws TestkitError `program-missing`, `firmware-missing`, `bad-option`, `machine-failed`
 */
export async function startMachine(options: StartOptions): Promise<Machine> {
  const machine = await prepareMachine(options);
  try {
    await machine.powerOn(options);
    return machine;
  } catch (error) {
    await machine[Symbol.asyncDispose]();
    throw error;
  }
}

/** A machine with its folder and files, still off. */
export async function prepareMachine(
  options: StartOptions,
  copied: CopiedFiles = NOTHING_COPIED,
): Promise<Machine> {
  const { signal, consoleLog, cacheFolder, ...given } = options;
  const parent = Buffer.byteLength(tmpdir()) > TEMPORARY_FOLDER_LIMIT ? '/tmp' : tmpdir();
  const folder = await mkdtemp(join(parent, 'cairn-vm-'));
  try {
    const accelerator = given.accelerator ?? (await findAccelerator({ cacheFolder, signal }));
    const boot = await completeBoot(given.boot);
    const disks = (given.disks ?? []).map(withAbsolutePath);
    const files: MachineFiles = {
      accelerator,
      disks: await attachDisks(disks, folder, copied.overlays, signal),
      consoleLog: consoleLog ?? join(folder, 'console.log'),
      sockets: {
        console: join(folder, 'console'),
        port: join(folder, 'port'),
        monitor: join(folder, 'monitor'),
      },
    };
    const complete: MachineOptions = { ...given, accelerator, boot, disks };
    if (boot.kind !== 'uefi') return new Machine(complete, files, folder);
    const variables = join(folder, 'variables.fd');
    await copyFile(copied.variables ?? boot.firmware.variables, variables);
    return new Machine(complete, { ...files, firmware: { code: boot.firmware.code, variables } }, folder);
  } catch (error) {
    await rm(folder, { recursive: true, force: true });
    throw error;
  }
}

/**
 * With the firmware that was found, and with paths that also hold from another working directory, where a
 * saved machine may be restored.
 */
async function completeBoot(boot: Boot): Promise<Required<UefiBoot> | KernelBoot> {
  if (boot.kind === 'uefi') return { kind: 'uefi', firmware: boot.firmware ?? (await findFirmware()) };
  const kernel = resolve(boot.kernel);
  return boot.initrd === undefined ? { ...boot, kernel } : { ...boot, kernel, initrd: resolve(boot.initrd) };
}

function withAbsolutePath(disk: DiskOptions): DiskOptions {
  return { ...disk, path: resolve(disk.path) };
}

async function attachDisks(
  disks: readonly DiskOptions[],
  folder: string,
  overlays: readonly string[],
  signal: AbortSignal | undefined,
): Promise<AttachedDisk[]> {
  const attached: AttachedDisk[] = [];
  for (const [index, disk] of disks.entries()) {
    const overlay = join(folder, `disk${index}.qcow2`);
    const copied = overlays[index];
    if (copied !== undefined) await copyFile(copied, overlay);
    attached.push(await attachDisk(disk, overlay, signal));
  }
  return attached;
}
