import { type Diagnostic, diagnosticText, judge, sorted } from '@cairn/config';
import type { Reporter } from '../../output/reporter.ts';

/**
 * Tells the errors of configurations as warnings: what could be read is shown.
 *
 * @returns whether all of them can be borne
 */
export function warnOfErrors(report: Reporter, diagnostics: readonly Diagnostic[]): boolean {
  const errors = sorted(diagnostics).filter(({ severity }) => severity === 'error');
  for (const diagnostic of errors) {
    const [first = ''] = diagnosticText(diagnostic).split('\n');
    report.warning(first);
  }
  return judge(errors, 'lenient').every(({ severity }) => severity !== 'error');
}
