import { type ByteString, fromText, toText } from '@cairn/bytes';
import { Failure, type Place, TemplateError, type TemplateErrorCode } from './error.ts';
import { type Program, Run } from './exec/execute.ts';
import type { Surroundings } from './functions/function.ts';
import { ALL_FUNCTIONS, functionFailure, GO_FUNCTIONS } from './functions/table.ts';
import { Budget, DEFAULT_LIMITS, type Limits } from './limits.ts';
import { lex, type Span } from './parse/lex.ts';
import { parse } from './parse/parser.ts';
import { SyntaxFailure } from './parse/stream.ts';
import { runeCount } from './text/runes.ts';
import { toValue } from './value/convert.ts';

export interface ParseOptions {
  /** For messages: the file, or the path of the key. */
  readonly name?: string;
  /** `sprig`, the default, has those of text/template too. */
  readonly functions?: 'sprig' | 'go';
  readonly limits?: Partial<Limits>;
}

export interface RenderOptions extends Partial<Surroundings> {}

/** What was printed as `<no value>`: the template is valid, but says less than its author thought. */
export interface MissingValue {
  readonly place: Place;
  /** As it is written: `.Values.hostnam`. */
  readonly path: string;
  /** An entry that exists, with nearly that name. */
  readonly suggestion: string | undefined;
}

export interface Rendered {
  readonly text: string;
  readonly missing: readonly MissingValue[];
}

/** A template that was read, and may be rendered with any number of data. */
export class Template {
  readonly name: string;
  readonly #source: ByteString;
  readonly #spans: readonly Span[];
  readonly #program: Program;
  readonly #limits: Limits;

  /** @throws TemplateError */
  constructor(source: string, options: ParseOptions = {}) {
    this.name = options.name ?? 'template';
    this.#limits = { ...DEFAULT_LIMITS, ...options.limits };
    this.#source = fromText(source);
    if (this.#source.length > this.#limits.source) {
      throw new TemplateError(
        'limit',
        this.name,
        undefined,
        `it is larger than ${this.#limits.source} bytes`,
        {
          hint: 'split it',
        },
      );
    }
    const { items, spans } = lex(this.#source);
    this.#spans = spans;
    const functions = options.functions === 'go' ? GO_FUNCTIONS : ALL_FUNCTIONS;
    try {
      const { root, templates } = parse(this.#source, items, {
        name: fromText(this.name),
        checkFunction: (name) => functionFailure(name, functions),
        depth: this.#limits.depth,
        variables: this.#limits.variables,
      });
      this.#program = { root, templates, functions };
    } catch (error) {
      if (!(error instanceof SyntaxFailure)) throw error;
      throw this.#error(error.code, error.offset, error);
    }
  }

  /** @throws TemplateError */
  render(data: unknown, options: RenderOptions = {}): Rendered {
    const run = new Run(this.#program, {
      budget: new Budget(this.#limits),
      environment: options.environment,
      random: options.random,
      now: options.now,
    });
    const value = toValue(data, this.#limits, this.name);
    try {
      run.execute(value);
    } catch (error) {
      if (!(error instanceof Failure)) throw error;
      throw this.#error(error.code, run.node.offset, error);
    }
    return {
      text: toText(run.output.join('')),
      missing: run.missing.map(({ offset, path, near }) => ({
        place: this.#place(offset),
        path: toText(path),
        suggestion: near === undefined ? undefined : toText(near),
      })),
    };
  }

  #error(
    code: TemplateErrorCode,
    offset: number,
    cause: { readonly message: string; readonly hint: string | undefined },
  ): TemplateError {
    const options = cause.hint === undefined ? {} : { hint: toText(cause.hint) };
    return new TemplateError(code, this.name, this.#place(offset), toText(cause.message), options);
  }

  #place(offset: number): Place {
    const before = this.#source.slice(0, offset);
    const lineStart = before.lastIndexOf('\n') + 1;
    const line = before.split('\n').length;
    const span = this.#spans.find(({ start, end }) => offset >= start && offset < end);
    const action = span === undefined ? undefined : toText(this.#source.slice(span.start, span.end));
    return { line, column: runeCount(before.slice(lineStart)) + 1, offset, action };
  }
}

/** Reads a template and renders it once. */
export function render(source: string, data: unknown, options: ParseOptions & RenderOptions = {}): Rendered {
  return new Template(source, options).render(data, options);
}
