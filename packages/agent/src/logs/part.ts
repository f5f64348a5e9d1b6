import type { Host } from '@cairn/host';

/** One file of a support bundle, and where its text comes from. */
export interface Part {
  readonly name: string;
  /** Undefined where this machine has no such thing. Throws CairnError for what went wrong. */
  read(host: Host): Promise<string | undefined>;
}
