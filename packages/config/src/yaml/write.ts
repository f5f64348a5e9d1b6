import { Document, Pair, Scalar, YAMLMap, YAMLSeq } from 'yaml';
import type { ScalarTree, Tree } from '../tree.ts';
import { resolvePlain, yesOrNo } from './scalar.ts';

/**
 * A tree as YAML, for Kairos or Cairn to read again: scalars stay as they were written, so that `0644` is still octal and `1.10`
 * still a version; quotes are where a text would be taken for something else without them.
 */
export function writeYaml(tree: Tree): string {
  // All is a text to this schema, so nothing is put in quotes but what has to be.
  const document = new Document(undefined, { schema: 'failsafe' });
  document.contents = nodeOf(tree);
  return document.toString({ lineWidth: 0, doubleQuotedMinMultiLineLength: Number.MAX_SAFE_INTEGER });
}

function nodeOf(tree: Tree): Document['contents'] & object {
  if (tree.kind === 'list') {
    const list = new YAMLSeq();
    for (const item of tree.items) list.items.push(nodeOf(item));
    return list;
  }
  if (tree.kind === 'scalar') return scalarOf(tree);
  const map = new YAMLMap();
  for (const [key, { value }] of tree.entries) map.items.push(new Pair(keyOf(key), nodeOf(value)));
  return map;
}

function scalarOf({ value, text, plain }: ScalarTree): Scalar {
  if (!plain || (typeof value === 'string' && yesOrNo(text) === undefined)) return textOf(text);
  // What stands where nothing could be read is null too.
  const isNull = value === null && (text === '' || resolvePlain(text) !== null);
  const scalar = new Scalar(isNull ? 'null' : text);
  scalar.type = Scalar.PLAIN;
  return scalar;
}

/** A key is on one line. */
function keyOf(key: string): Scalar {
  const scalar = textOf(key);
  if (key.includes('\n')) scalar.type = Scalar.QUOTE_DOUBLE;
  return scalar;
}

function textOf(text: string): Scalar {
  const scalar = new Scalar(text);
  // Blanks at the beginning of a block, or alone on a line, do not come back.
  if (text.includes('\n')) {
    const odd = /^\s/.test(text) || /^[ \t]+$/m.test(text);
    scalar.type = odd ? Scalar.QUOTE_DOUBLE : Scalar.BLOCK_LITERAL;
  } else if (text === '<<' || resolvePlain(text) !== text || yesOrNo(text) !== undefined) {
    scalar.type = Scalar.QUOTE_DOUBLE;
  }
  return scalar;
}
