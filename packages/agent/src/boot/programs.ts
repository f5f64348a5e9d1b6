import type { EarlyHost } from '@cairn/host';
import { AgentError } from '../error.ts';

/** Runs a program that has to succeed. Throws AgentError `bad-boot` with the last of what it said. */
export async function mustRunEarly(
  { programs }: Pick<EarlyHost, 'programs'>,
  argv: readonly string[],
): Promise<void> {
  const { exitCode, stderr } = await programs.run(argv);
  if (exitCode !== 0) throw new AgentError('bad-boot', `${argv.join(' ')} failed: ${lastLine(stderr)}`);
}

export function lastLine(text: string): string {
  return text.trim().split('\n').at(-1) ?? '';
}
