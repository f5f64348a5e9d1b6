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
    if (!(error instanceof HostError) || error.code !== 'not-found') throw error;
    await mustRun(host, [how, ...(force ? ['-f'] : [])]);
  }
}
