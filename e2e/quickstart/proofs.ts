import type { Guest } from '@cairn/testkit';

/** Something that is tried inside of the booted system, as root. */
export interface Proof {
  readonly tried: string;
  readonly script: string;
  /** What shows that it came out as it should. */
  readonly holds: (outcome: { readonly exitCode: number; readonly output: string }) => boolean;
  /** What a person reads when it did. */
  readonly meaning: string;
}

export interface ProofResult {
  readonly tried: string;
  readonly held: boolean;
  /** The last line of what the system said. */
  readonly said: string;
  readonly meaning: string;
}

const refused = ({ exitCode }: { readonly exitCode: number }): boolean => exitCode !== 0;

export const PROOFS: readonly Proof[] = [
  { tried: 'write to /usr', script: 'echo x > /usr/bin/true', holds: refused, meaning: 'refused' },
  { tried: 'make a file in /', script: 'echo x > /x', holds: refused, meaning: 'refused' },
  { tried: 'remount / read-write', script: 'mount -o remount,rw /', holds: refused, meaning: 'refused' },
  {
    tried: 'write to the device below',
    script: 'dd if=/dev/zero of=/dev/dm-0 bs=4096 count=1 conv=fsync',
    holds: refused,
    meaning: 'refused',
  },
  {
    tried: 'what / is',
    script: 'grep " / " /proc/mounts; cat /sys/block/dm-0/dm/uuid',
    holds: ({ output }) => /\/dev\/mapper\/root \/ erofs ro,[^]*CRYPT-VERITY-/.test(output),
    meaning: 'EROFS over dm-verity',
  },
  {
    tried: 'write to /etc and /usr/local',
    script: 'touch /etc/x /usr/local/x && rm /etc/x /usr/local/x && cairn paths',
    holds: ({ output }) => /^\/etc +yes +no /m.test(output) && /^\/usr\/local +yes +yes /m.test(output),
    meaning: 'gone at reboot; kept',
  },
  {
    tried: 'cairn status',
    script: 'cairn status',
    holds: ({ exitCode, output }) => exitCode === 0 && output.includes('every block verified'),
    meaning: 'all is well',
  },
];

export async function prove(guest: Guest, signal?: AbortSignal): Promise<ProofResult[]> {
  const results: ProofResult[] = [];
  for (const { tried, script, holds, meaning } of PROOFS) {
    const { exitCode, stdout, stderr } = await guest.run(script, { timeoutMs: 120_000, signal });
    const output = stdout + stderr;
    results.push({
      tried,
      held: holds({ exitCode, output }),
      said: output.trim().split('\n').at(-1) ?? '',
      meaning,
    });
  }
  return results;
}
