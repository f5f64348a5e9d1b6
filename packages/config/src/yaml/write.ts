import { Document, isScalar, Scalar, visit } from 'yaml';

/**
 * A configuration as YAML, for reading again by Kairos or by Cairn: what YAML 1.1 would take for something else than a text is in
 * quotes, and lines of a text are a block.
 */
export function writeYaml(value: unknown): string {
  const document = new Document(value, { version: '1.1', aliasDuplicateObjects: false });
  visit(document, {
    Scalar(_key, node) {
      if (isScalar(node) && typeof node.value === 'string' && node.value.includes('\n')) {
        node.type = Scalar.BLOCK_LITERAL;
      }
    },
  });
  return document.toString({ lineWidth: 0, directives: false });
}
