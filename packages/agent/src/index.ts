export { execute } from './actions/execute.ts';
export type { ActionProgress } from './actions/run.ts';
export type { ActionKind, Plan, Step } from './actions/steps.ts';
export { describePlan } from './actions/text.ts';
export { bless, type Settled, settle } from './bless/bless.ts';
export { type BootOptions, boot } from './boot/boot.ts';
export { PERSISTENT } from './boot/places.ts';
export type { BootRecord } from './boot/record.ts';
export { type CommandAnswer, type CommandExtras, type NodeCommand, nodeCommands } from './commands.ts';
export { AgentError, type AgentErrorCode } from './error.ts';
export type { HealthConfig, HealthPart, OwnCheck } from './health/config/types.ts';
export type { Finding } from './health/finding.ts';
export type { Verdict } from './health/judge.ts';
export { redact } from './health/redact.ts';
export { type InstallConfig, parseInstallConfig } from './install/config.ts';
export { type InstallOptions, type InstallResult, install } from './install/install.ts';
export type { InstallPlan, InstallStep } from './install/steps.ts';
export { describeInstallation } from './install/text.ts';
export { type EntryText, parseEntry, releaseOf } from './loader/entry.ts';
export { type LoaderEntry, type LoaderState, loadLoader } from './loader/load.ts';
export { type EntryName, formatEntryName, parseEntryName, TRIES, type Tries } from './loader/name.ts';
export { bootOrder, compareEntries, entryOf, isSpent, nextGeneration } from './loader/order.ts';
export { type Bundle, type BundledPart, bundleLogs } from './logs/bundle.ts';
export { reboot } from './node/reboot.ts';
export { WRITABLE_PATHS, type WritableKind, type WritablePath } from './paths/map.ts';
export { type MeasuredPath, measurePaths } from './paths/measure.ts';
export { bootIntoRecovery, type RecoveryRequest, refreshRecovery } from './recovery/recovery.ts';
export { describeReset } from './reset/perform.ts';
export { type ResetRequest } from './reset/request.ts';
export { type ResetOptions, requestReset } from './reset/reset.ts';
export { rollback } from './rollback/rollback.ts';
export { withAction, withAttempt, withDenied, withoutPending, withPending } from './state/change.ts';
export { encodeState, parseState, type StateCopy } from './state/parse.ts';
export { changeState, loadState, STATE_FOLDER } from './state/store.ts';
export type { ActionRecord, Attempt, Denied, NodeState, Pending } from './state/types.ts';
export { type NextBoot, type NodeLife, readLife, type SlotStatus } from './status/life.ts';
export { type NodeStatus, readStatus } from './status/status.ts';
export {
  folderSource,
  type NodeFacts,
  type UpgradeRequest,
  type UpgradeResult,
  type UpgradeSource,
  upgrade,
} from './upgrade/upgrade.ts';
export { compareVersions, isOlder } from './upgrade/version.ts';
