import { CairnError } from '@cairn/bytes';
import { redact } from './redact.ts';

/** What a check came to. */
export interface Finding {
  /** `units`, `network`, `tcp 127.0.0.1:22`, … */
  readonly check: string;
  readonly ok: boolean;
  /** One sentence: what is not as it should be. Undefined where all is well. */
  readonly said?: string;
  /** It will not become better by waiting. */
  readonly final?: boolean;
  /** Units whose lines of the journal tell more. */
  readonly units?: readonly string[];
}

export function good(check: string): Finding {
  return { check, ok: true };
}

export function bad(check: string, said: string, more: Pick<Finding, 'final' | 'units'> = {}): Finding {
  return { check, ok: false, said: redact(said), ...more };
}

/** A check that could not be made is one that failed, with what was in its way. */
export async function attempted(check: string, work: () => Promise<Finding>): Promise<Finding> {
  try {
    return await work();
  } catch (error) {
    if (!(error instanceof CairnError)) throw error;
    return bad(check, `${check}: ${error.message}`);
  }
}

/** What a program said, in one line: the last of its standard error, else of its output. */
export function lastWords({ stdout, stderr }: { readonly stdout: string; readonly stderr: string }): string {
  const last = (text: string) => text.trim().split('\n').at(-1)?.trim() ?? '';
  return last(stderr) || last(stdout);
}
