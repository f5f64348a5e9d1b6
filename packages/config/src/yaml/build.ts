import { type Document, isAlias, isMap, isScalar, isSeq, type Node, type Pair, type YAMLMap } from 'yaml';
import { decodeBase64 } from '../base64.ts';
import type { Diagnostic, Report } from '../diagnostic.ts';
import { type Place, positionOf, type Source } from '../place.ts';
import { childPath, type Entry, type Tree } from '../tree.ts';
import type { Limits } from './limits.ts';
import { resolvePlain } from './scalar.ts';
import { LimitHit } from './tokens.ts';

/** A tree, and how many values it has with all that its aliases stand for. */
interface Built {
  readonly tree: Tree;
  readonly weight: number;
}

const TAG = 'tag:yaml.org,2002:';

/**
 * The tree of a document: aliases and merge keys resolved, duplicate keys told (the later one counts).
 *
 * @throws LimitHit where aliases unfold to too much
 */
export function buildTree(
  document: Document.Parsed,
  source: Source,
  report: Report,
  limits: Limits,
): Tree | undefined {
  if (document.contents === null) return undefined;
  return new Builder(source, report, limits).build(document.contents, '', 0).tree;
}

class Builder {
  readonly #source: Source;
  readonly #report: Report;
  readonly #limits: Limits;
  readonly #anchors = new Map<string, Built>();
  readonly #open = new Set<string>();

  constructor(source: Source, report: Report, limits: Limits) {
    this.#source = source;
    this.#report = report;
    this.#limits = limits;
  }

  build(node: Node | null, path: string, above: number): Built {
    const offset = node?.range?.[0] ?? above;
    if (node === null) return this.#nothing(offset);
    if (isAlias(node)) return this.#alias(node.source, path, offset);
    const { anchor } = node as { anchor?: string };
    if (anchor !== undefined) this.#open.add(anchor);
    const built = this.#content(node, path, offset, above);
    if (built.weight > this.#limits.values) {
      throw new LimitHit(offset, `with its aliases it has more than ${this.#limits.values} values`);
    }
    if (anchor !== undefined) {
      this.#open.delete(anchor);
      this.#anchors.set(anchor, built);
    }
    return built;
  }

  #content(node: Node, path: string, offset: number, above: number): Built {
    if (isMap(node)) return this.#map(node as YAMLMap<Node, Node | null>, path, offset);
    if (isSeq(node)) {
      let weight = 1;
      const items = node.items.map((item, index) => {
        const own = (item as Node | null)?.range?.[0] ?? offset;
        const built = this.build(item as Node | null, childPath(path, index), own);
        weight += built.weight;
        return built.tree;
      });
      return { tree: { kind: 'list', items, at: this.#place(offset) }, weight };
    }
    return isScalar(node) ? this.#scalar(node, path, offset, above) : this.#nothing(offset);
  }

  #scalar(node: Node, path: string, offset: number, above: number): Built {
    const { value, type, tag } = node as { value?: unknown; type?: string; tag?: string };
    const written = typeof value === 'string' ? value : '';
    const plain = type === 'PLAIN' || type === undefined;
    // What was meant by it is what stands there, and not its contrary.
    const text = tag === '!' && plain ? `! ${written}` : written;
    // Where there is no value the key is what can be pointed at.
    const at = this.#place(text === '' && plain ? above : offset);
    const known = tag?.startsWith(TAG) ? tag.slice(TAG.length) : tag;
    if (known === '!') {
      this.#tell('bad-value', offset, path, {
        message: 'the ! at the beginning is a sign of YAML’s own, and not a part of the text',
        hint: 'Put the whole value in quotes.',
      });
    } else if (known !== undefined && !/^(?:str|int|bool|float|null|binary|timestamp)$/.test(known)) {
      this.#tell('bad-value', offset, path, {
        message: `there is no tag ${known.startsWith('!') ? '' : '!!'}${known}`,
      });
    }
    if (known === 'binary') {
      const decoded = new TextDecoder().decode(decodeBase64(text) ?? new Uint8Array());
      return leaf({ kind: 'scalar', value: decoded, text: decoded, plain: false, at });
    }
    const typed = known === 'int' || known === 'bool' || known === 'float' || known === 'null';
    const resolves = typed || (plain && known === undefined);
    return leaf({ kind: 'scalar', value: resolves ? resolvePlain(text) : text, text, plain: resolves, at });
  }

  #map(node: YAMLMap<Node, Node | null>, path: string, offset: number): Built {
    const entries = new Map<string, Entry>();
    const merged: Tree[] = [];
    let weight = 1;
    for (const pair of node.items) {
      const keyOffset = pair.key?.range?.[0] ?? offset;
      const key = this.#key(pair, path, keyOffset);
      if (key === undefined) {
        if (this.#source.text.startsWith('{', keyOffset)) return this.#nothing(offset, '{{');
        continue;
      }
      const { tree, weight: own } = this.build(pair.value, childPath(path, key), keyOffset);
      weight += own;
      if (key === '<<' && isPlain(pair.key)) {
        merged.push(tree);
        continue;
      }
      const former = entries.get(key);
      if (former !== undefined) {
        this.#tell('duplicate-key', keyOffset, childPath(path, key), {
          message: `this key is here twice, first on line ${positionOf(former.at).line}`,
          hint: 'Keep one of the two, with what both say.',
        });
      }
      entries.set(key, { at: this.#place(keyOffset), value: tree });
    }
    for (const tree of merged) this.#merge(entries, tree, path);
    return { tree: { kind: 'map', entries, at: this.#place(offset) }, weight };
  }

  #key({ key }: Pair<Node, Node | null>, path: string, offset: number): string | undefined {
    if (isScalar(key)) return typeof key.value === 'string' ? key.value : '';
    if (isAlias(key)) {
      const { tree } = this.#alias(key.source, path, offset);
      if (tree.kind === 'scalar') return tree.text;
    }
    const template = this.#source.text.startsWith('{', offset);
    this.#tell('wrong-type', offset, path, {
      message: template ? 'this is a map in a map to YAML, and not a template' : 'a key has to be a text',
      ...(template ? { hint: 'Put the whole value in quotes: "{{ … }}".' } : {}),
    });
    return undefined;
  }

  /** https://yaml.org/type/merge.html: what the map says itself comes first, then the earlier one of a list. */
  #merge(entries: Map<string, Entry>, tree: Tree, path: string): void {
    if (tree.kind === 'list') {
      for (const item of tree.items) this.#merge(entries, item, path);
      return;
    }
    if (tree.kind === 'scalar') {
      this.#tell('wrong-type', tree.at.offset, path, {
        message: '<< takes an alias of a map, such as *name',
      });
      return;
    }
    for (const [key, entry] of tree.entries) if (!entries.has(key)) entries.set(key, entry);
  }

  #alias(name: string, path: string, offset: number): Built {
    const found = this.#anchors.get(name);
    if (found !== undefined) return found;
    this.#tell('bad-value', offset, path, {
      message: this.#open.has(name)
        ? `*${name} stands within what it stands for`
        : `there is no &${name} before this *${name}`,
      hint: 'Put the value in quotes if it is a text that begins with *.',
    });
    return this.#nothing(offset, `*${name}`);
  }

  /** @param instead what stands there, where it was told that it is not to be read */
  #nothing(offset: number, instead = ''): Built {
    return leaf({ kind: 'scalar', value: null, text: instead, plain: true, at: this.#place(offset) });
  }

  #place(offset: number): Place {
    return { source: this.#source, offset };
  }

  #tell(
    code: Diagnostic['code'],
    offset: number,
    path: string,
    what: Pick<Diagnostic, 'message' | 'hint'>,
  ): void {
    this.#report({ severity: 'error', code, place: this.#place(offset), path, ...what, bearable: true });
  }
}

function leaf(tree: Tree): Built {
  return { tree, weight: 1 };
}

function isPlain(node: Node): boolean {
  return isScalar(node) && node.type === 'PLAIN';
}
