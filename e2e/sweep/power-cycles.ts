import { setTimeout as wait } from 'node:timers/promises';
import type { Host } from '@cairn/host';
import {
  mulberry32,
  openRelease,
  prepareSweep,
  runSweep,
  type SweepInput,
  type SweepRelease,
  type SweepResult,
} from '@cairn/sweep';
import type { Machine } from '@cairn/testkit';

/** A boot without company takes 35 s up to its login: most cuts come before that, some after it. */
const LONGEST_MS = 50_000;

/** What the agent prints in each boot that comes as far as the initrd's end. */
const BOOTING = /Cairn: booting (\S+), root [0-9a-f]{16} verified/g;

/** Cuts the power of a machine that has booted, again and again, each time after another while. */
export async function cutPower(
  machine: Machine,
  { cycles, seed, note = () => {} }: { cycles: number; seed: number; note?: (line: string) => void },
): Promise<void> {
  const random = mulberry32(seed);
  for (let cycle = 1; cycle <= cycles; cycle++) {
    const milliseconds = random() % LONGEST_MS;
    await wait(milliseconds);
    note(`${cycle} of ${cycles}: power cut after ${(milliseconds / 1000).toFixed(1)} s`);
    await machine.reset();
  }
}

/** The slots that boots came up from, in order, as the console has them from a place on. */
export function slotsBooted(transcript: string, from = 0): string[] {
  return [...transcript.slice(from).matchAll(BOOTING)].map(([, slot = '']) => slot);
}

/** A disk, what was written to it while a healthy node was cut from its power, and the releases that are on it. */
export interface Cycled {
  readonly base: string;
  readonly log: string;
  /** The one that ran, first. */
  readonly releases: readonly string[];
}

/** Judges the states that cuts at any moment of a log could have left. */
export async function judgeLog(
  host: Host,
  { base, log, releases }: Cycled,
  options: { readonly states: number; readonly signal: AbortSignal },
): Promise<SweepResult> {
  await using baseFile = await host.files.open(base, 'read');
  await using logFile = await host.files.open(log, 'read');
  const names = ['new', 'old', ...releases.map((_, index) => `known-${index + 1}`)];
  const opened: SweepRelease[] = [];
  for (const [index, folder] of releases.entries()) {
    opened.push(await openRelease(host.files, folder, names[index] ?? '', options.signal));
  }
  const input: SweepInput = {
    base: baseFile,
    log: logFile,
    releases: opened,
    loaders: [],
    firmware: 'both',
  };
  return await runSweep(await prepareSweep(input, options.signal), options);
}
