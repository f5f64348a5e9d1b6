import { CairnError } from '@cairn/bytes';

/**
 * Runs one of the repository's own programs: signals abort it, what goes wrong is told in a sentence with a hint
 * where there is one, and its result becomes the exit code (1 for failures, 2 for a wrong call, as everywhere).
 */
export async function runProgram(
  name: string,
  work: (signal: AbortSignal) => Promise<number>,
): Promise<void> {
  const controller = new AbortController();
  for (const signal of ['SIGINT', 'SIGTERM'] as const) {
    process.once(signal, () => controller.abort(new Error(`interrupted by ${signal}`)));
  }
  try {
    process.exitCode = await work(controller.signal);
  } catch (error) {
    const isWrongCall =
      error instanceof TypeError && 'code' in error && String(error.code).startsWith('ERR_PARSE_ARGS');
    if (!isWrongCall && !(error instanceof CairnError) && !controller.signal.aborted) throw error;
    console.error(`${name}: ${error instanceof Error ? error.message : String(error)}`);
    if (error instanceof CairnError && error.hint !== undefined) console.error(`  hint: ${error.hint}`);
    if (isWrongCall) console.error(`  hint: npm run ${name} -- --help`);
    process.exitCode = isWrongCall ? 2 : 1;
  }
}
