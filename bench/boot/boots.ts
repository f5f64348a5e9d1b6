import type { Host } from '@cairn/host';
import { type Machine, type StartOptions, startMachine } from '@cairn/testkit';
import { CACHE } from '../../e2e/support/images.ts';
import { BenchError } from '../support/error.ts';
import { type System, UP_MESSAGE } from './systems.ts';
import {
  FACTS_SCRIPT,
  parseFacts,
  type Timeline,
  timelineOf,
  UNITS_SCRIPT,
  type UnitTime,
  unitTimes,
} from './timeline.ts';

/** What was measured of one boot. */
export interface Boot {
  readonly timeline: Timeline;
  /** Seconds from starting QEMU to the login prompt, by the host's clock. */
  readonly promptSeconds: number;
  /** Processor seconds that QEMU took until then: they tell more than clocks do where the machine is busy with other things. */
  readonly cpuSeconds: number;
  /** Milliseconds that `cairn boot` took; undefined on other systems. */
  readonly agentMs: number | undefined;
  /** Of an initrd with systemd and its journal; empty for others. */
  readonly initrdUnits: readonly UnitTime[];
}

const BOOT_LIMIT_MS = 300_000;
const GUEST_LIMIT_MS = 120_000;

/** In the background, so that who asks for it gets an answer. */
const POWER_OFF = '(sleep 1; systemctl poweroff) >/dev/null 2>&1 &';

/** A machine of a system. It keeps its disk from one boot to the next, and is off in between. */
export class BenchMachine implements AsyncDisposable {
  readonly system: System;
  readonly #host: Host;
  #machine: Machine | undefined;

  constructor(host: Host, system: System) {
    this.#host = host;
    this.system = system;
  }

  /** Boots, measures, and switches the machine off in an orderly way. A boot that the emulator spoils is begun again. */
  async boot(signal: AbortSignal): Promise<Boot> {
    for (;;) {
      const boot = await this.#bootOnce(signal);
      if (boot !== undefined) return boot;
    }
  }

  async #bootOnce(signal: AbortSignal): Promise<Boot | undefined> {
    const { clock } = this.#host;
    const start = clock.monotonic();
    const machine = await this.#powerOn(signal);
    let promptAt: number | undefined;
    let tail = '';
    const stopListening = machine.console.onText((text) => {
      tail = (tail + text).slice(-200);
      if (/login: /.test(tail)) promptAt ??= clock.monotonic();
    });
    try {
      // Nobody logs in before: typing at the console is work for the guest too.
      await machine.console.waitFor(UP_MESSAGE, { timeoutMs: BOOT_LIMIT_MS, signal });
      const cpuSeconds = await cpuSecondsOf(this.#host, machine.pid);
      machine.console.send('\n');
      const guest = await machine.login({ timeoutMs: GUEST_LIMIT_MS, signal });
      const limits = { timeoutMs: GUEST_LIMIT_MS, signal };
      const timeline = timelineOf(parseFacts(await guest.output(FACTS_SCRIPT, limits)));
      const record = await guest.output('cat /run/cairn/boot.json 2>/dev/null || true', limits);
      const journal = await guest.output(UNITS_SCRIPT, limits);
      await guest.run(POWER_OFF, limits);
      await this.#waitForEnd(machine, signal);
      return {
        timeline,
        promptSeconds: ((promptAt ?? Number.NaN) - start) / 1000,
        cpuSeconds,
        agentMs: tookOf(record),
        initrdUnits: unitTimes(journal, timeline.kernel + timeline.initrd),
      };
    } catch (error) {
      if (machine.isEmulatorFault(error)) return undefined;
      throw error;
    } finally {
      stopListening();
      await machine.powerOff();
    }
  }

  async #powerOn(signal: AbortSignal): Promise<Machine> {
    if (this.#machine !== undefined) {
      await this.#machine.powerOn({ signal });
      return this.#machine;
    }
    const { kernel, initrd, commandLine, disk } = this.system;
    const options: StartOptions = {
      boot: { kind: 'kernel', kernel, initrd, commandLine },
      disks: [{ path: disk }],
      cacheFolder: CACHE,
      signal,
    };
    this.#machine = await startMachine(options);
    return this.#machine;
  }

  async #waitForEnd(machine: Machine, signal: AbortSignal): Promise<void> {
    const ended = new AbortController();
    const limit = this.#host.clock.sleep(GUEST_LIMIT_MS, AbortSignal.any([ended.signal, signal]));
    const tooLong = limit.then(() => {
      throw new BenchError('bad-measurement', machine.console.quote('the guest did not switch itself off'));
    });
    try {
      await Promise.race([machine.exited, tooLong]);
    } finally {
      ended.abort();
      await tooLong.catch(() => {});
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#machine?.[Symbol.asyncDispose]();
  }
}

/** Processor time in user and kernel mode (proc_pid_stat(5), fields 14 and 15, in hundredths of a second). */
async function cpuSecondsOf({ files }: Host, processId: number): Promise<number> {
  const status = (await files.readText(`/proc/${processId}/stat`)) ?? '';
  // The second field is a name in brackets that may have anything in it.
  const fields = status.slice(status.lastIndexOf(')') + 2).split(' ');
  return (Number(fields[11]) + Number(fields[12])) / 100;
}

function tookOf(record: string): number | undefined {
  if (record.trim() === '') return undefined;
  const value: unknown = JSON.parse(record);
  if (typeof value !== 'object' || value === null || !('took' in value)) return undefined;
  return typeof value.took === 'number' ? value.took : undefined;
}
