/** A check of the owner's, as the configuration has it. */
export type OwnCheck = Common &
  (
    | { readonly kind: 'unit'; readonly unit: string }
    | { readonly kind: 'tcp'; readonly host: string; readonly port: number }
    | { readonly kind: 'http'; readonly url: string; readonly status: number }
    | { readonly kind: 'command'; readonly argv: readonly string[] }
    | { readonly kind: 'kubernetes' }
  );

interface Common {
  readonly timeoutMs: number;
  /** `/oem/90_custom.yaml:12` */
  readonly at: string;
}

/** `health:` of the configuration. */
export interface HealthConfig {
  readonly deadlineMs: number;
  /** Names of units, with `*` and `?`, that may have failed. */
  readonly allowFailed: readonly string[];
  readonly checks: readonly OwnCheck[];
}

/** Of one file: what it does not say is left to the others. */
export interface HealthPart {
  readonly deadlineMs?: number;
  readonly allowFailed: readonly string[];
  readonly checks: readonly OwnCheck[];
}

export const DEFAULT_DEADLINE_MS = 10 * 60_000;
/** cairn-health.service ends a trial five minutes later. */
export const MAX_DEADLINE_MS = 60 * 60_000;
export const MIN_DEADLINE_MS = 10_000;
export const DEFAULT_TIMEOUT_MS = 10_000;
export const MAX_TIMEOUT_MS = 10 * 60_000;
/** Of one file's lists. */
export const MAX_ITEMS = 200;
