import { type Host, HostError } from '@cairn/host';
import { mustRun } from './programs.ts';

/** Asks the init to reboot. Throws AgentError `failed`. */
export async function reboot(host: Host): Promise<void> {
  try {
    await mustRun(host, ['systemctl', 'reboot']);
  } catch (error) {
    if (!(error instanceof HostError) || error.code !== 'not-found') throw error;
    await mustRun(host, ['reboot']);
  }
}
