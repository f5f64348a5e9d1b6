import type { YAMLParseError } from 'yaml';
import { positionOf, type Source } from '../place.ts';
import type { Tokens } from './tokens.ts';

/** What is wrong with a text that is no YAML, in words for who wrote it. */
export interface SyntaxFault {
  readonly offset: number;
  readonly message: string;
  readonly hint?: string;
}

const NO_SPACE = 'there is no space after the -';
const SPACE_HINT = 'Write “- ” before each item of a list.';
const QUOTE_IT = 'Put the whole value in quotes.';
const TEMPLATE_HINT = 'Put it in quotes: "{{ … }}".';

interface Situation {
  readonly error: YAMLParseError;
  readonly source: Source;
  readonly tokens: Tokens;
  /** The line that the error is on, and where it begins. */
  readonly line: string;
  readonly start: number;
}

/** Turns the parser's first error into what the writer of the text can act on. */
export function explainSyntax(error: YAMLParseError, source: Source, tokens: Tokens): SyntaxFault {
  const start = source.text.lastIndexOf('\n', error.pos[0] - 1) + 1;
  const end = source.text.indexOf('\n', start);
  const line = source.text.slice(start, end < 0 ? undefined : end).trimEnd();
  const situation = { error, source, tokens, line, start };
  return special(situation) ?? byCode(situation);
}

/** What is plain from the line, whatever the parser made of it. */
function special({ error, line, start }: Situation): SyntaxFault | undefined {
  if (/^(?:<{7}|={7}|>{7})(?: |$)/.test(line)) {
    return { offset: start, message: 'this is the mark of a merge conflict', hint: 'Resolve the conflict.' };
  }
  const indent = /^[ ]*\t/.exec(line);
  if (indent !== null && error.code !== 'BAD_DQ_ESCAPE') {
    return {
      offset: start + indent[0].length - 1,
      message: 'a tab stands at the beginning of this line, and YAML is indented by spaces',
      hint: 'Put spaces in place of the tab.',
    };
  }
  const space = /^\s*\u00a0/.exec(line);
  if (space !== null) {
    return {
      offset: start + space[0].length - 1,
      message: 'this line is indented by a no-break space, which is no space to YAML',
      hint: 'Type it anew: it was copied from a web page or a document.',
    };
  }
  const template = /(?:: |- )\s*(\{\{.*)$/.exec(line);
  if (template === null) return undefined;
  return {
    offset: start + line.length - (template[1] ?? '').length,
    message: 'this value begins with {{, which is a map to YAML and not a template',
    hint: TEMPLATE_HINT,
  };
}

const CODES: Readonly<Record<string, (situation: Situation) => SyntaxFault | undefined>> = {
  BAD_SCALAR_START({ error }) {
    const sign = /character (.)/.exec(error.message)?.[1] ?? '';
    return { offset: error.pos[0], message: `a value cannot begin with ${sign}`, hint: QUOTE_IT };
  },
  BAD_DQ_ESCAPE({ error, source }) {
    const escape = source.text.slice(error.pos[0], error.pos[0] + 2);
    return {
      offset: error.pos[0],
      message: `${escape} means nothing in double quotes`,
      hint: 'Use single quotes, or write the backslash twice.',
    };
  },
  BAD_INDENT(situation) {
    return unclosedBracket(situation) ?? indentation(situation);
  },
  BLOCK_AS_IMPLICIT_KEY(situation) {
    const { error, line, start } = situation;
    if (error.message.includes('block sequence')) {
      return {
        offset: start + line.search(/\S/),
        message: 'a list’s item stands here among the keys of a map',
        hint: 'Indent it below its key, or take the - away.',
      };
    }
    return secondColon(situation);
  },
  MULTILINE_IMPLICIT_KEY(situation) {
    return noColon(situation);
  },
  MISSING_CHAR(situation) {
    const { error } = situation;
    const quote = /closing (["'])quote/.exec(error.message)?.[1];
    if (quote !== undefined) return unclosedQuote(situation, quote);
    if (error.message.includes('Sequence item')) return indentation(situation);
    return unclosedBracket(situation) ?? noColon(situation);
  },
  UNEXPECTED_TOKEN(situation) {
    const { error, source, line, start } = situation;
    const [offset] = error.pos;
    if (error.message.startsWith('Not a YAML token')) {
      return {
        offset,
        message: 'there is text after | or >, and the text of a block begins on the next line',
        hint: 'Put it on the next line, indented.',
      };
    }
    const sign = /token in YAML stream: "([\]}])"/.exec(error.message)?.[1];
    if (sign !== undefined) {
      return { offset, message: `there is a ${sign} that nothing opened`, hint: QUOTE_IT };
    }
    const before = source.text.slice(start, offset).trimEnd().at(-1);
    if (before === '"' || before === "'") {
      return {
        offset,
        message: `there is text after the closing ${before}`,
        hint:
          before === '"'
            ? 'Put the whole value in single quotes.'
            : 'Put the whole value in double quotes, or write each quote within it twice.',
      };
    }
    return line.includes(',') ? undefined : indentation(situation);
  },
};

function byCode(situation: Situation): SyntaxFault {
  const { error } = situation;
  return (
    CODES[error.code]?.(situation) ?? {
      offset: error.pos[0],
      message: `this is not YAML: ${error.message.charAt(0).toLowerCase()}${error.message.slice(1)}`,
    }
  );
}

function unclosedQuote({ error, tokens }: Situation, quote: string): SyntaxFault {
  const offset = tokens.quotes.findLast((each) => each <= error.pos[0]) ?? error.pos[0];
  return {
    offset,
    message: `the ${quote} that opens here is not closed`,
    hint: `Close it with another ${quote} at the end of the value.`,
  };
}

function unclosedBracket({ error, tokens }: Situation): SyntaxFault | undefined {
  if (!/Flow (?:map|sequence)|end with a/.test(error.message)) return undefined;
  const bracket = tokens.open.at(-1);
  if (bracket === undefined) return undefined;
  const { sign, offset } = bracket;
  return {
    offset,
    message: `the ${sign} that opens here is not closed`,
    hint: `Close it with ${sign === '[' ? ']' : '}'}, or put the value in quotes if it is a text.`,
  };
}

function indentation({ error, line, start }: Situation): SyntaxFault {
  const column = line.search(/\S/);
  if (/^-[^\s-]/.test(line.trim())) {
    return { offset: start + column, message: NO_SPACE, hint: SPACE_HINT };
  }
  return {
    offset: column < 0 ? error.pos[0] : start + column,
    message: 'this line does not stand below another of its kind: its indentation fits none above it',
    hint: 'Give what belongs together the same number of spaces.',
  };
}

/** `a: b: c`, or a line that is indented below a key that has a value already. */
function secondColon(situation: Situation): SyntaxFault {
  const { error, source, line, start } = situation;
  const value = line.slice(error.pos[0] - start);
  if (/:(?:\s|$)/.test(value)) {
    return {
      offset: error.pos[0],
      message: 'there is a second “: ” in this line, so YAML takes the value for a map',
      hint: QUOTE_IT,
    };
  }
  const { line: number } = positionOf({ source, offset: error.pos[0] });
  const next = source.text.indexOf('\n', error.pos[0]) + 1;
  return {
    offset: next,
    message: `this line is indented below line ${number}, which has a value already`,
    hint: 'Indent it as the line above.',
  };
}

function noColon({ error, line, start }: Situation): SyntaxFault {
  const column = Math.max(0, line.search(/\S/));
  const offset = start + column;
  const text = line.trim();
  if (/^-[^\s-]/.test(text)) {
    return { offset, message: NO_SPACE, hint: SPACE_HINT };
  }
  const glued = /^(?:- )?["']?[\w.-]+["']?:(?=\S)/.exec(text);
  if (glued !== null) {
    return {
      offset: offset + glued[0].length - 1,
      message: 'there is no space after the colon',
      hint: 'Write “key: value”.',
    };
  }
  if (/:(?:\s|$)/.test(text) && error.code === 'MISSING_CHAR') {
    return { offset: error.pos[0], message: 'there is no key before the colon, or it is no text' };
  }
  return {
    offset,
    message: `${JSON.stringify(text.slice(0, 40))} is neither a key nor an item of a list`,
    hint: 'After a key comes a colon; before an item of a list comes “- ”; a text of several lines begins with |.',
  };
}
