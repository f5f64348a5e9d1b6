import { CairnError } from '@cairn/bytes';
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
    // systemctl may be there without systemd being the init: what is done by force has to come about.
    const isMissing = error instanceof HostError && error.code === 'not-found';
    if (!isMissing && !(force && error instanceof CairnError)) throw error;
    await mustRun(host, ['reboot', ...(force ? ['-f'] : [])]);
  }
}
