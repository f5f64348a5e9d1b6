import { type Host, HostError } from '@cairn/host';
import { mustRun } from './programs.ts';

/** Asks the init to reboot, or to switch the machine off. Throws AgentError `failed`. */
export async function reboot(host: Host, how: 'reboot' | 'poweroff' = 'reboot'): Promise<void> {
  try {
    await mustRun(host, ['systemctl', how]);
  } catch (error) {
    if (!(error instanceof HostError) || error.code !== 'not-found') throw error;
    await mustRun(host, [how]);
  }
}
