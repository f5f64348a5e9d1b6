import { attachTerminal, restoreMachine, TestkitError } from '@cairn/testkit';
import { SAVED_MACHINE } from './saved-machine.ts';

/** Goes on with the machine that the quickstart has booted, with this terminal as its console. */
try {
  await using machine = await restoreMachine(SAVED_MACHINE);
  console.log(
    'The console of the machine: Enter for a prompt, Ctrl-] to leave. What you change is gone afterwards.',
  );
  machine.console.send('\n');
  await attachTerminal(machine);
} catch (error) {
  if (!(error instanceof TestkitError)) throw error;
  console.error(`console: ${error.message}\nhint: run npm run quickstart first`);
  process.exitCode = 1;
}
