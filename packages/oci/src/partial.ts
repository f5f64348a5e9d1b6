import type { Files } from '@cairn/host';

/**
 * Who writes a partial blob: a process, told from all others that ever had its number by when it started, in
 * which boot, and in which PID namespace.
 */
export interface Owner {
  readonly boot: string;
  readonly namespace: string;
  readonly pid: string;
  readonly started: string;
}

/** The name of a partial blob: `HEX.BOOT-NAMESPACE-PID-STARTED.NONCE`, or `HEX.free.NONCE` when nobody writes to it. */
export interface PartialName {
  readonly hex: string;
  readonly owner: Owner | undefined;
  readonly nonce: string;
}

const NAME = /^([0-9a-f]{64,128})\.(?:free|([0-9a-f]+)-([0-9]+)-([0-9]+)-([0-9]+))\.([0-9a-f]+)$/;
/** A partial of a PID namespace we cannot look into counts as given up when it was not touched for so long. */
const GIVEN_UP_MS = 60 * 60_000;

export function parsePartialName(name: string): PartialName | undefined {
  const [, hex, boot, namespace, pid, started, nonce] = NAME.exec(name) ?? [];
  if (hex === undefined || nonce === undefined) return undefined;
  if (boot === undefined || namespace === undefined || pid === undefined || started === undefined) {
    return { hex, owner: undefined, nonce };
  }
  return { hex, owner: { boot, namespace, pid, started }, nonce };
}

export function formatPartialName({ hex, owner, nonce }: PartialName): string {
  if (owner === undefined) return `${hex}.free.${nonce}`;
  return `${hex}.${owner.boot}-${owner.namespace}-${owner.pid}-${owner.started}.${nonce}`;
}

/** This process. Zeros where there is no /proc: then only age tells whether its partials were given up. */
export async function thisProcess(files: Files): Promise<Owner> {
  const boot = (await files.readText('/proc/sys/kernel/random/boot_id')) ?? '';
  const namespace = (await files.readLink('/proc/self/ns/pid')) ?? '';
  const status = parseStatus((await files.readText('/proc/self/stat')) ?? '');
  return {
    boot: boot.replaceAll(/[^0-9a-f]/g, '') || '0',
    namespace: namespace.replaceAll(/[^0-9]/g, '') || '0',
    pid: status?.pid ?? '0',
    started: status?.started ?? '0',
  };
}

/** Whether nobody writes to a partial any more, so that its bytes may be taken over. */
export async function isGivenUp(
  files: Files,
  partial: PartialName,
  self: Owner,
  ageMs: number,
): Promise<boolean> {
  const { owner } = partial;
  if (owner === undefined || owner.boot !== self.boot) return true;
  if (owner.namespace !== self.namespace || self.pid === '0') return ageMs > GIVEN_UP_MS;
  const status = parseStatus((await files.readText(`/proc/${owner.pid}/stat`)) ?? '');
  return status?.started !== owner.started;
}

/** Number and start time of a process (proc_pid_stat(5)); its name, in parentheses, may hold blanks and parentheses. */
function parseStatus(text: string): { pid: string; started: string } | undefined {
  const pid = /^[0-9]+/.exec(text)?.[0];
  const started = text.slice(text.lastIndexOf(')') + 2).split(' ')[19];
  return pid === undefined || started === undefined ? undefined : { pid, started };
}
