import { Command } from 'commander';
import type { Session } from './session.ts';

/** What a command's work gives back: false where it worked and what it found is not good. */
export type Verdict = boolean | void;

/**
 * The commands of a run. Each command's module makes a `Command` with `command`, and hands its work to `action`.
 */
export class CommandLine {
  readonly #session: Session;
  #healthy = true;

  constructor(session: Session) {
    this.#session = session;
  }

  /** False where a command worked and what it found is not good. */
  get healthy(): boolean {
    return this.#healthy;
  }

  /** A command with what all of them have; it throws CommanderError and prints nothing but help. */
  command(name: string, summary: string): Command {
    const { stdout } = this.#session;
    return new Command(name)
      .description(summary)
      .exitOverride()
      .configureOutput({
        writeOut: (text) => void stdout.write(text),
        // What is wrong is told by the reporter.
        writeErr: () => {},
      })
      .helpOption('-h, --help', 'show this help')
      .helpCommand(false);
  }

  /** A command that does something, with examples of it. */
  working(name: string, summary: string, examples: readonly string[]): Command {
    return this.command(name, summary)
      .option('--json', 'print events, one JSON object a line')
      .option('-q, --quiet', 'print errors, warnings and what was asked for, nothing else')
      .option('--debug', 'print the stack of an error')
      .addHelpText('after', `\nExamples:\n${examples.map((example) => `  ${example}`).join('\n')}`);
  }

  /** What a command does once its line is parsed. */
  action(work: (session: Session, command: Command) => Promise<Verdict>): (this: Command) => Promise<void> {
    const session = this.#session;
    const note = (verdict: Verdict) => {
      if (verdict === false) this.#healthy = false;
    };
    return async function run(this: Command) {
      note(await work(session, this));
    };
  }
}
