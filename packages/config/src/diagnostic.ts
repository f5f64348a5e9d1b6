import { type Place, positionOf } from './place.ts';

/** The kinds of what is told of a configuration. */
export type DiagnosticCode =
  /** What is no YAML. */
  | 'syntax'
  /** Too large, too deep, or aliases that unfold to too much. */
  | 'limit'
  /** The first lines do not say that it is a configuration. */
  | 'header'
  | 'encoding'
  | 'duplicate-key'
  | 'unknown-key'
  /** A key of cloud-init or of an older Kairos, which nothing here reads. */
  | 'foreign-key'
  /** A key that is understood and changes nothing here. */
  | 'no-effect'
  | 'unknown-stage'
  | 'wrong-type'
  | 'bad-value'
  | 'missing'
  /** A key without a value, or a part without a content. */
  | 'empty'
  /** Two settings that exclude each other. */
  | 'conflict'
  /** `after:` that names no step, or goes in a circle. */
  | 'order'
  | 'template';

export type Severity = 'error' | 'warning';

/** Of what is no YAML, or cannot be read as what it has to be, there is no way to go on with a guess. */
export interface Diagnostic {
  readonly severity: Severity;
  readonly code: DiagnosticCode;
  readonly place: Place;
  /** `stages.boot[0].files[1].path`; empty for the whole file. */
  readonly path: string;
  /** What is wrong, a sentence without its stop. */
  readonly message: string;
  /** What to write instead. */
  readonly hint?: string;
  /** Whether a boot goes on with what was probably meant, or without it. */
  readonly bearable: boolean;
}

/** Where the reading of a configuration tells what it finds. */
export type Report = (diagnostic: Diagnostic) => void;

/** `lenient`: what a machine can boot with is a warning. `strict`: a warning is an error. */
export type Strictness = 'lenient' | 'normal' | 'strict';

export function judge(diagnostics: readonly Diagnostic[], strictness: Strictness): Diagnostic[] {
  return diagnostics.map((diagnostic) => {
    const { severity, bearable } = diagnostic;
    if (strictness === 'strict' && severity === 'warning') return { ...diagnostic, severity: 'error' };
    if (strictness === 'lenient' && severity === 'error' && bearable) {
      return { ...diagnostic, severity: 'warning' };
    }
    return diagnostic;
  });
}

export function hasErrors(diagnostics: readonly Diagnostic[]): boolean {
  return diagnostics.some(({ severity }) => severity === 'error');
}

/** A diagnostic for programs. */
export interface PlainDiagnostic {
  readonly severity: Severity;
  readonly code: DiagnosticCode;
  readonly file: string;
  readonly line: number;
  readonly column: number;
  readonly path: string;
  readonly message: string;
  readonly hint: string | undefined;
}

export function plainDiagnostic(diagnostic: Diagnostic): PlainDiagnostic {
  const { severity, code, place, path, message, hint } = diagnostic;
  return { severity, code, file: place.source.file, ...positionOf(place), path, message, hint };
}

/** `node.yaml:12:7: error: stages.boot[0].name: what is wrong` and, where there is one, the way out. */
export function diagnosticText(diagnostic: Diagnostic): string {
  const { severity, file, line, column, path, message, hint } = plainDiagnostic(diagnostic);
  const what = path === '' ? message : `${path}: ${message}`;
  return `${file}:${line}:${column}: ${severity}: ${what}${hint === undefined ? '' : `\n  hint: ${hint}`}`;
}

/** By file, in the order in which files were read, and by place. */
export function sorted(diagnostics: readonly Diagnostic[]): Diagnostic[] {
  const order = new Map<object, number>();
  for (const { place } of diagnostics) {
    if (!order.has(place.source)) order.set(place.source, order.size);
  }
  return diagnostics.toSorted(
    (a, b) =>
      (order.get(a.place.source) ?? 0) - (order.get(b.place.source) ?? 0) || a.place.offset - b.place.offset,
  );
}
