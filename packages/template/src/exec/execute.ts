import type { ByteString } from '@cairn/bytes';
import { Failure } from '../error.ts';
import { formatValue, printedValue } from '../format/value.ts';
import {
  type Context,
  canBeNil,
  type FunctionTable,
  type GoFunction,
  type Param,
  paramName,
} from '../functions/function.ts';
import {
  type Action,
  type Branch,
  type Call,
  type Chain,
  type Command,
  type Field,
  type Identifier,
  type List,
  type Located,
  type Operand,
  operandText,
  type Pipe,
  type Statement,
  type Variable,
} from '../parse/node.ts';
import { quote } from '../text/quote.ts';
import { nearest } from '../text/suggest.ts';
import { GoInt, GoList, GoMap, int, isTrue, typeName, type Value } from '../value/value.ts';
import { checkCount, isAny, typedLiteral, validate } from './arguments.ts';
import { fieldOf } from './fields.ts';

/** What an action printed as `<no value>`. */
export interface Missing {
  readonly offset: number;
  /** As it is written: `.Values.hostnam`. */
  readonly path: ByteString;
  /** An entry of the same map with nearly that name. */
  readonly near: ByteString | undefined;
}

export interface Program {
  readonly root: List;
  readonly templates: ReadonlyMap<ByteString, List>;
  readonly functions: FunctionTable;
}

/** Behind the last argument of a pipeline's first command nothing is piped. */
const NOTHING: unique symbol = Symbol('no piped value');
type Piped = Value | typeof NOTHING;

type Signal = 'done' | 'break' | 'continue';

/** More of them help nobody, and cost time. */
const MAX_MISSING = 100;

/** What is the same in all templates of one run. */
export class Run {
  readonly program: Program;
  readonly context: Context;
  readonly output: ByteString[] = [];
  readonly missing: Missing[] = [];
  /** The node at work: where an error is. */
  node: Located;
  #nesting = 0;

  constructor(program: Program, context: Context) {
    this.program = program;
    this.context = context;
    this.node = program.root;
  }

  execute(data: Value): void {
    new Frame(this, data, 0).list(data, this.program.root);
  }

  /** JavaScript's own stack must not decide how deep a template may go. */
  nested<T>(evaluate: () => T): T {
    const { nesting } = this.context.budget.limits;
    if (++this.#nesting > nesting) {
      throw new Failure(`actions are nested deeper than ${nesting} levels while running`, {
        code: 'limit',
        hint: 'a template that calls itself must come to an end sooner',
      });
    }
    const value = evaluate();
    this.#nesting--;
    return value;
  }

  write(text: ByteString): void {
    this.context.budget.write(text.length);
    this.output.push(text);
  }
}

/** One template at work, with its own variables: a port of text/template/exec.go (Go 1.19), node for node. */
class Frame {
  readonly #run: Run;
  readonly #depth: number;
  readonly #variables: { readonly name: ByteString; value: Value }[];

  constructor(run: Run, data: Value, depth: number) {
    this.#run = run;
    this.#depth = depth;
    this.#variables = [{ name: '$', value: data }];
  }

  #at(node: Located): void {
    this.#run.node = node;
    this.#run.context.budget.step();
  }

  list(dot: Value, { nodes }: List): Signal {
    return this.#run.nested(() => {
      for (const node of nodes) {
        const signal = this.#statement(dot, node);
        if (signal !== 'done') return signal;
      }
      return 'done';
    });
  }

  #statement(dot: Value, node: Statement): Signal {
    this.#at(node);
    switch (node.type) {
      case 'text':
        this.#run.write(node.text);
        return 'done';
      case 'action':
        this.#action(dot, node);
        return 'done';
      case 'if':
      case 'with':
        return this.#branch(dot, node);
      case 'range':
        return this.#range(dot, node);
      case 'template':
        this.#template(dot, node);
        return 'done';
      default:
        return node.type;
    }
  }

  #action(dot: Value, node: Action): void {
    const value = this.#pipeline(dot, node.pipe);
    if (node.pipe.declared.length > 0) return;
    this.#at(node);
    if (value === undefined && this.#run.missing.length < MAX_MISSING) this.#noteMissing(dot, node);
    this.#run.write(printedValue(value, this.#run.context.budget));
  }

  #noteMissing(dot: Value, node: Action): void {
    if (this.#run.missing.some(({ offset }) => offset === node.offset)) return;
    const [command] = node.pipe.commands;
    const [word] = command?.words ?? [];
    const path = operandText(node.pipe);
    const names = word?.type === 'field' || word?.type === 'variable' ? word.names : [];
    let holder = word?.type === 'field' ? dot : undefined;
    let rest = names;
    if (word?.type === 'variable') {
      holder = this.#variable(word.names[0] ?? '');
      rest = names.slice(1);
    }
    let near: ByteString | undefined;
    for (const name of rest) {
      if (!(holder instanceof GoMap)) break;
      const found: Value = holder.entries.get(name);
      if (found === undefined) near = nearest(name, holder.entries.keys());
      holder = found;
    }
    this.#run.missing.push({ offset: node.offset, path, near });
  }

  #branch(dot: Value, node: Branch): Signal {
    const mark = this.#variables.length;
    const value = this.#pipeline(dot, node.pipe);
    let signal: Signal = 'done';
    if (isTrue(value)) signal = this.list(node.type === 'with' ? value : dot, node.list);
    else if (node.otherwise !== undefined) signal = this.list(dot, node.otherwise);
    this.#variables.length = mark;
    return signal;
  }

  #range(dot: Value, node: Branch): Signal {
    const start = this.#variables.length;
    const value = this.#pipeline(dot, node.pipe);
    const mark = this.#variables.length;
    let count = 0;
    for (const [index, element] of this.#elements(value)) {
      count++;
      this.#at(node);
      this.#setTop(node.pipe.declared.length, index, element);
      const signal = this.list(element, node.list);
      this.#variables.length = mark;
      if (signal === 'break') break;
    }
    this.#variables.length = start;
    return count === 0 && node.otherwise !== undefined ? this.list(dot, node.otherwise) : 'done';
  }

  #setTop(declared: number, index: Value, element: Value): void {
    const last = this.#variables.at(-1);
    const beforeLast = this.#variables.at(-2);
    if (declared > 0 && last !== undefined) last.value = element;
    if (declared > 1 && beforeLast !== undefined) beforeLast.value = index;
  }

  *#elements(value: Value): Generator<readonly [Value, Value]> {
    if (value === undefined || value === null) return;
    if (value instanceof GoList) {
      for (const [index, item] of value.items.entries()) yield [int(index), item];
    } else if (value instanceof GoMap) {
      this.#run.context.budget.spend(value.entries.size * 4);
      yield* value.sorted();
    } else if (value instanceof GoInt) {
      // Go 1.24 on: {{range 3}}.
      for (let index = 0n; index < value.value; index++) {
        const element = new GoInt(index, value.kind);
        yield [element, element];
      }
    } else {
      throw new Failure(`range can't iterate over ${formatValue(value, this.#run.context.budget)}`, {
        code: 'execution',
        hint: `this is a ${typeName(value)}: {{range}} takes a list, a map or an int`,
      });
    }
  }

  #template(dot: Value, node: Call): void {
    const { program, context } = this.#run;
    const list = program.templates.get(node.name);
    if (list === undefined) {
      const near = nearest(node.name, program.templates.keys());
      throw new Failure(`template ${quote(node.name)} not defined`, {
        code: 'execution',
        hint:
          near === undefined
            ? `define it: {{define ${quote(node.name)}}} ... {{end}}`
            : `did you mean ${quote(near)}?`,
      });
    }
    if (this.#depth >= context.budget.limits.calls) {
      throw new Failure(`exceeded maximum template depth (${context.budget.limits.calls})`, {
        code: 'limit',
        hint: `${quote(node.name)} calls itself without end`,
      });
    }
    const data = node.pipe === undefined ? undefined : this.#pipeline(dot, node.pipe);
    new Frame(this.#run, data, this.#depth + 1).list(data, list);
  }

  #pipeline(dot: Value, pipe: Pipe): Value {
    this.#at(pipe);
    let piped: Piped = NOTHING;
    for (const command of pipe.commands) {
      const value: Value = this.#command(dot, command, piped);
      // A nil in an interface is as good as no value from here on.
      piped = value === null ? undefined : value;
    }
    const value = piped === NOTHING ? undefined : piped;
    for (const variable of pipe.declared) {
      const name = variable.names[0] ?? '';
      if (pipe.isAssign) this.#assign(name, value);
      else this.#variables.push({ name, value });
    }
    return value;
  }

  #assign(name: ByteString, value: Value): void {
    const variable = this.#variables.findLast((variable) => variable.name === name);
    if (variable === undefined) throw undefinedVariable(name);
    variable.value = value;
  }

  #variable(name: ByteString): Value {
    const variable = this.#variables.findLast((variable) => variable.name === name);
    if (variable === undefined) throw undefinedVariable(name);
    return variable.value;
  }

  #command(dot: Value, command: Command, piped: Piped): Value {
    const [word] = command.words;
    switch (word.type) {
      case 'field':
        return this.#field(dot, word, command.words, piped);
      case 'chain':
        return this.#chain(dot, word, command.words, piped);
      case 'identifier':
        return this.#function(dot, word, command, command.words, piped);
      case 'pipe':
        this.#notAFunction(command.words, piped);
        return this.#pipeline(dot, word);
      case 'variable':
        return this.#variableNode(dot, word, command.words, piped);
      default:
        break;
    }
    this.#at(word);
    this.#notAFunction(command.words, piped);
    if (word.type === 'nil') {
      throw new Failure('nil is not a command', {
        code: 'execution',
        hint: 'nil stands only among the arguments of a function',
      });
    }
    return this.#constant(dot, word);
  }

  /** A literal or the dot, where any type will do. */
  #constant(dot: Value, word: Operand): Value {
    switch (word.type) {
      case 'dot':
        return dot;
      case 'bool':
        return word.value;
      case 'string':
        return word.text;
      case 'number':
        this.#at(word);
        if (word.isFloat) return word.float;
        if (word.int === undefined || word.int >= 1n << 63n) {
          throw new Failure(`${word.text} overflows int`, { code: 'execution' });
        }
        return new GoInt(word.int);
      default:
        throw new Failure(`can't handle assignment of ${operandText(word)} to empty interface argument`, {
          code: 'execution',
        });
    }
  }

  #notAFunction(words: readonly Operand[], piped: Piped): void {
    const [word] = words;
    if (word === undefined || (words.length <= 1 && piped === NOTHING)) return;
    throw new Failure(`can't give argument to non-function ${operandText(word)}`, {
      code: 'execution',
      hint: 'only functions take arguments, and they come first: {{eq .a "b"}}',
    });
  }

  #field(dot: Value, field: Field, words: readonly Operand[], piped: Piped): Value {
    this.#at(field);
    return this.#fieldChain(dot, dot, field.names, words, piped);
  }

  #chain(dot: Value, chain: Chain, words: readonly Operand[], piped: Piped): Value {
    this.#at(chain);
    if (chain.node.type === 'nil') {
      throw new Failure(`indirection through explicit nil in ${operandText(chain)}`, { code: 'execution' });
    }
    const receiver = this.#argument(dot, undefined, chain.node);
    return this.#fieldChain(dot, receiver, chain.names, words, piped);
  }

  #variableNode(dot: Value, variable: Variable, words: readonly Operand[], piped: Piped): Value {
    this.#at(variable);
    const value = this.#variable(variable.names[0] ?? '');
    if (variable.names.length > 1) {
      return this.#fieldChain(dot, value, variable.names.slice(1), words, piped);
    }
    this.#notAFunction(words, piped);
    return value;
  }

  #fieldChain(
    dot: Value,
    receiver: Value,
    names: readonly ByteString[],
    words: readonly Operand[],
    piped: Piped,
  ): Value {
    let value = receiver;
    for (const [index, name] of names.entries()) {
      const hasArguments = index === names.length - 1 && (words.length > 1 || piped !== NOTHING);
      value = fieldOf(
        value,
        name,
        hasArguments ? this.#methodArguments(dot, value, words, piped) : undefined,
      );
    }
    return value;
  }

  /** Only objects with methods look at them; a map refuses them all. */
  #methodArguments(dot: Value, receiver: Value, words: readonly Operand[], piped: Piped): readonly Value[] {
    if (receiver === undefined || receiver === null || receiver instanceof GoMap) return [];
    const args = words.slice(1).map((word) => this.#argument(dot, 'any', word));
    return piped === NOTHING ? args : [...args, piped];
  }

  #function(dot: Value, node: Identifier, whole: Located, words: readonly Operand[], piped: Piped): Value {
    this.#at(node);
    const found = this.#run.program.functions.get(node.name);
    if (found === undefined) {
      throw new Failure(`${quote(node.name)} is not a defined function`, { code: 'undefined-function' });
    }
    return this.#run.nested(() => this.#call(dot, found, whole, words.slice(1), piped));
  }

  #call(dot: Value, target: GoFunction, whole: Located, words: readonly Operand[], piped: Piped): Value {
    const count = words.length + (piped === NOTHING ? 0 : 1);
    checkCount(target, count, words.length);
    if (target.name === 'and' || target.name === 'or') return this.#logic(dot, target.name, words, piped);
    const typeAt = (index: number): Param => target.params[index] ?? target.rest ?? 'any';
    const args = words.map((word, index) => this.#argument(dot, typeAt(index), word));
    if (piped !== NOTHING) args.push(validate(piped, typeAt(args.length)));
    const { budget } = this.#run.context;
    budget.spend(args.reduce<number>((sum, value) => sum + weightOf(value), 1));
    try {
      const value = target.call(args, this.#run.context);
      budget.spend(sizeOf(value));
      return value;
    } catch (error) {
      if (!(error instanceof Failure) || error.code === 'limit') throw error;
      this.#at(whole);
      throw new Failure(`error calling ${target.name}: ${error.message}`, error);
    }
  }

  /** `and` and `or` evaluate no more of their arguments than they need. */
  #logic(dot: Value, name: 'and' | 'or', words: readonly Operand[], piped: Piped): Value {
    let value: Value;
    for (const word of words) {
      value = this.#argument(dot, 'value', word);
      if (isTrue(value) === (name === 'or')) return value;
    }
    return piped === NOTHING ? value : piped;
  }

  /** `type` undefined: of any, and nil stays what it is. */
  #argument(dot: Value, type: Param | undefined, word: Operand): Value {
    this.#at(word);
    switch (word.type) {
      case 'dot':
        return validate(dot, type);
      case 'nil':
        if (type !== undefined && canBeNil(type)) return null;
        throw new Failure(`cannot assign nil to ${type === undefined ? 'a value' : paramName(type)}`, {
          code: 'execution',
        });
      case 'field':
        return validate(this.#field(dot, word, [], NOTHING), type);
      case 'variable':
        return validate(this.#variableNode(dot, word, [], NOTHING), type);
      case 'pipe':
        return validate(
          this.#run.nested(() => this.#pipeline(dot, word)),
          type,
        );
      case 'identifier':
        return validate(this.#function(dot, word, word, [], NOTHING), type);
      case 'chain':
        return validate(this.#chain(dot, word, [], NOTHING), type);
      default:
        return isAny(type) ? this.#constant(dot, word) : typedLiteral(type, word);
    }
  }
}

function undefinedVariable(name: ByteString): Failure {
  return new Failure(`undefined variable: ${name}`, { code: 'undefined-variable' });
}

/** What a function looks through is cheaper than what it makes. */
function weightOf(value: Value): number {
  return typeof value === 'string' ? 1 + value.length / 8 : 1;
}

function sizeOf(value: Value): number {
  if (typeof value === 'string') return value.length;
  if (value instanceof GoList) return value.items.length;
  return value instanceof GoMap ? value.entries.size : 0;
}
