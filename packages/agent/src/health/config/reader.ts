import { type Document, isAlias, isMap, isScalar, isSeq, type LineCounter, type Node } from 'yaml';
import { AgentError } from '../../error.ts';

/** A key of a map, with its value's node and the line that it is on. */
export interface Entry {
  readonly value: unknown;
  readonly line: number;
}

/** How deep aliases may lead to aliases. */
const ALIASES_LIMIT = 8;

/** Typed reading of a YAML document, node by node, so that whatever is wrong is told with its line. */
export class Reader {
  readonly #file: string;
  readonly #document: Document;
  readonly #lines: LineCounter;

  constructor(file: string, document: Document, lines: LineCounter) {
    this.#file = file;
    this.#document = document;
    this.#lines = lines;
  }

  error(line: number, message: string): AgentError {
    return new AgentError('bad-config', `${this.at(line)}: ${message}`);
  }

  at(line: number): string {
    return `${this.#file}:${line}`;
  }

  /** The line of a node, or of what stands above it where it has none. */
  lineOf(node: unknown, above = 1): number {
    const range = (node as Node | null | undefined)?.range;
    return range === undefined || range === null ? above : this.#lines.linePos(range[0]).line;
  }

  resolve(node: unknown): unknown {
    let found = node;
    for (let depth = 0; isAlias(found); depth++) {
      if (depth === ALIASES_LIMIT) return undefined;
      found = found.resolve(this.#document);
    }
    return found;
  }

  /** Nothing but comments behind a key: as if the key were not there, as for all of Kairos's keys. */
  isNull(node: unknown): boolean {
    const found = this.resolve(node);
    return found === null || found === undefined || (isScalar(found) && found.value === null);
  }

  /** The keys of a map, each of which has to be one of those given. */
  map(node: unknown, name: string, keys: readonly string[], above: number): Map<string, Entry> {
    const map = this.resolve(node);
    if (!isMap(map)) throw this.error(this.lineOf(node, above), `${name} is not a map`);
    const found = new Map<string, Entry>();
    for (const { key, value } of map.items) {
      const line = this.lineOf(key, this.lineOf(map, above));
      const text = isScalar(key) ? key.value : undefined;
      if (typeof text !== 'string' || !keys.includes(text)) {
        const shown =
          typeof text === 'string' ? JSON.stringify(text.slice(0, 60)) : 'something else than text';
        throw this.error(line, `${name} has the key ${shown}, and only ${keys.join(', ')} are known`);
      }
      if (!this.isNull(value)) found.set(text, { value, line });
    }
    return found;
  }

  list({ value, line }: Entry, name: string, limit: number): Entry[] {
    const list = this.resolve(value);
    if (!isSeq(list)) throw this.error(line, `${name} is not a list`);
    if (list.items.length > limit) throw this.error(line, `${name} has more than ${limit} items`);
    return list.items.map((item) => ({ value: item, line: this.lineOf(item, line) }));
  }

  /** What stands at a place where neither a map nor a list may. */
  plain({ value }: Entry): string | number | undefined {
    const found = this.resolve(value);
    const plain = isScalar(found) ? found.value : undefined;
    return typeof plain === 'string' || typeof plain === 'number' ? plain : undefined;
  }

  /** A number or a boolean as it is written: an argument is a text. */
  written({ value }: Entry): string | undefined {
    const found = this.resolve(value);
    if (!isScalar(found) || (typeof found.value !== 'number' && typeof found.value !== 'boolean'))
      return undefined;
    return found.source ?? String(found.value);
  }

  text(entry: Entry, name: string, { mayBeEmpty = false } = {}): string {
    const plain = this.plain(entry);
    if (typeof plain !== 'string' || (plain === '' && !mayBeEmpty))
      throw this.error(entry.line, `${name} is not a text`);
    if (plain.includes('\0')) throw this.error(entry.line, `${name} has a zero byte in it`);
    return plain;
  }
}
