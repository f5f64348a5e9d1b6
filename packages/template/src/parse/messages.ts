import type { ByteString } from '@cairn/bytes';
import { quote } from '../text/quote.ts';
import { type Item, KEYWORDS } from './lex.ts';

const LONG_ITEM = 10;

/** An item as Go's messages show it. */
export function itemText(item: Item): ByteString {
  if (item.type === 'eof') return 'EOF';
  if (item.type === 'dot' || item.type === 'nil') return `<${item.text}>`;
  if (KEYWORDS.some((keyword) => keyword === item.type)) return `<${item.text}>`;
  return item.text.length > LONG_ITEM ? `${quote(item.text.slice(0, LONG_ITEM))}...` : quote(item.text);
}

/** The way out, for what people get wrong. */
export function hintFor({ type, text }: Item): string | undefined {
  if (text === 'unclosed action' || text === '}') return 'close it with }}';
  if (text === 'unclosed left paren') return 'close it with ) before }}';
  if (text === 'unclosed comment') return 'close it with */}}';
  if (text === 'comment ends before closing delimiter')
    return 'a comment is an action of its own: {{/* ... */}}';
  if (text.startsWith('bad character U+002D')) {
    return 'a name has no - in it: write (index . "a-b") for an entry that has, and a space before -}}';
  }
  if (text.startsWith('bad character')) return 'put a space between two words, and quote texts';
  if (text === 'unterminated character constant' || text === 'unterminated quoted string') {
    return 'close the quotes on the same line; a text of several lines takes backquotes';
  }
  if (text.startsWith('unexpected right paren')) return 'there is no ( for it';
  if (text === '=' || text === '!' || text === '<' || text === '>' || text === '&') {
    return 'there are no operators: write eq, ne, lt, gt, and, or, not as functions, {{if eq .a "b"}}';
  }
  if (type === 'define') return 'templates are defined outside of all other actions';
  return undefined;
}
