import type { EarlyHost } from '@cairn/host';
import { newestPanic, type Panic, PSTORE, readRecords } from '../bless/pstore.ts';
import { doubtStarted, LAST_TRY, SPENT, type Started } from './doubt.ts';
import { RUN, UNSETTLED } from './places.ts';

/** What /init writes to the kernel's log before it lets the kernel verify a root: so a panic tells whose it is. */
const VERIFYING = /cairn: verifying ([0-9a-f]{64})/;
/** What verity says of the block before it has the kernel panic. */
const CORRUPTED = /device-mapper: verity: .* is corrupted/;

/**
 * The boot is refused, as its slot does not hold the release: the loader is told to take another entry from the next boot on.
 *
 * @param reason one sentence
 * @returns what the console says of it; undefined where the loader goes on to take this one
 */
export async function noteRefusal(
  host: EarlyHost,
  started: Started,
  reason: string,
): Promise<string | undefined> {
  if (!(await doubtStarted(host, started, { tries: SPENT, reason }))) return undefined;
  return `${started.entry} is not booted any more: the boot loader takes the next one`;
}

/**
 * The kernel of an earlier boot of this release has panicked, which the firmware has kept: from now on the loader counts, and takes
 * another entry after this boot and one more have failed as well. A boot that comes up ends that (`cairn settle`).
 *
 * A panic of another release says nothing about this one; one of which that is not known counts, since it costs nothing if
 * this boot comes up.
 */
export async function noteLastPanic(
  host: EarlyHost,
  started: Started,
  rootHash: string,
): Promise<string | undefined> {
  const panic = newestPanic(await readRecords(host.files, PSTORE));
  if (panic === undefined) return undefined;
  const whose = panic.lines.findLast((line) => VERIFYING.test(line));
  if (whose !== undefined && VERIFYING.exec(whose)?.[1] !== rootHash) return undefined;
  const reason = `an earlier boot of it ended in a kernel panic: ${describe(panic)}`;
  if (!(await doubtStarted(host, started, { tries: LAST_TRY, reason }))) return undefined;
  await host.files.makeDirectory(RUN);
  await host.files.write(UNSETTLED, '');
  return `${reason}; boots of ${started.entry} are counted until one comes up`;
}

function describe({ what, lines }: Panic): string {
  const block = lines.findLast((line) => CORRUPTED.test(line));
  const said = block === undefined ? undefined : CORRUPTED.exec(block)?.[0];
  return said === undefined ? what : `${what} (${said})`;
}
