import { concatBytes, viewOf } from '@cairn/bytes';
import { type Host, HostError, parseMountInfo } from '@cairn/host';
import { AgentError } from '../error.ts';
import { mustRun } from '../node/programs.ts';
import { tool } from '../node/tools.ts';

/** A variable of the firmware as efivarfs has it in a file (kernel documentation, efivarfs). */
export interface EfiVariable {
  /** UEFI 2.10, section 8.2: bits. */
  readonly attributes: number;
  readonly data: Uint8Array;
}

/** Kept over a reboot, and to be seen both by the loader and by us. */
export const KEPT = 1 | 2 | 4;

export const EFI_VARIABLES = '/sys/firmware/efi/efivars';
/** Whose variables: the firmware's own, and systemd's (Boot Loader Interface). */
export const EFI_GLOBAL = '8be4df61-93ca-11d2-aa0d-00e098032b8c';
export const LOADER_VENDOR = '4a67b082-0a4c-41cf-b6c7-440b29bb8c4f';

/** Firmware keeps all its variables in less. */
const LIMIT = 1 << 16;

export function encodeVariable({ attributes, data }: EfiVariable): Uint8Array {
  const head = new Uint8Array(4);
  viewOf(head).setUint32(0, attributes, true);
  return concatBytes([head, data]);
}

/** Undefined for what is too short to be one. */
export function parseVariable(bytes: Uint8Array): EfiVariable | undefined {
  if (bytes.length < 4) return undefined;
  return { attributes: viewOf(bytes).getUint32(0, true), data: bytes.subarray(4) };
}

/** UTF-16 with a NUL at its end, as firmware and loader write texts. */
export function encodeText(text: string): Uint8Array {
  return Uint8Array.from(Buffer.from(`${text}\0`, 'utf16le'));
}

/** Up to the first NUL. */
export function decodeText(data: Uint8Array): string {
  const [text = ''] = Buffer.from(data).toString('utf16le').split('\0');
  return text;
}

/** `BootOrder-8be4df61-…` */
export function variablePath(name: string, vendor: string): string {
  return `${EFI_VARIABLES}/${name}-${vendor}`;
}

/**
 * Makes sure that the firmware's variables can be reached; not all inits mount them.
 *
 * @throws AgentError `no-efi` where the machine was not started by UEFI, `failed`
 */
export async function openEfi(host: Host): Promise<void> {
  const { files } = host;
  if ((await files.stat('/sys/firmware/efi')) === undefined) {
    throw new AgentError('no-efi', 'this machine was not started by UEFI firmware: it has no EFI variables');
  }
  const mounts = parseMountInfo((await files.readText('/proc/self/mountinfo')) ?? '');
  if (mounts.some(({ target }) => target === EFI_VARIABLES)) return;
  await mustRun(host, ['mount', '-t', 'efivarfs', '-o', 'nosuid,nodev,noexec', 'efivarfs', EFI_VARIABLES]);
}

export async function readVariable(
  { files }: Pick<Host, 'files'>,
  name: string,
  vendor: string,
): Promise<EfiVariable | undefined> {
  const bytes = await files.read(variablePath(name, vendor), LIMIT);
  return bytes && parseVariable(bytes);
}

/**
 * Sets a variable, by the one write that the kernel makes a call of the firmware of, and reads it back.
 *
 * @throws AgentError `failed` where the firmware does not keep it, HostError
 */
export async function writeVariable(
  host: Host,
  name: string,
  vendor: string,
  variable: EfiVariable,
): Promise<void> {
  const path = variablePath(name, vendor);
  const bytes = encodeVariable(variable);
  const isThere = (await host.files.stat(path)) !== undefined;
  // The kernel protects all that it does not know to be harmless from being removed by mistake.
  if (isThere) await host.programs.run(tool('chattr', ['-i', path]));
  {
    await using file = await host.files.open(path, isThere ? 'change' : 'create');
    await file.write(0, bytes);
  }
  const found = await readVariable(host, name, vendor);
  if (found !== undefined && Buffer.compare(found.data, variable.data) === 0) return;
  throw new AgentError('failed', `the firmware has not kept the variable ${name}`);
}

export async function removeVariable(host: Host, name: string, vendor: string): Promise<void> {
  const path = variablePath(name, vendor);
  try {
    await host.files.remove(path);
  } catch (error) {
    if (!(error instanceof HostError)) throw error;
    await host.programs.run(tool('chattr', ['-i', path]));
    await host.files.remove(path);
  }
}
