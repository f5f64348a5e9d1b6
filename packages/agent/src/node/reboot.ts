import { type Host, HostError } from '@cairn/host';
import { mustRun } from './programs.ts';

/**
 * Asks the init to reboot; by force without stopping services, whose end would be waited for.
 *
 * @throws AgentError `failed`
 */
export async function reboot(host: Host, { force = false } = {}): Promise<void> {
  try {
    await mustRun(host, ['systemctl', 'reboot', ...(force ? ['--force'] : [])]);
  } catch (error) {
    if (!(error instanceof HostError) || error.code !== 'not-found') throw error;
    await mustRun(host, ['reboot', ...(force ? ['-f'] : [])]);
  }
}
