import { bootIntoRecovery, reboot } from '@cairn/agent';
import { Argument, type Command } from 'commander';
import type { CommandLine } from '../command-line.ts';

const EXAMPLES = ['cairn boot-into recovery', 'cairn boot-into recovery --now'];

export function bootIntoCommand(commands: CommandLine): Command {
  const command = commands
    .working('boot-into', 'choose what the next boot, and only that, takes', EXAMPLES)
    .addArgument(new Argument('<target>', 'the recovery release').choices(['recovery']))
    .option('--now', 'reboot at once');
  return command.action(
    commands.action(async ({ host, report, signal }) => {
      await bootIntoRecovery(host, { signal, onProgress: report.progress });
      const { now } = command.opts<{ readonly now?: boolean }>();
      const text = `The next boot is of the recovery release${now === true ? ': rebooting' : ', the one after it is as before'}.`;
      report.summary({ data: { target: 'recovery', now: now === true }, text });
      if (now === true) await reboot(host);
    }),
  );
}
