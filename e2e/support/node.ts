import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type Guest, type Machine, type StartOptions, startMachine } from '@cairn/testkit';
import { CACHE } from './images.ts';

/** Without KVM, on two busy processors, a boot from the firmware on takes 40 s; this is when it is given up. */
export const BOOT_LIMIT_MS = 480_000;

/**
 * A machine that boots a disk as hardware does, by firmware, loader and UKI, unless told otherwise. It has one processor: two such
 * machines run beside each other, and QEMU makes no boot fail (see Machine.isEmulatorFault).
 */
export function startNode(disk: string, options: Partial<StartOptions> = {}): Promise<Machine> {
  return startMachine({
    boot: { kind: 'uefi' },
    disks: [{ path: disk, format: 'raw' }],
    memoryMiB: 1024,
    cpus: 1,
    cacheFolder: CACHE,
    ...options,
  });
}

export function logIn(machine: Machine): Promise<Guest> {
  return machine.login({ timeoutMs: BOOT_LIMIT_MS });
}

/** Waits until the release on trial has been found healthy: `cairn-health.service` has blessed it and ended. */
export async function waitUntilGood(guest: Guest): Promise<void> {
  const script = `while systemctl is-active --quiet cairn-health.service; do sleep 2; done
    systemctl show --property=Result --value cairn-health.service`;
  const result = await guest.output(script, { timeoutMs: BOOT_LIMIT_MS });
  if (result.trim() !== 'success') throw new Error(`cairn-health.service ended with ${result.trim()}`);
}

/** A folder that is gone after the test. */
export async function temporaryFolder(): Promise<{ readonly path: string } & AsyncDisposable> {
  const path = await mkdtemp(join(tmpdir(), 'cairn-e2e-'));
  return { path, [Symbol.asyncDispose]: () => rm(path, { recursive: true, force: true }) };
}
