import type { ByteString } from '@cairn/bytes';
import type { Failure, TemplateErrorCode } from '../error.ts';
import type { Item, ItemType } from './lex.ts';
import type { List } from './node.ts';

/** Where parsing ended: the parser's failures, with the place of the item that it did not expect. */
export class SyntaxFailure extends Error {
  readonly offset: number;
  readonly code: TemplateErrorCode;
  readonly hint: string | undefined;

  constructor(message: ByteString, offset: number, code: TemplateErrorCode, hint: string | undefined) {
    super(message);
    this.offset = offset;
    this.code = code;
    this.hint = hint;
  }
}

/** Says why a function cannot be used; undefined if it can. */
export type FunctionCheck = (name: string) => Failure | undefined;

export interface Trees {
  readonly root: List;
  /** Defined ones, by name. */
  readonly templates: ReadonlyMap<ByteString, List>;
}

export interface ParseSettings {
  readonly name: ByteString;
  readonly checkFunction: FunctionCheck;
  readonly depth: number;
  readonly variables: number;
}

/** What the parsers of nested definitions share. */
export interface Stream {
  readonly items: readonly Item[];
  at: number;
  depth: number;
  /** Where the action began that is being read, for its end that is missing. */
  actionOffset: number;
  /** Names of templates that have more than white space: they cannot be defined again. */
  readonly filled: Set<ByteString>;
}

export type End =
  | { readonly type: 'end'; readonly offset: number }
  | { readonly type: 'else'; readonly offset: number };

export const STARTS_OPERAND: ReadonlySet<ItemType> = new Set([
  'bool',
  'charConstant',
  'complex',
  'dot',
  'field',
  'identifier',
  'number',
  'nil',
  'rawString',
  'string',
  'variable',
  'leftParen',
] satisfies ItemType[]);
