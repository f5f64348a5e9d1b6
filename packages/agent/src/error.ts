import { CairnError } from '@cairn/bytes';

export type AgentErrorCode =
  | 'not-a-node'
  | 'bad-boot'
  | 'mount-failed'
  /** A loader entry, or a file's name among them, that is not understood. */
  | 'bad-entry'
  /** The node's state, or the journal of an action, is not understood. */
  | 'bad-state'
  /** Another action runs. */
  | 'locked'
  /** The disk or the slot that would be written is in use by something else. */
  | 'busy'
  /** It cannot be told which disk or partition is meant. */
  | 'ambiguous'
  /** A live system: it has no slots, and nothing is kept. */
  | 'live'
  /** The node has not all that is needed: a partition, the loader's entry of what runs. */
  | 'unfit'
  /** What runs is on trial itself. */
  | 'unproven'
  /** The release is not for this machine, or does not fit its partitions. */
  | 'wrong-architecture'
  | 'too-large'
  /** The release runs already. */
  | 'running'
  /** The release failed before and is on the deny list. */
  | 'denied'
  /** The release is older than the one that runs. */
  | 'downgrade'
  /** The release's files are not what its description says. */
  | 'bad-release'
  /** What was read back is not what was written. */
  | 'not-verified'
  /** There is no release to go back to. */
  | 'no-fallback'
  /** A configuration file is wrong. */
  | 'bad-config'
  /** No disk can be taken without being named, or the one that is named is none. */
  | 'no-disk'
  /** Its partitions are mounted, or something else lies on it. */
  | 'disk-in-use'
  | 'disk-too-small'
  | 'disk-unfit'
  /** `script://` failed, or did not print one device. */
  | 'script-failed'
  /** What was asked for cannot be: a size, a label, a setting of the configuration. */
  | 'bad-request'
  /** The machine was not started by UEFI firmware. */
  | 'no-efi'
  /** What tells this machine its configuration is there, and cannot be read. */
  | 'datasource'
  /** A program that the agent needs failed. */
  | 'failed';

export class AgentError extends CairnError<AgentErrorCode> {
  override readonly name = 'AgentError';
}
