import type { Diagnostic, Report } from '../diagnostic.ts';
import type { Place } from '../place.ts';

/** What is wrong with a template, and where in the text. */
export interface TemplateFault {
  readonly message: string;
  readonly hint?: string;
}

/** Looks at the Go templates in a text. The package `template` has it; here it is only called. */
export type CheckTemplate = (text: string) => TemplateFault | undefined;

export interface Context {
  readonly report: Report;
  readonly checkTemplate: CheckTemplate | undefined;
  /** Where all values are texts, a text is taken for what it says: the kernel’s command line. */
  readonly weaklyTyped: boolean;
}

/** What is wrong, and what to write instead. */
export interface Fault {
  readonly code: Diagnostic['code'];
  readonly message: string;
  readonly hint?: string | undefined;
  readonly severity?: Diagnostic['severity'];
  /** Unless said otherwise a machine boots with what was meant, or without the value. */
  readonly bearable?: boolean;
}

export function tell({ report }: Context, place: Place, path: string, fault: Fault): void {
  const { code, message, hint, severity = 'error', bearable = true } = fault;
  report({ severity, code, place, path, message, ...(hint === undefined ? {} : { hint }), bearable });
}

/** A text for a message: short, and on one line. */
export function shown(text: string): string {
  return JSON.stringify(text.length > 60 ? `${text.slice(0, 57)}…` : text);
}

/** A text with a template in it is known only when it is rendered. */
export function isTemplate(text: string): boolean {
  return text.includes('{{');
}
