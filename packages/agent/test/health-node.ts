import { chmodSync, mkdirSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import type { Network } from '@cairn/host';
import type { FakeHost, FakeProgram } from '@cairn/testkit';
import { withPending } from '../src/state/change.ts';
import { changeState } from '../src/state/store.ts';
import type { Pending } from '../src/state/types.ts';
import { boot, hostOf, makeNode, type TestRelease } from './upgrade-node.ts';

export const TRIAL_BOOT_ID = '11111111-2222-3333-4444-555555555555';
export const ROUTE = 'Iface\tDestination\tGateway\tFlags\tRefCnt\tUse\tMetric\tMask\tMTU\tWindow\tIRTT\n';
export const DEFAULT_ROUTE = 'eth0\t00000000\t0102000A\t0003\t0\t0\t0\t00000000\t0\t0\t0\n';

export function put(root: string, path: string, content: string, mode = 0o644): void {
  mkdirSync(dirname(join(root, path)), { recursive: true });
  writeFileSync(join(root, path), content);
  chmodSync(join(root, path), mode);
}

export function pendingOf({ id, release }: TestRelease): Pending {
  return {
    id,
    rootHash: release.root.rootHash,
    generation: 2,
    slot: 'cairn-b',
    name: release.name,
    version: release.version,
    digest: release.image.digest,
    since: '2026-01-01T00:00:00.000Z',
    network: { ipv4: ['eth0'], ipv6: [] },
    attempts: [],
  };
}

/** A node on which a release runs on trial, all of it well: the second of the two, in slot b. */
export async function trialNode(old: TestRelease, fresh: TestRelease): Promise<string> {
  const root = makeNode({ a: { ...old, entry: 'cairn-1.conf' }, b: { ...fresh, entry: 'cairn-2+2-1.conf' } });
  boot(root, 'cairn-b', fresh.release);
  put(root, '/proc/self/mountinfo', mounts('rw'));
  put(root, '/proc/sys/kernel/random/boot_id', `${TRIAL_BOOT_ID}\n`);
  put(root, '/proc/sys/kernel/hostname', 'Node-1\n');
  put(root, '/proc/uptime', '100.00 150.00\n');
  put(root, '/proc/net/route', ROUTE + DEFAULT_ROUTE);
  put(root, '/run/cairn/up', '40.00\n');
  put(root, '/run/cairn/trial', `${fresh.release.root.rootHash}\n`);
  mkdirSync(join(root, 'run/systemd/system'), { recursive: true });
  mkdirSync(join(root, 'run/cairn/persistent'), { recursive: true });
  await changeState(hostOf(root).files, (state) => withPending(state, pendingOf(fresh)));
  return root;
}

export function mounts(superOption: 'rw' | 'ro'): string {
  return `30 1 254:0 / / ro - erofs /dev/mapper/root ro
40 30 0:25 / /run rw - tmpfs tmpfs rw
41 40 253:6 / /run/cairn/persistent rw - ext4 /dev/vda6 ${superOption}
`;
}

/** What the programs of a machine say; a text is its output, a number its exit code. */
export interface Said {
  /** Of `systemctl --failed`, asked anew each round. */
  readonly failed?: () => readonly string[];
  readonly jobs?: string;
  readonly active?: Readonly<Record<string, string>>;
  readonly journal?: string;
  readonly programs?: Readonly<Record<string, FakeProgram>>;
}

export function trialHost(root: string, said: Said = {}): FakeHost {
  return hostOf(root, {
    systemctl: ([, verb, unit = '']) => {
      if (verb === '--failed') {
        const units = said.failed?.() ?? [];
        return { stdout: units.map((name) => `${name} loaded failed failed ${name}\n`).join('') };
      }
      if (verb === 'list-jobs') return { stdout: said.jobs ?? '' };
      if (verb === 'is-active') {
        const state = said.active?.[unit] ?? 'inactive';
        return { exitCode: state === 'active' ? 0 : 3, stdout: `${state}\n` };
      }
      return {};
    },
    journalctl: (argv) => {
      const unit = argv[argv.indexOf('-u') + 1];
      if (argv.includes('-u')) return { stdout: `of ${unit}\n` };
      return { stdout: said.journal ?? 'the journal\n' };
    },
    ...said.programs,
  });
}

export function networkOf(answers: Readonly<Record<string, number | Error>> = {}): Network {
  const answer = (key: string): number => {
    const found = answers[key];
    if (found instanceof Error) throw found;
    return found ?? 0;
  };
  return {
    connect: async (host, port) => void answer(`${host}:${port}`),
    httpStatus: async (url) => answer(url),
  };
}
