import { type Host, mountOf, parseMountInfo } from '@cairn/host';
import { BOOT_RECORD, PERSISTENT, UP } from '../boot/places.ts';
import { parseBootRecord } from '../boot/record.ts';
import { readDefaultRoutes } from '../node/routes.ts';
import { loadState } from '../state/store.ts';
import type { HealthConfig } from './config/types.ts';
import { attempted, bad, type Finding, good } from './finding.ts';
import { outputOf } from './log.ts';

/** Units may fail for a while after a boot has come up, and be started again. */
const SETTLED_SECONDS = 30;
const SYSTEMD = '/run/systemd/system';

/** What has to hold on every node. In this order: the first that does not is the reason. */
export async function checkSystem(host: Host, { allowFailed }: HealthConfig): Promise<Finding[]> {
  return [
    await attempted('up', () => checkUp(host, allowFailed)),
    await attempted('units', () => checkUnits(host, allowFailed)),
    await attempted('persistent', () => checkPersistent(host)),
    await attempted('network', () => checkNetwork(host)),
  ];
}

async function checkUp(host: Host, allowFailed: readonly string[]): Promise<Finding> {
  if ((await host.files.stat(UP)) !== undefined) return good('up');
  const failed = await failedUnits(host, allowFailed);
  const why = failed.length > 0 ? `${namesOf(failed)} failed` : await whatIsWaitedFor(host);
  return bad('up', `the system has not come up${why === undefined ? '' : `: ${why}`}`, { units: failed });
}

async function whatIsWaitedFor(host: Host): Promise<string | undefined> {
  if (!(await hasSystemd(host))) return undefined;
  const jobs =
    (await outputOf(host, ['systemctl', 'list-jobs', '--no-legend', '--plain', '--no-pager'])) ?? '';
  const running = jobs.split('\n').flatMap((line) => {
    const [, unit, , state] = line.trim().split(/\s+/);
    return unit !== undefined && state === 'running' ? [unit] : [];
  });
  return running.length === 0 ? undefined : `it still waits for ${namesOf(running)}`;
}

async function checkUnits(host: Host, allowFailed: readonly string[]): Promise<Finding> {
  const failed = await failedUnits(host, allowFailed);
  if (failed.length === 0) return good('units');
  const up = Number.parseFloat((await host.files.readText(UP)) ?? '');
  const now = Number.parseFloat((await host.files.readText('/proc/uptime')) ?? '');
  const what = failed.length === 1 ? 'the unit' : 'the units';
  return bad('units', `${what} ${namesOf(failed)} failed`, {
    units: failed,
    final: now - up > SETTLED_SECONDS,
  });
}

/** The units that have failed, but for those that may. Without systemd there are none. */
export async function failedUnits(
  host: Pick<Host, 'files' | 'programs'>,
  allowFailed: readonly string[],
): Promise<string[]> {
  if (!(await hasSystemd(host))) return [];
  const listed = await host.programs.run(['systemctl', '--failed', '--no-legend', '--plain', '--no-pager'], {
    timeoutMs: 30_000,
  });
  const allowed = allowFailed.map(globPattern);
  return listed.stdout
    .split('\n')
    .map((line) => line.trim().split(/\s+/)[0] ?? '')
    .filter((unit) => unit !== '' && !allowed.some((pattern) => pattern.test(unit)));
}

async function hasSystemd({ files }: Pick<Host, 'files'>): Promise<boolean> {
  return (await files.stat(SYSTEMD)) !== undefined;
}

/** Of fnmatch(3) what units are named by: `*`, `?` and sets in brackets. */
export function globPattern(glob: string): RegExp {
  const pattern = glob.replaceAll(/\[!?[^\]]+\]|[*?]|[^\w]/g, (part) => {
    if (part === '*') return '.*';
    if (part === '?') return '.';
    if (part.length === 1) return `\\${part}`;
    const isNot = part.startsWith('[!');
    return `[${isNot ? '^' : ''}${part.slice(isNot ? 2 : 1, -1).replaceAll(/[\\^[]/g, String.raw`\$&`)}]`;
  });
  try {
    return new RegExp(`^${pattern}$`);
  } catch {
    // A set that ends before it begins matches nothing.
    return /^(?!)/;
  }
}

function namesOf(units: readonly string[]): string {
  const shown = units.slice(0, 5).join(', ');
  return units.length > 5 ? `${shown} and ${units.length - 5} more` : shown;
}

async function checkPersistent({ files }: Host): Promise<Finding> {
  const record = parseBootRecord((await files.readText(BOOT_RECORD)) ?? '');
  if (record?.persistent === false) {
    const [problem = 'its partition cannot be used'] = record.problems;
    return bad('persistent', `what should be kept is in memory: ${problem}`, { final: true });
  }
  const mounts = parseMountInfo((await files.readText('/proc/self/mountinfo')) ?? '');
  const mount = mountOf(mounts, PERSISTENT);
  if (mount?.target !== PERSISTENT) {
    return bad('persistent', `the persistent partition is not mounted at ${PERSISTENT}`);
  }
  if (mount.superOptions.includes('ro')) {
    return bad('persistent', `the persistent partition (${mount.source}) has become read-only`, {
      final: true,
    });
  }
  const file = `${PERSISTENT}/.health`;
  // Written and flushed, file and folder.
  await files.replace(file, 'cairn health\n', 0o600);
  await files.remove(file);
  return good('persistent');
}

const FAMILIES = [
  ['ipv4', 'IPv4'],
  ['ipv6', 'IPv6'],
] as const;

/** Interfaces may have other names with another release: what counts is that there is a way out. */
async function checkNetwork({ files }: Host): Promise<Finding> {
  const before = (await loadState(files)).state.pending?.network;
  if (before === undefined) return good('network');
  const now = await readDefaultRoutes(files);
  const lost = FAMILIES.find(([family]) => before[family].length > 0 && now[family].length === 0);
  if (lost === undefined) return good('network');
  const [family, name] = lost;
  return bad(
    'network',
    `there is no default route for ${name}; before the upgrade there was one by ${before[family].join(', ')}`,
  );
}
