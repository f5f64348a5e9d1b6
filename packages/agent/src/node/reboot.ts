import { CairnError } from '@cairn/bytes';
import { type Host, HostError } from '@cairn/host';
import { mustRun } from './programs.ts';

/**
 * Asks the init to reboot, or to switch the machine off; by force without stopping services, whose end would be waited for.
 *
 * @throws AgentError `failed`
 */
export async function reboot(
  host: Host,
  { how = 'reboot', force = false }: { readonly how?: 'reboot' | 'poweroff'; readonly force?: boolean } = {},
): Promise<void> {
  try {
    await mustRun(host, ['systemctl', how, ...(force ? ['--force'] : [])]);
  } catch (error) {
    // systemctl may be there without systemd being the init: what is done by force has to come about.
    const isMissing = error instanceof HostError && error.code === 'not-found';
    if (!isMissing && !(force && error instanceof CairnError)) throw error;
    await mustRun(host, [how, ...(force ? ['-f'] : [])]);
  }
}
