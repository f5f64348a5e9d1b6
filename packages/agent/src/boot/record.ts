/** What `cairn boot` leaves for those who ask later. */
export interface BootRecord {
  readonly formatVersion: 1;
  readonly rootHash: string;
  /** The label of the slot that was booted, or `live`: then `disk` is the live medium. */
  readonly slot: string;
  readonly disk: string;
  /** False when persistent paths are in memory, since their partition could not be used, or the system is a live one. */
  readonly persistent: boolean;
  /** True when this boot made the partitions. */
  readonly firstBoot: boolean;
  /** This boot of recovery has done a reset, and is ended for the node's own system. */
  readonly reset?: boolean;
  /** One sentence each: what is not as it should be. */
  readonly problems: readonly string[];
  /** Milliseconds that `cairn boot` took. */
  readonly took: number;
}

export function parseBootRecord(text: string): BootRecord | undefined {
  try {
    const value: unknown = JSON.parse(text);
    return isRecord(value) ? value : undefined;
  } catch {
    return undefined;
  }
}

function isRecord(value: unknown): value is BootRecord {
  return (
    typeof value === 'object' &&
    value !== null &&
    'formatVersion' in value &&
    value.formatVersion === 1 &&
    'rootHash' in value &&
    typeof value.rootHash === 'string' &&
    'slot' in value &&
    typeof value.slot === 'string' &&
    'problems' in value &&
    Array.isArray(value.problems)
  );
}
