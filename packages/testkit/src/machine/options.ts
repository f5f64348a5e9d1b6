import type { Accelerator } from './accelerator.ts';
import type { AttachedDisk, DiskOptions } from './disk.ts';
import type { Firmware } from './firmware.ts';

/** By UEFI firmware, from the first disk that it can boot from. */
export interface UefiBoot {
  readonly kind: 'uefi';
  /** Found on the host unless given. */
  readonly firmware?: Firmware;
}

/** Straight into a kernel, without firmware and boot loader. */
export interface KernelBoot {
  readonly kind: 'kernel';
  readonly kernel: string;
  readonly initrd?: string;
  /** Needs `console=ttyS0` if its console is to be followed. */
  readonly commandLine: string;
}

export type Boot = UefiBoot | KernelBoot;

export interface MachineOptions {
  readonly boot: Boot;
  /** In the order in which the guest sees them: `/dev/vda`, `/dev/vdb`, ... */
  readonly disks?: readonly DiskOptions[];
  /** 1024 unless given. */
  readonly memoryMiB?: number;
  /** 2 unless given. */
  readonly cpus?: number;
  /** `none` unless given; `user` is QEMU's own NAT. */
  readonly network?: 'none' | 'user';
  /** False: a reboot of the guest ends the machine. */
  readonly reboots?: boolean;
  /** More arguments for QEMU, as they are. */
  readonly extraArguments?: readonly string[];
  /** Found by `findAccelerator` unless given. */
  readonly accelerator?: Accelerator;
}

export const DEFAULTS = { memoryMiB: 1024, cpus: 2, network: 'none' } as const;

/** The name of the virtio-serial port, as the guest finds it in `/sys/class/virtio-ports`. */
export const PORT_NAME = 'cairn.testkit';

/** What a machine's options have become on this host, file by file. */
export interface MachineFiles {
  readonly accelerator: Accelerator;
  readonly disks: readonly AttachedDisk[];
  /** With UEFI: the firmware's code, and the machine's own copy of the variables. */
  readonly firmware?: Firmware;
  readonly consoleLog: string;
  /** Unix sockets on which we listen and to which QEMU connects. */
  readonly sockets: Readonly<Record<SocketName, string>>;
}

export type SocketName = 'console' | 'port' | 'monitor';

/**
 * QEMU's command line. QEMU connects to our sockets, not we to its: so nothing of the console is missed, and
 * there is nothing to wait for before connecting.
 */
export function buildArguments(options: MachineOptions, files: MachineFiles): string[] {
  const { accelerator, sockets } = files;
  const args = ['-machine', 'q35', '-accel', accelerator.accel, '-cpu', accelerator.cpu];
  args.push('-smp', String(options.cpus ?? DEFAULTS.cpus));
  args.push('-m', String(options.memoryMiB ?? DEFAULTS.memoryMiB));
  args.push('-nodefaults', '-no-user-config', '-display', 'none', '-device', 'virtio-rng-pci');

  args.push('-chardev', `socket,id=console,path=${escapeValue(sockets.console)}`);
  args.push('-serial', 'chardev:console');
  args.push('-chardev', `socket,id=port,path=${escapeValue(sockets.port)}`);
  args.push('-device', 'virtio-serial-pci', '-device', `virtserialport,chardev=port,name=${PORT_NAME}`);
  args.push('-chardev', `socket,id=monitor,path=${escapeValue(sockets.monitor)}`);
  args.push('-mon', 'chardev=monitor,mode=control');

  if (files.firmware !== undefined) {
    const flash = 'if=pflash,format=raw';
    args.push('-drive', `${flash},unit=0,readonly=on,file=${escapeValue(files.firmware.code)}`);
    args.push('-drive', `${flash},unit=1,file=${escapeValue(files.firmware.variables)}`);
  }
  if (options.boot.kind === 'kernel') {
    args.push('-kernel', options.boot.kernel, '-append', options.boot.commandLine);
    if (options.boot.initrd !== undefined) args.push('-initrd', options.boot.initrd);
  }
  for (const [index, disk] of files.disks.entries()) {
    args.push(...driveArguments(index, disk));
    args.push('-device', `virtio-blk-pci,drive=disk${index},serial=disk${index}`);
  }
  if (options.network === 'user') args.push('-nic', 'user,model=virtio-net-pci');
  if (options.reboots === false) args.push('-no-reboot');
  return [...args, ...(options.extraArguments ?? [])];
}

/**
 * `unsafe` and `no-flush` drop only the host's fsync: what the guest has flushed is in the file and outlives QEMU's own
 * death. A log of writes sees the guest's flushes all the same.
 */
function driveArguments(index: number, { file, format, writeLog }: AttachedDisk): string[] {
  const path = escapeValue(file);
  if (writeLog === undefined) {
    return ['-drive', `if=none,id=disk${index},cache=unsafe,discard=unmap,format=${format},file=${path}`];
  }
  const nodes = [
    `driver=file,filename=${path},cache.no-flush=on,node-name=file${index}`,
    `driver=${format},file=file${index},cache.no-flush=on,node-name=image${index}`,
    `driver=file,filename=${escapeValue(writeLog)},cache.no-flush=on,node-name=log${index}`,
    `driver=blklogwrites,file=image${index},log=log${index},log-sector-size=512,node-name=disk${index}`,
  ];
  return nodes.flatMap((node) => ['-blockdev', node]);
}

/** In QEMU's option strings a comma within a value is written twice. */
function escapeValue(value: string): string {
  return value.replaceAll(',', ',,');
}
