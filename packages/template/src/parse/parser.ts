import type { ByteString } from '@cairn/bytes';
import { Failure, type TemplateErrorCode } from '../error.ts';
import { quote, unquote } from '../text/quote.ts';
import { nearest } from '../text/suggest.ts';
import type { Item, ItemType } from './lex.ts';
import { hintFor, itemText } from './messages.ts';
import {
  type Command,
  type List,
  type Operand,
  operandText,
  type Pipe,
  type Statement,
  type Variable,
} from './node.ts';
import { numberNode } from './number.ts';
import {
  type End,
  type ParseSettings,
  STARTS_OPERAND,
  type Stream,
  SyntaxFailure,
  type Trees,
} from './stream.ts';

/** A port of text/template/parse/parse.go (Go 1.19), with `{{else with}}` of Go 1.23. */
export function parse(source: ByteString, items: readonly Item[], settings: ParseSettings): Trees {
  const stream: Stream = { items, at: 0, depth: 0, actionOffset: 0, filled: new Set() };
  const templates = new Map<ByteString, List>();
  const root = new Parser(stream, templates, settings, source).parseRoot();
  return { root, templates };
}

class Parser {
  readonly #stream: Stream;
  readonly #templates: Map<ByteString, List>;
  readonly #settings: ParseSettings;
  readonly #source: ByteString;
  #variables: ByteString[] = ['$'];
  #ranges = 0;

  constructor(stream: Stream, templates: Map<ByteString, List>, settings: ParseSettings, source: ByteString) {
    this.#stream = stream;
    this.#templates = templates;
    this.#settings = settings;
    this.#source = source;
  }

  parseRoot(): List {
    const nodes: Statement[] = [];
    const { offset } = this.#peek();
    while (this.#peek().type !== 'eof') {
      if (this.#peek().type === 'leftDelim' && this.#isDefine()) {
        this.#nested().#definition();
        continue;
      }
      const node = this.#textOrAction();
      if (node.type === 'end' || node.type === 'else') {
        this.#fail(`unexpected {{${node.type}}}`, {
          offset: node.offset,
          hint: 'there is no open {{if}}, {{range}}, {{with}}, {{block}} or {{define}} here',
        });
      }
      nodes.push(node);
    }
    const root: List = { type: 'list', offset, nodes };
    this.#add(this.#settings.name, root);
    return root;
  }

  /** A parser for a definition: it has its own variables, and is in no loop. */
  #nested(): Parser {
    return new Parser(this.#stream, this.#templates, this.#settings, this.#source);
  }

  #isDefine(): boolean {
    const start = this.#stream.at;
    this.#next();
    if (this.#nextNonSpace().type === 'define') return true;
    this.#stream.at = start;
    return false;
  }

  #item(at: number): Item {
    const { items } = this.#stream;
    return items[at] ?? items.at(-1) ?? { type: 'eof', offset: 0, text: '' };
  }

  #peek(): Item {
    return this.#item(this.#stream.at);
  }

  #next(): Item {
    return this.#item(this.#stream.at++);
  }

  #peekNonSpace(): Item {
    while (this.#peek().type === 'space') this.#stream.at++;
    return this.#peek();
  }

  #nextNonSpace(): Item {
    this.#peekNonSpace();
    return this.#next();
  }

  #fail(
    message: ByteString,
    options: { code?: TemplateErrorCode; offset?: number; hint?: string | undefined } = {},
  ): never {
    const offset = options.offset ?? this.#item(this.#stream.at - 1).offset;
    throw new SyntaxFailure(message, offset, options.code ?? 'syntax', options.hint);
  }

  #unexpected(item: Item, context: string): never {
    if (item.type === 'error') {
      const inAction = item.text === 'unclosed action' || item.text === 'unclosed left paren';
      this.#fail(item.text, {
        offset: inAction ? this.#stream.actionOffset : item.offset,
        hint: hintFor(item),
      });
    }
    this.#fail(`unexpected ${itemText(item)} in ${context}`, { offset: item.offset, hint: hintFor(item) });
  }

  #expect(type: ItemType, context: string): Item {
    const item = this.#nextNonSpace();
    if (item.type !== type) this.#unexpected(item, context);
    return item;
  }

  #deeper<T>(parse: () => T): T {
    if (++this.#stream.depth > this.#settings.depth) {
      this.#fail(`actions and parentheses are nested deeper than ${this.#settings.depth} levels`, {
        code: 'limit',
        hint: 'define a part of it as a template of its own',
      });
    }
    const result = parse();
    this.#stream.depth--;
    return result;
  }

  #add(name: ByteString, list: List): void {
    const { filled } = this.#stream;
    const hasContent = !isEmpty(list);
    if (!filled.has(name)) {
      this.#templates.set(name, list);
      if (hasContent) filled.add(name);
      return;
    }
    if (hasContent) {
      this.#fail(`multiple definition of template ${quote(name)}`, { hint: 'give one of them another name' });
    }
  }

  #definition(): void {
    const context = 'define clause';
    const name = this.#templateName(this.#nextNonSpace(), context);
    this.#expect('rightDelim', context);
    const { list, end } = this.#itemList();
    if (end.type !== 'end') this.#fail(`unexpected {{else}} in ${context}`, { offset: end.offset });
    this.#add(name, list);
  }

  #itemList(): { readonly list: List; readonly end: End } {
    const opened = this.#stream.actionOffset;
    const { offset } = this.#peekNonSpace();
    const nodes: Statement[] = [];
    while (this.#peekNonSpace().type !== 'eof') {
      const node = this.#textOrAction();
      if (node.type === 'end' || node.type === 'else')
        return { list: { type: 'list', offset, nodes }, end: node };
      nodes.push(node);
    }
    return this.#fail('unexpected EOF', {
      offset: this.#peek().offset,
      hint: `{{end}} is missing for the action ${this.#placeOf(opened)}`,
    });
  }

  #placeOf(offset: number): string {
    const line = this.#source.slice(0, offset).split('\n').length;
    return `that begins on line ${line}`;
  }

  #textOrAction(): Statement | End {
    const item = this.#nextNonSpace();
    if (item.type === 'text') return { type: 'text', offset: item.offset, text: item.text };
    if (item.type !== 'leftDelim') this.#unexpected(item, 'input');
    this.#stream.actionOffset = item.offset;
    return this.#deeper(() => this.#action());
  }

  #action(): Statement | End {
    const item = this.#nextNonSpace();
    switch (item.type) {
      case 'block':
        return this.#block();
      case 'break':
      case 'continue':
        return this.#jump(item, item.type);
      case 'else':
        return this.#else();
      case 'end':
        return { type: 'end', offset: this.#expect('rightDelim', 'end').offset };
      case 'if':
      case 'range':
      case 'with':
        return this.#branch(item.type);
      case 'template':
        return this.#template();
      default: {
        this.#stream.at--;
        const { offset } = this.#peek();
        return { type: 'action', offset, pipe: this.#pipeline('command', 'rightDelim') };
      }
    }
  }

  #jump(item: Item, type: 'break' | 'continue'): Statement {
    const next = this.#nextNonSpace();
    if (next.type !== 'rightDelim') this.#unexpected(next, `{{${type}}}`);
    if (this.#ranges === 0) {
      this.#fail(`{{${type}}} outside {{range}}`, { offset: item.offset, hint: 'only a loop can be left' });
    }
    return { type, offset: item.offset };
  }

  #else(): End {
    const peek = this.#peekNonSpace();
    if (peek.type === 'if' || peek.type === 'with') return { type: 'else', offset: peek.offset };
    return { type: 'else', offset: this.#expect('rightDelim', 'else').offset };
  }

  #branch(type: 'if' | 'range' | 'with'): Statement {
    const known = this.#variables.length;
    const pipe = this.#pipeline(type, 'rightDelim');
    if (type === 'range') this.#ranges++;
    const { list, end } = this.#itemList();
    if (type === 'range') this.#ranges--;
    const otherwise = end.type === 'else' ? this.#otherwise(type, end) : undefined;
    this.#variables.length = known;
    return { type, offset: pipe.offset, pipe, list, otherwise };
  }

  #otherwise(type: 'if' | 'range' | 'with', end: End): List {
    const chained = this.#peek().type;
    if (chained === type && (chained === 'if' || chained === 'with')) {
      this.#next();
      const node = this.#deeper(() => this.#branch(chained));
      return { type: 'list', offset: end.offset, nodes: [node] };
    }
    const { list, end: last } = this.#itemList();
    if (last.type !== 'end') this.#fail('expected end; found {{else}}', { offset: last.offset });
    return list;
  }

  #block(): Statement {
    const context = 'block clause';
    const item = this.#nextNonSpace();
    const name = this.#templateName(item, context);
    const pipe = this.#pipeline(context, 'rightDelim');
    const { list, end } = this.#nested().#itemList();
    if (end.type !== 'end') this.#fail(`unexpected {{else}} in ${context}`, { offset: end.offset });
    this.#add(name, list);
    return { type: 'template', offset: item.offset, name, pipe };
  }

  #template(): Statement {
    const context = 'template clause';
    const item = this.#nextNonSpace();
    const name = this.#templateName(item, context);
    if (this.#peekNonSpace().type === 'rightDelim') {
      this.#next();
      return { type: 'template', offset: item.offset, name, pipe: undefined };
    }
    return { type: 'template', offset: item.offset, name, pipe: this.#pipeline(context, 'rightDelim') };
  }

  #templateName(item: Item, context: string): ByteString {
    if (item.type !== 'string' && item.type !== 'rawString') this.#unexpected(item, context);
    return this.#unquote(item);
  }

  #unquote(item: Item): ByteString {
    return this.#literal(item, () => unquote(item.text));
  }

  #literal<T>(item: Item, read: () => T): T {
    try {
      return read();
    } catch (error) {
      if (!(error instanceof Failure)) throw error;
      const code = error.code === 'call' ? 'syntax' : error.code;
      return this.#fail(error.message, { code, offset: item.offset, hint: error.hint });
    }
  }

  #pipeline(context: string, end: ItemType): Pipe {
    const { offset } = this.#peekNonSpace();
    const declared: Variable[] = [];
    const isAssign = this.#declarations(context, declared);
    const commands: Command[] = [];
    for (;;) {
      const item = this.#nextNonSpace();
      if (item.type === end) break;
      if (!STARTS_OPERAND.has(item.type)) this.#unexpected(item, context);
      this.#stream.at--;
      commands.push(this.#command());
    }
    this.#checkPipeline(commands, context);
    return { type: 'pipe', offset, isAssign, declared, commands };
  }

  /** `$x :=`, `$x =`, and in a range `$key, $value :=`. Whether it assigns. */
  #declarations(context: string, declared: Variable[]): boolean {
    for (;;) {
      const variable = this.#peekNonSpace();
      if (variable.type !== 'variable') return false;
      const start = this.#stream.at;
      this.#next();
      const sign = this.#peekNonSpace();
      const isComma = sign.type === 'char' && sign.text === ',';
      if (sign.type !== 'assign' && sign.type !== 'declare' && !isComma) {
        this.#stream.at = start;
        return false;
      }
      this.#next();
      declared.push({ type: 'variable', offset: variable.offset, names: variable.text.split('.') });
      this.#declare(variable.text);
      if (!isComma) return sign.type === 'assign';
      if (context !== 'range' || declared.length >= 2) {
        this.#fail(`too many declarations in ${context}`, {
          offset: sign.offset,
          hint: 'only {{range $key, $value := ...}} declares two variables',
        });
      }
      const { type } = this.#peekNonSpace();
      if (type !== 'variable' && type !== 'rightDelim' && type !== 'rightParen') {
        this.#fail('range can only initialize variables', { offset: this.#peek().offset });
      }
    }
  }

  #declare(name: ByteString): void {
    if (this.#variables.push(name) <= this.#settings.variables) return;
    this.#fail(`there are more than ${this.#settings.variables} variables`, {
      code: 'limit',
      hint: 'put what belongs together into a map, by `dict`',
    });
  }

  #checkPipeline(commands: readonly Command[], context: string): void {
    if (commands.length === 0) {
      this.#fail(`missing value for ${context}`, {
        hint: 'write a field, a variable, a literal or a function',
      });
    }
    for (const [index, { words }] of commands.entries()) {
      const { type, offset } = words[0];
      if (
        index > 0 &&
        (type === 'bool' || type === 'dot' || type === 'nil' || type === 'number' || type === 'string')
      ) {
        this.#fail(`non executable command in pipeline stage ${index + 1}`, {
          offset,
          hint: 'behind | stands a function, which takes the value before it as its last argument',
        });
      }
    }
  }

  #command(): Command {
    const { offset } = this.#peekNonSpace();
    const words: Operand[] = [];
    for (;;) {
      this.#peekNonSpace();
      const operand = this.#operand();
      if (operand !== undefined) words.push(operand);
      const item = this.#next();
      if (item.type === 'space') continue;
      if (item.type === 'rightDelim' || item.type === 'rightParen') this.#stream.at--;
      else if (item.type !== 'pipe') this.#unexpected(item, 'operand');
      break;
    }
    const [first, ...rest] = words;
    if (first === undefined) this.#fail('empty command', { hint: 'there is nothing between two | signs' });
    return { type: 'command', offset, words: [first, ...rest] };
  }

  #operand(): Operand | undefined {
    const node = this.#term();
    if (node === undefined || this.#peek().type !== 'field') return node;
    const { offset } = this.#peek();
    const names: ByteString[] = [];
    while (this.#peek().type === 'field') names.push(this.#next().text.slice(1));
    switch (node.type) {
      case 'field':
      case 'variable':
        return { ...node, offset, names: [...node.names, ...names] };
      case 'bool':
      case 'string':
      case 'number':
      case 'nil':
      case 'dot':
        return this.#fail(`unexpected . after term ${quote(operandText(node))}`, { offset });
      default:
        return { type: 'chain', offset, node, names };
    }
  }

  #term(): Operand | undefined {
    const item = this.#nextNonSpace();
    const { offset, text } = item;
    switch (item.type) {
      case 'identifier': {
        const failure = this.#settings.checkFunction(text);
        if (failure !== undefined)
          this.#fail(failure.message, { code: failure.code, offset, hint: failure.hint });
        return { type: 'identifier', offset, name: text };
      }
      case 'dot':
      case 'nil':
        return { type: item.type, offset };
      case 'variable':
        return this.#variable(item);
      case 'field':
        return { type: 'field', offset, names: [text.slice(1)] };
      case 'bool':
        return { type: 'bool', offset, value: text === 'true' };
      case 'charConstant':
      case 'complex':
      case 'number':
        return this.#literal(item, () => numberNode(offset, text, item.type === 'charConstant'));
      case 'leftParen':
        return this.#deeper(() => this.#pipeline('parenthesized pipeline', 'rightParen'));
      case 'string':
      case 'rawString':
        return { type: 'string', offset, quoted: text, text: this.#unquote(item) };
      default:
        this.#stream.at--;
        return undefined;
    }
  }

  #variable(item: Item): Operand {
    if (!this.#variables.includes(item.text)) {
      const near = nearest(item.text, this.#variables);
      this.#fail(`undefined variable ${quote(item.text)}`, {
        code: 'undefined-variable',
        offset: item.offset,
        hint:
          near === undefined || near === '$'
            ? `declare it first, {{${item.text} := ...}}, outside of any block that ends before`
            : `did you mean ${near}?`,
      });
    }
    return { type: 'variable', offset: item.offset, names: [item.text] };
  }
}

function isEmpty(list: List): boolean {
  return list.nodes.every((node) => node.type === 'text' && /^[\s\u0085]*$/.test(node.text));
}
