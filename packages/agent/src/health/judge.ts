import { CairnError } from '@cairn/bytes';
import type { Host } from '@cairn/host';
import { bless, settle } from '../bless/bless.ts';
import { readRootHash } from '../boot/boot.ts';
import { TRIAL, UP } from '../boot/places.ts';
import { AgentError } from '../error.ts';
import { takeLock } from '../node/lock.ts';
import { reboot } from '../node/reboot.ts';
import { addAttempt } from '../state/attempt.ts';
import { loadState } from '../state/store.ts';
import type { Attempt } from '../state/types.ts';
import { runChecks } from './checks.ts';
import { loadHealthConfig } from './config/load.ts';
import type { HealthConfig } from './config/types.ts';
import { bad, type Finding } from './finding.ts';
import { bootLog, outputOf } from './log.ts';
import type { Doors } from './own.ts';

/** What became of a release on trial. */
export interface Verdict {
  readonly healthy: boolean;
  /** Undefined where it is healthy. */
  readonly reason: string | undefined;
  /** The last that were made. */
  readonly findings: readonly Finding[];
  /** Milliseconds. */
  readonly took: number;
}

/** Between two rounds of checks. */
const PAUSE_MS = 5000;
/** How many rounds in a row have to be good. */
const ROUNDS = 2;
const LOCK_PATIENCE_MS = 30_000;

/** What is wrong, and that it will not heal. */
interface Failure {
  readonly reason: string;
  readonly findings: readonly Finding[];
}

/**
 * Judges the release that runs on trial. Healthy, twice in a row: it is blessed. Otherwise, at the deadline or once it cannot
 * heal any more, the reason goes into the node's state with the last of the log, and the machine reboots.
 */
export async function judge(doors: Doors, signal: AbortSignal): Promise<Verdict> {
  const { host } = doors;
  const began = host.clock.monotonic();
  const took = () => Math.round(host.clock.monotonic() - began);
  await takeOver(host, signal);
  await note(host, 'userland');
  const outcome = await watch(doors, took, signal);
  if (!('reason' in outcome)) return { healthy: true, reason: undefined, ...outcome, took: took() };
  await giveUp(host, outcome);
  return { healthy: false, ...outcome, took: took() };
}

/** Rounds of checks until it is blessed, or has failed. */
async function watch(
  doors: Doors,
  took: () => number,
  signal: AbortSignal,
): Promise<Failure | { readonly findings: readonly Finding[] }> {
  const { host } = doors;
  const config = await configOf(host);
  if ('reason' in config) return config;
  let rounds = 0;
  let reached: Attempt['reached'] = 'userland';
  for (;;) {
    signal.throwIfAborted();
    // Somebody has said meanwhile that it is good.
    if ((await host.files.stat(TRIAL)) === undefined) return { findings: [] };
    if (reached !== 'health' && (await host.files.stat(UP)) !== undefined) {
      reached = 'health';
      await note(host, reached);
    }
    const findings = await runChecks(doors, config, true);
    // What is not on the disk is lost in a reset, and it is what tells why.
    await outputOf(host, ['journalctl', '--sync']);
    const failing = findings.filter(({ ok }) => !ok);
    rounds = failing.length === 0 ? rounds + 1 : 0;
    if (rounds >= ROUNDS) {
      const blessed = await tryToBless(host, signal);
      if (blessed === undefined) return { findings };
      if (took() >= config.deadlineMs) return failureOf(blessed, config, took());
    }
    const late = took() >= config.deadlineMs;
    if (failing.length > 0 && (late || failing.some(({ final }) => final === true))) {
      return failureOf(findings, late ? config : undefined, took());
    }
    await host.clock.sleep(PAUSE_MS, signal);
  }
}

/** @returns what is in the way, which may not be there any more in a moment; undefined where it is blessed */
async function tryToBless(host: Host, signal: AbortSignal): Promise<readonly Finding[] | undefined> {
  try {
    await bless(host, { signal });
    return undefined;
  } catch (error) {
    if (!(error instanceof CairnError)) throw error;
    return [bad('bless', `it is healthy, and could not be noted as good: ${error.message}`)];
  }
}

function failureOf(findings: readonly Finding[], config: HealthConfig | undefined, took: number): Failure {
  // Of those that cannot heal the first, else of all the first.
  const told = findings.find(({ ok, final }) => !ok && final === true) ?? findings.find(({ ok }) => !ok);
  const said = told?.said ?? 'the checks did not end';
  return { reason: config === undefined ? said : `${said}, after ${Math.round(took / 1000)} s`, findings };
}

async function configOf(host: Host): Promise<HealthConfig | Failure> {
  try {
    return await loadHealthConfig(host.files);
  } catch (error) {
    if (!(error instanceof CairnError)) throw error;
    const finding = bad('configuration', `the configuration of health is wrong: ${error.message}`);
    return { reason: finding.said ?? '', findings: [finding] };
  }
}

/** A cut between an upgrade's commit and its last step leaves a release on trial that the state does not know: that step is done now. */
async function takeOver(host: Host, signal: AbortSignal): Promise<void> {
  const rootHash = readRootHash((await host.files.readText('/proc/cmdline')) ?? '');
  if ((await loadState(host.files)).state.pending?.rootHash === rootHash) return;
  await quietly(async () => void (await settle(host, { signal })));
}

async function giveUp(host: Host, { reason, findings }: Failure): Promise<void> {
  const units = findings.flatMap((finding) => finding.units ?? []);
  const log = await bootLog(host, units);
  await note(host, 'health', { reason, log });
  await quietly(() => reboot(host, { force: true }));
}

/** Notes how far it has come. That it cannot be noted changes nothing: the loader counts. */
async function note(host: Host, reached: Attempt['reached'], failure?: Attempt['failure']): Promise<void> {
  await quietly(async () => {
    await using _lock = await patientLock(host);
    await addAttempt(host, { reached, ...(failure === undefined ? {} : { failure }) });
  });
}

/** Whoever has the lock is waited for, but not for ever: a reboot ends it anyway. */
async function patientLock(host: Host): Promise<AsyncDisposable> {
  const until = host.clock.monotonic() + LOCK_PATIENCE_MS;
  for (;;) {
    try {
      return await takeLock(host, 'health');
    } catch (error) {
      if (!(error instanceof AgentError) || error.code !== 'locked') throw error;
      if (host.clock.monotonic() >= until) return { [Symbol.asyncDispose]: async () => {} };
    }
    await host.clock.sleep(1000);
  }
}

async function quietly(work: () => Promise<void>): Promise<void> {
  try {
    await work();
  } catch (error) {
    if (!(error instanceof CairnError)) throw error;
  }
}
