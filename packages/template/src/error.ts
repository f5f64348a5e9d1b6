import { CairnError } from '@cairn/bytes';

/**
 * - `syntax`: the text is not a template
 * - `undefined-function`: a function that does not exist
 * - `unavailable`: a function that exists in sprig and not here, or one that needs what the caller did not give
 * - `undefined-variable`: a variable that was not declared
 * - `execution`: a field, a type or a number of arguments is wrong
 * - `call`: a function refuses its arguments
 * - `limit`: too much output, too many steps, too deep
 * - `bad-value`: the caller's data has something that no template can hold
 */
export type TemplateErrorCode =
  | 'syntax'
  | 'undefined-function'
  | 'unavailable'
  | 'undefined-variable'
  | 'execution'
  | 'call'
  | 'limit'
  | 'bad-value';

/** Where in a template: line and column from 1, the column in characters; `offset` in bytes of UTF-8. */
export interface Place {
  readonly line: number;
  readonly column: number;
  readonly offset: number;
  /** The action as it is written, `{{ … }}`; absent where the fault is outside of any. */
  readonly action?: string | undefined;
}

/** The name of the template, the place and the plain detail are kept apart, for callers that show them their own way. */
export class TemplateError extends CairnError<TemplateErrorCode> {
  override readonly name = 'TemplateError';
  readonly template: string;
  readonly detail: string;
  readonly place: Place | undefined;

  constructor(
    code: TemplateErrorCode,
    template: string,
    place: Place | undefined,
    detail: string,
    options: { hint?: string; cause?: unknown } = {},
  ) {
    super(code, sentence(template, place, detail), options);
    this.template = template;
    this.detail = detail;
    this.place = place;
  }
}

const ACTION_LENGTH = 120;

function sentence(template: string, place: Place | undefined, detail: string): string {
  if (place === undefined) return `${template}: ${detail}`;
  const action = place.action?.replaceAll(/\s+/g, ' ') ?? '';
  const shown = action.length > ACTION_LENGTH ? `${action.slice(0, ACTION_LENGTH)}…` : action;
  return `${template}:${place.line}:${place.column}: ${shown === '' ? '' : `${shown}: `}${detail}`;
}

/**
 * What goes wrong below the level that knows positions: thrown by functions and formats, and turned into a
 * `TemplateError` by whoever runs them.
 */
export class Failure extends Error {
  readonly code: TemplateErrorCode;
  readonly hint: string | undefined;

  constructor(message: string, options: { code?: TemplateErrorCode; hint?: string | undefined } = {}) {
    super(message);
    this.code = options.code ?? 'call';
    this.hint = options.hint;
  }
}
