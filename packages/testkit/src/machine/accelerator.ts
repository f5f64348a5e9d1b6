import { spawn } from 'node:child_process';
import { access, constants, mkdir, mkdtemp, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { tmpdir, userInfo } from 'node:os';
import { join } from 'node:path';
import { findProgram } from './program.ts';

export type AcceleratorKind = 'kvm' | 'tcg';

/** What runs the guest's instructions, as arguments of QEMU. */
export interface Accelerator {
  readonly kind: AcceleratorKind;
  /** The value of `-accel`. */
  readonly accel: string;
  /** The value of `-cpu`. */
  readonly cpu: string;
}

export const ACCELERATORS: Readonly<Record<AcceleratorKind, Accelerator>> = {
  kvm: { kind: 'kvm', accel: 'kvm', cpu: 'host' },
  tcg: { kind: 'tcg', accel: 'tcg,thread=multi', cpu: 'EPYC' },
};

const PROBE_LIMIT_MS = 3000;
const ROM_SIZE = 64 * 1024;
/** Where a processor starts, seen from the end of the firmware (Intel SDM volume 3, 9.1.4). */
const RESET_VECTOR = ROM_SIZE - 16;
/** `mov al, 0x10; out 0xf4, al; hlt`: tells the isa-debug-exit device to end QEMU. */
const PROBE_CODE = [0xb0, 0x10, 0xe6, 0xf4, 0xf4];
/** What QEMU then exits with: the value, shifted, with the lowest bit set. */
const PROBE_EXIT_CODE = (0x10 << 1) | 1;

/**
 * KVM if a guest really runs under it, else emulation.
 *
 * Being able to open `/dev/kvm` proves nothing (nested machines let it be opened and never run a guest), so a
 * guest of three instructions is started under it and given 3 s. The answer is kept in a file until the next
 * boot of the host.
 *
 * @param options.cacheFolder where the answer is kept; the system's temporary folder unless given
 */
export async function findAccelerator(
  options: { readonly cacheFolder?: string | undefined; readonly signal?: AbortSignal | undefined } = {},
): Promise<Accelerator> {
  if (!(await canOpenKvm())) return ACCELERATORS.tcg;
  const folder = options.cacheFolder ?? tmpdir();
  const cache = join(folder, `cairn-accelerator-${userInfo().uid}`);
  const boot = (await readOrNothing('/proc/sys/kernel/random/boot_id')).trim();
  const known = (await readOrNothing(cache)).trim().split(' ');
  if (known[0] === boot && (known[1] === 'kvm' || known[1] === 'tcg')) return ACCELERATORS[known[1]];
  const kind = (await runsUnderKvm(options.signal)) ? 'kvm' : 'tcg';
  await mkdir(folder, { recursive: true });
  await writeFile(`${cache}.${process.pid}`, `${boot} ${kind}\n`);
  await rename(`${cache}.${process.pid}`, cache);
  return ACCELERATORS[kind];
}

async function canOpenKvm(): Promise<boolean> {
  return access('/dev/kvm', constants.R_OK | constants.W_OK).then(
    () => true,
    () => false,
  );
}

async function readOrNothing(path: string): Promise<string> {
  return readFile(path, 'utf8').catch(() => '');
}

/** Starts a guest under KVM whose only act is to end QEMU, and says whether it did within the limit. */
export async function runsUnderKvm(signal?: AbortSignal): Promise<boolean> {
  const folder = await mkdtemp(join(tmpdir(), 'cairn-kvm-'));
  try {
    const rom = new Uint8Array(ROM_SIZE);
    rom.set(PROBE_CODE, RESET_VECTOR);
    await writeFile(join(folder, 'probe.rom'), rom);
    const { promise, resolve } = Promise.withResolvers<number | null>();
    const limit = AbortSignal.timeout(PROBE_LIMIT_MS);
    const args = ['-machine', 'q35', '-accel', 'kvm', '-cpu', 'host', '-m', '16', '-display', 'none'];
    args.push('-nodefaults', '-no-user-config', '-bios', join(folder, 'probe.rom'));
    args.push('-device', 'isa-debug-exit,iobase=0xf4,iosize=0x04');
    spawn(findProgram('qemu-system-x86_64'), args, {
      stdio: 'ignore',
      killSignal: 'SIGKILL',
      signal: signal === undefined ? limit : AbortSignal.any([limit, signal]),
    })
      .once('error', () => resolve(null))
      .once('exit', (code) => resolve(code));
    const code = await promise;
    signal?.throwIfAborted();
    return code === PROBE_EXIT_CODE;
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}
