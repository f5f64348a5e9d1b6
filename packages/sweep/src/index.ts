export { LOADERS } from './boot/esp.ts';
export { type BootDisk, type Booted, type Comparison, compareBoots } from './compare.ts';
export type { SlotLabel, Watched } from './disk/layout.ts';
export { loaderOf, openRelease, type SweepRelease } from './disk/release.ts';
export { SweepError, type SweepErrorCode } from './error.ts';
export { type Boots, type Firmware, Judge, type Verdict } from './judge.ts';
export { type LogEntry, type LogSuperblock, parseLogEntry, parseLogSuperblock } from './log/format.ts';
export { readLog, readLogSuperblock } from './log/read.ts';
export { LogWriter } from './log/write.ts';
export { type Prepared, prepareSweep, type SweepInput } from './prepare.ts';
export { HELP, OPTIONS, type Surroundings, sweepProgram, type Values } from './program.ts';
export { mulberry32, type Random } from './random.ts';
export { enterState, writeState } from './replay.ts';
export { formatStateId, parseStateId, type StateId } from './states/id.ts';
export type { StateKind } from './states/sample.ts';
export {
  failureOf,
  type JudgedState,
  type Rules,
  runSweep,
  type SweepOptions,
  type SweepResult,
  type Turn,
} from './states/sweep.ts';
