import type { Host } from '@cairn/host';
import { AgentError } from '../error.ts';

/** Runs a program that has to succeed. Throws AgentError `failed` with what it said. */
export async function mustRun(
  { programs }: Pick<Host, 'programs'>,
  argv: readonly string[],
  signal?: AbortSignal,
): Promise<string> {
  const { exitCode, stdout, stderr } = await programs.run(argv, signal === undefined ? {} : { signal });
  if (exitCode === 0) return stdout;
  const said = (stderr || stdout).trim().split('\n').at(-1) ?? '';
  throw new AgentError('failed', `${argv.join(' ')} failed: ${said === '' ? `exit code ${exitCode}` : said}`);
}
