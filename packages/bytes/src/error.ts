/**
 * What every error of this project is: a `code` for programs, a sentence for people, a `hint` where there
 * is a way out, and the `cause` below it. Each package derives one class with a closed union of codes.
 */
export abstract class CairnError<Code extends string = string> extends Error {
  abstract override readonly name: string;
  readonly code: Code;
  readonly hint: string | undefined;

  constructor(code: Code, message: string, options: { hint?: string; cause?: unknown } = {}) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    this.code = code;
    this.hint = options.hint;
  }
}

export type BytesErrorCode = 'short-read' | 'out-of-range';

export class BytesError extends CairnError<BytesErrorCode> {
  override readonly name = 'BytesError';
}
