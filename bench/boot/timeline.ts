import { BenchError } from '../support/error.ts';

/** The parts of a boot, in seconds. They add up to `total`. */
export interface Timeline {
  /** From the kernel's start of time to its start of `/init`. */
  readonly kernel: number;
  /** From there until the system's own init starts. */
  readonly initrd: number;
  /** From there until multi-user.target is reached. */
  readonly userspace: number;
  /** From the kernel's start of time until multi-user.target is reached. */
  readonly total: number;
}

/** What a guest has to tell of a boot: the output of programs. */
export interface BootFacts {
  /** `systemctl show` of the manager. */
  readonly manager: string;
  /** `systemctl show multi-user.target`. */
  readonly target: string;
  /** The kernel's log with times since its start: `dmesg`. */
  readonly kernelLog: string;
}

/** Asks a guest for `BootFacts`; the parts are told apart by a line that is in none of them. */
export const FACTS_SEPARATOR = '=== bench ===';
export const FACTS_SCRIPT = [
  'systemctl show --property=UserspaceTimestampMonotonic',
  'systemctl show --property=ActiveEnterTimestampMonotonic multi-user.target',
  'dmesg',
].join(`; echo '${FACTS_SEPARATOR}'; `);

export function parseFacts(output: string): BootFacts {
  const [manager, target, kernelLog] = output.split(`${FACTS_SEPARATOR}\n`);
  if (manager === undefined || target === undefined || kernelLog === undefined) {
    throw new BenchError('bad-measurement', 'the guest did not tell of its boot');
  }
  return { manager, target, kernelLog };
}

/**
 * Where a boot spent its time. systemd counts an initrd without systemd among the kernel's time, so that the border between
 * the two is taken from the kernel's own log for both systems.
 *
 * @throws BenchError `bad-measurement` for what the guest did not tell, or not in order
 */
export function timelineOf({ manager, target, kernelLog }: BootFacts): Timeline {
  const init = Number(/^\[ *(\d+\.\d+)\] Run \/init as init process/m.exec(kernelLog)?.[1]);
  const userspace = property(manager, 'UserspaceTimestampMonotonic');
  const total = property(target, 'ActiveEnterTimestampMonotonic');
  if (!(init > 0 && userspace > init && total > userspace)) {
    throw new BenchError(
      'bad-measurement',
      `a boot cannot have started /init at ${init} s, userspace at ${userspace} s and multi-user.target at ${total} s`,
    );
  }
  return { kernel: init, initrd: userspace - init, userspace: total - userspace, total };
}

/** A time of systemd's in seconds. */
function property(text: string, name: string): number {
  return Number(new RegExp(`^${name}=(\\d+)$`, 'm').exec(text)?.[1]) / 1e6;
}

/** How long a unit of the initrd took to start. */
export interface UnitTime {
  readonly unit: string;
  /** Seconds after the kernel's start. */
  readonly start: number;
  readonly seconds: number;
}

/** systemd.journal-fields(7) and systemd's sd-messages.h: a unit is being started, and it was. */
const STARTING = '7d4958e842da4a758f6c1cdc7b36dcc5';
const STARTED = '39f53479d3a045ac8e11786248231fbf';

/** The journal of PID 1, from which `unitTimes` reads: the first lines of a boot are enough for its initrd. */
export const UNITS_SCRIPT = `journalctl -b -o json _PID=1 MESSAGE_ID=${STARTING} MESSAGE_ID=${STARTED}`;

/**
 * How long each unit of the initrd took to start, longest first. Units that overlap are counted in full, each.
 *
 * @param journal lines of JSON, from `UNITS_SCRIPT`
 * @param until seconds after the kernel's start: when the system's own init took over
 */
export function unitTimes(journal: string, until: number): UnitTime[] {
  const starts = new Map<string, number>();
  const times: UnitTime[] = [];
  for (const line of journal.split('\n')) {
    const entry = parseEntry(line);
    if (entry === undefined || entry.time > until) continue;
    if (entry.message === STARTING) starts.set(entry.unit, entry.time);
    const start = starts.get(entry.unit);
    if (entry.message === STARTED && start !== undefined) {
      times.push({ unit: entry.unit, start, seconds: entry.time - start });
    }
  }
  return times.sort((a, b) => b.seconds - a.seconds);
}

function parseEntry(line: string): { unit: string; message: string; time: number } | undefined {
  if (!line.startsWith('{')) return undefined;
  const entry: unknown = JSON.parse(line);
  if (typeof entry !== 'object' || entry === null) return undefined;
  if (!('UNIT' in entry && 'MESSAGE_ID' in entry && '__MONOTONIC_TIMESTAMP' in entry)) return undefined;
  return {
    unit: String(entry.UNIT),
    message: String(entry.MESSAGE_ID),
    time: Number(entry.__MONOTONIC_TIMESTAMP) / 1e6,
  };
}
