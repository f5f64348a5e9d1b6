/** The tries of an entry that is counted (UAPI.1, Boot Loader Specification, "Boot counting"). */
export interface Tries {
  /** How often it may still be booted. */
  readonly left: number;
  /** How often it was. */
  readonly done: number;
}

/** What the name of one of our loader entries says. */
export type EntryName =
  | { readonly kind: 'slot'; readonly generation: number; readonly tries: Tries | undefined }
  | { readonly kind: 'recovery'; readonly tries: Tries | undefined };

const NAME = /^cairn-(?:([1-9]\d{0,14})|(recovery))(?:\+(\d{1,9})(?:-(\d{1,9}))?)?\.conf$/;

/** Parses a file's name in `loader/entries`; undefined for one that is not ours. */
export function parseEntryName(file: string): EntryName | undefined {
  const [whole, generation, , left, done = '0'] = NAME.exec(file) ?? [];
  if (whole === undefined) return undefined;
  const tries = left === undefined ? undefined : { left: Number(left), done: Number(done) };
  if (generation === undefined) return { kind: 'recovery', tries };
  return { kind: 'slot', generation: Number(generation), tries };
}

/** The name of an entry: `cairn-7.conf` is good, `cairn-7+3.conf` has three tries. */
export function formatEntryName(generation: number, tries?: Tries): string {
  if (tries === undefined) return `cairn-${generation}.conf`;
  return `cairn-${generation}+${tries.left}${tries.done === 0 ? '' : `-${tries.done}`}.conf`;
}

/** The entry of the recovery release, which is not counted. */
export const RECOVERY_FILE = 'cairn-recovery.conf';

/** How often a new release is tried before the loader takes another one. */
export const TRIES: Tries = { left: 3, done: 0 };
