import { CairnError } from '@cairn/bytes';
import { type EarlyFiles, type Host, parseMountInfo } from '@cairn/host';
import { linesOf } from '../health/log.ts';

/** What the firmware, or memory that a reset leaves alone, has kept of a kernel's last words (Linux, Documentation/ABI/testing/pstore). */
export const PSTORE = '/sys/fs/pstore';
/** Where systemd-pstore.service moves it to at each boot: in memory, so that what is there was found in this boot. */
const ARCHIVE = '/var/lib/systemd/pstore';

const RECORD = /^dmesg(?:-[\w-]+|\.txt)/;
/** `dmesg-efi_pstore-175…`: time, then two digits of the part, then three of a count. */
const PART_DIGITS = 5;
const HEADER = /^(?:Panic|Oops|Emergency|Unknown)#\d+ Part(\d+)\s*$/;
const PANIC = /Kernel panic - not syncing: (.+)/;
const DEPTH = 3;
const FILES_LIMIT = 500;
const SIZE_LIMIT = 1 << 20;
const LINES_KEPT = 25;
/** Clocks of firmware and kernel may differ by as much. */
const SLACK_MS = 60_000;

/** The last words of a kernel that panicked. */
export interface Panic {
  /** `Attempted to kill init! exitcode=0x00000009` */
  readonly what: string;
  /** The lines around it. */
  readonly log: readonly string[];
  /** All that was kept, in order. */
  readonly lines: readonly string[];
}

export interface PstoreFile {
  readonly group: string;
  readonly part: number;
  readonly modified: number;
  readonly lines: readonly string[];
}

/** The newest panic that was kept since a moment; undefined where there is none. It may be of several files, the last part first. */
export async function lastPanic(host: Host, since: number): Promise<Panic | undefined> {
  await mountPstore(host);
  const found = [
    ...(await readRecords(host.files, PSTORE)).filter(({ modified }) => modified >= since - SLACK_MS),
    ...(await readRecords(host.files, ARCHIVE)),
  ];
  return newestPanic(found);
}

/**
 * Removes what the firmware has kept of panics. systemd-pstore.service does it at each boot; where it is not, the initrd would come
 * upon the same panic in each boot, and doubt a release that is good.
 */
export async function forgetPanics(host: Host): Promise<void> {
  await mountPstore(host);
  for (const name of (await quietly(() => host.files.list(PSTORE))) ?? []) {
    if (RECORD.test(name)) await quietly(() => host.files.remove(`${PSTORE}/${name}`));
  }
}

/** Pure: the newest of the panics in files of pstore. */
export function newestPanic(found: readonly PstoreFile[]): Panic | undefined {
  const newest = found
    .filter(({ lines }) => lines.some((line) => PANIC.test(line)))
    .toSorted((a, b) => b.modified - a.modified || (a.group < b.group ? 1 : -1))[0];
  if (newest === undefined) return undefined;
  const lines = found
    .filter(({ group }) => group === newest.group)
    .toSorted((a, b) => b.part - a.part)
    .flatMap((file) => file.lines);
  const at = lines.findLastIndex((line) => PANIC.test(line));
  const what = (PANIC.exec(lines[at] ?? '')?.[1] ?? '').trim();
  return { what, log: aroundPanic(lines, at), lines };
}

/** The lines that lead to it, and those after it: who did what. */
function aroundPanic(lines: readonly string[], at: number): string[] {
  const from = Math.max(0, Math.min(at - 5, lines.length - LINES_KEPT));
  return lines.slice(from, from + LINES_KEPT);
}

async function mountPstore({ files, programs }: Host): Promise<void> {
  const mounts = parseMountInfo((await files.readText('/proc/self/mountinfo')) ?? '');
  if (mounts.some(({ target }) => target === PSTORE)) return;
  await quietly(() => programs.run(['modprobe', '--quiet', 'efi_pstore'], { timeoutMs: 10_000 }));
  await quietly(() => programs.run(['mount', '-t', 'pstore', 'pstore', PSTORE], { timeoutMs: 10_000 }));
}

/** What is kept in a folder, without what may be secret. */
export async function readRecords(
  files: EarlyFiles,
  folder: string,
  depth: number = DEPTH,
): Promise<PstoreFile[]> {
  const found: PstoreFile[] = [];
  for (const name of ((await quietly(() => files.list(folder))) ?? []).slice(-FILES_LIMIT)) {
    const path = `${folder}/${name}`;
    const status = await quietly(() => files.stat(path));
    if (status?.kind === 'directory' && depth > 1) found.push(...(await readRecords(files, path, depth - 1)));
    if (status?.kind !== 'file' || !RECORD.test(name)) continue;
    const text = await quietly(() => files.readText(path, SIZE_LIMIT));
    if (text === undefined) continue;
    const [first = '', ...rest] = text.split('\n');
    const part = HEADER.exec(first)?.[1];
    const stem = /\d{6,}$/.test(name) ? name.slice(0, -PART_DIGITS) : name;
    found.push({
      group: `${folder}/${stem}`,
      part: Number(part ?? 1),
      modified: status.modified,
      lines: linesOf((part === undefined ? [first, ...rest] : rest).join('\n')),
    });
  }
  return found;
}

/** What cannot be looked at tells nothing. */
async function quietly<T>(work: () => Promise<T>): Promise<T | undefined> {
  try {
    return await work();
  } catch (error) {
    if (!(error instanceof CairnError)) throw error;
    return undefined;
  }
}
