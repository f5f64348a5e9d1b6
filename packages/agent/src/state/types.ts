/** How far a boot came, and what went wrong in it. */
export interface Attempt {
  /** `/proc/sys/kernel/random/boot_id` */
  readonly bootId: string;
  /** ISO 8601, UTC; as all times here. */
  readonly at: string;
  readonly reached: 'initrd' | 'userland' | 'health';
  readonly failure?: { readonly reason: string; readonly log: readonly string[] };
}

/** By which interfaces there was a way out, for each family of addresses. */
export interface DefaultRoutes {
  readonly ipv4: readonly string[];
  readonly ipv6: readonly string[];
}

/** A release that was committed and has not proven itself. */
export interface Pending {
  /** The first 32 digits of the root hash. */
  readonly id: string;
  readonly rootHash: string;
  readonly generation: number;
  /** `cairn-a` or `cairn-b` */
  readonly slot: string;
  readonly name: string;
  readonly version: string;
  /** Of the image that it was made from: `sha256:…`. */
  readonly digest: string;
  readonly since: string;
  /** What the network was when it was committed: a boot that has less is not healthy. */
  readonly network?: DefaultRoutes;
  readonly attempts: readonly Attempt[];
}

/** A release that failed, and is not installed again unless told so. */
export interface Denied {
  readonly rootHash: string;
  readonly imageDigest: string;
  readonly name: string;
  readonly version: string;
  readonly reason: string;
  readonly log: readonly string[];
  readonly at: string;
}

/** Something that was done to the node. */
export interface ActionRecord {
  /** `upgrade`, `rollback`, `bless`, … */
  readonly kind: string;
  readonly at: string;
  /** Milliseconds. */
  readonly took: number;
  readonly result: 'done' | 'failed' | 'interrupted';
  /** One sentence. */
  readonly detail: string;
}

/** What a node remembers over upgrades, rollbacks and failed boots. */
export interface NodeState {
  readonly pending?: Pending;
  readonly denied: readonly Denied[];
  /** The last ones, oldest first. */
  readonly actions: readonly ActionRecord[];
}

export const EMPTY_STATE: NodeState = { denied: [], actions: [] };

/** More are forgotten, the oldest first. */
export const ACTIONS_KEPT = 20;
export const DENIED_KEPT = 50;
export const ATTEMPTS_KEPT = 10;
