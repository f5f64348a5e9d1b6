import { type Files, type Host, HostError } from '@cairn/host';
import { RUN } from '../boot/places.ts';
import { AgentError } from '../error.ts';

export const LOCK = `${RUN}/lock`;

/** A lock that says nothing is of a process that was killed between making and writing it, once it is so old. */
const EMPTY_MS = 10_000;
const ATTEMPTS = 5;
/** A look at the node is waited for, up to ten seconds. */
const PAUSE_MS = 200;
const PATIENCE = 50;

type Doors = Pick<Host, 'files' | 'clock'>;

/**
 * Takes the lock of all that changes the node, until it is disposed of. Who holds it is in the file, by process id and start
 * time, since ids come again; a lock of a process that is gone is taken over.
 *
 * @throws AgentError `locked`
 */
export async function takeLock(host: Doors, action: string): Promise<AsyncDisposable> {
  const { files } = host;
  const own = (await startTime(files, 'self')) ?? '0 0';
  await files.makeDirectory(RUN);
  let waited = 0;
  for (let attempt = 0; attempt < ATTEMPTS; attempt++) {
    try {
      await make(files, `${own} ${action}\n`);
      return { [Symbol.asyncDispose]: () => files.remove(LOCK) };
    } catch (error) {
      if (!(error instanceof HostError) || error.code !== 'exists') throw error;
    }
    const holder = await files.readText(LOCK);
    if (holder === undefined) continue;
    if (await isHeld(host, holder)) {
      if (!isShort(holder) || waited++ >= PATIENCE) throw lockedBy(holder);
      await host.clock.sleep(PAUSE_MS);
      attempt--;
      continue;
    }
    await takeAway(files, holder, attempt);
  }
  throw lockedBy('');
}

function isShort(holder: string): boolean {
  return holder.trimEnd().endsWith(' status');
}

async function make(files: Files, holder: string): Promise<void> {
  await using file = await files.open(LOCK, 'create');
  try {
    await file.write(0, new TextEncoder().encode(holder));
  } catch (cause) {
    await files.remove(LOCK);
    throw cause;
  }
}

/** What holds the lock: `123 upgrade`; undefined where nothing does. */
export async function lockHolder(host: Doors): Promise<string | undefined> {
  const holder = await host.files.readText(LOCK);
  if (holder === undefined || !(await isHeld(host, holder))) return undefined;
  return describe(holder);
}

async function isHeld({ files, clock }: Doors, holder: string): Promise<boolean> {
  const [id = '', started = ''] = holder.split(' ');
  if (/^\d+$/.test(id)) return (await startTime(files, id)) === `${id} ${started}`;
  const made = (await files.stat(LOCK))?.modified ?? 0;
  return clock.now() - made < EMPTY_MS;
}

/** Two that find the same old lock must not remove the first one's new lock: what was moved away is looked at again. */
async function takeAway(files: Files, holder: string, attempt: number): Promise<void> {
  const aside = `${LOCK}.${(await startTime(files, 'self'))?.replace(' ', '-') ?? 'old'}-${attempt}`;
  try {
    await files.rename(LOCK, aside);
  } catch (error) {
    if (error instanceof HostError && error.code === 'not-found') return;
    throw error;
  }
  if ((await files.readText(aside)) === holder) await files.remove(aside);
  else await files.rename(aside, LOCK);
}

function describe(holder: string): string {
  const [id = '', , ...action] = holder.trim().split(' ');
  return id === '' ? 'another process' : `process ${id} (cairn ${action.join(' ')})`;
}

function lockedBy(holder: string): AgentError {
  return new AgentError('locked', `${describe(holder)} is changing this node`, {
    hint: 'Wait until it has ended; `cairn status` tells what it came to.',
  });
}

/** The id of a process and when it started (proc_pid_stat(5), fields 1 and 22). */
async function startTime(files: Files, id: string): Promise<string | undefined> {
  const status = await files.readText(`/proc/${id}/stat`);
  if (status === undefined) return undefined;
  const rest = status.slice(status.lastIndexOf(')') + 2).split(' ');
  return `${Number.parseInt(status, 10)} ${rest[19]}`;
}
