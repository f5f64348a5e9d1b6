import { Composer, type Document, Schema } from 'yaml';
import type { Diagnostic, Report } from '../diagnostic.ts';
import type { Source } from '../place.ts';
import type { Tree } from '../tree.ts';
import { buildTree } from './build.ts';
import { LIMITS, type Limits } from './limits.ts';
import { explainSyntax } from './syntax.ts';
import { LimitHit, type Tokens, tokenize } from './tokens.ts';

/** All scalars stay texts: what they are is decided as Kairos's Go library decides it, not as this one. */
const TEXTS_ONLY = new Schema({ schema: 'failsafe', resolveKnownTags: false });
const OPTIONS = { schema: TEXTS_ONLY, uniqueKeys: false, keepSourceTokens: false } as const;

/** Of a control character a text has none, and go-yaml refuses it. */
const CONTROL = /(?![\t\n\r\x85])\p{Cc}/u;

/**
 * Reads a YAML text: all of it, or nothing where it is none.
 *
 * @returns undefined where the text is empty, or where `report` was told an error that leaves nothing to read
 */
export function readYaml(source: Source, report: Report, limits: Limits = LIMITS): Tree | undefined {
  const tell = (diagnostic: Omit<Diagnostic, 'place' | 'path' | 'severity' | 'bearable'>, offset: number) =>
    report({ ...diagnostic, severity: 'error', path: '', place: { source, offset }, bearable: false });
  const control = source.text.search(CONTROL);
  if (control >= 0) {
    const code = source.text.charCodeAt(control).toString(16).padStart(2, '0');
    tell(
      { code: 'encoding', message: `there is a control character, \\x${code}`, hint: 'Take it out.' },
      control,
    );
    return undefined;
  }
  try {
    const tokens = tokenize(source.text, limits);
    const document = compose(source, tokens, report);
    return document === undefined ? undefined : buildTree(document, source, report, limits);
  } catch (error) {
    if (error instanceof LimitHit) {
      tell({ code: 'limit', message: error.message }, error.offset);
      return undefined;
    }
    throw error;
  }
}

function compose(source: Source, tokens: Tokens, report: Report): Document.Parsed | undefined {
  const documents = [...new Composer(OPTIONS).compose(tokens.tokens, true, source.text.length)];
  const [document, second] = documents;
  const [error] = documents.flatMap(({ errors }) => errors);
  const common = { severity: 'error', code: 'syntax', path: '' } as const;
  if (error !== undefined) {
    const { offset, ...fault } = explainSyntax(error, source, tokens);
    report({
      ...common,
      ...fault,
      place: { source, offset: Math.min(offset, source.text.length) },
      bearable: false,
    });
    return undefined;
  }
  if (second !== undefined) {
    const offset = source.text.lastIndexOf('\n', Math.max(0, second.range[0] - 1)) + 1;
    report({
      ...common,
      place: { source, offset },
      message: 'a second document begins here, and only the first is read',
      hint: 'Put it into a file of its own, or take the --- away.',
      bearable: true,
    });
  }
  return document;
}
