import type { ByteString } from '@cairn/bytes';

/** `offset`: where Go says that the node is, in bytes. */
interface At {
  readonly offset: number;
}

export interface Dot extends At {
  readonly type: 'dot';
}
export interface Nil extends At {
  readonly type: 'nil';
}
export interface Bool extends At {
  readonly type: 'bool';
  readonly value: boolean;
}
export interface NumberNode extends At {
  readonly type: 'number';
  readonly text: ByteString;
  /** What the literal can be; at least one of them. */
  readonly int: bigint | undefined;
  readonly float: number | undefined;
  /** Whether it is a float where any type will do. */
  readonly isFloat: boolean;
}
export interface StringNode extends At {
  readonly type: 'string';
  readonly quoted: ByteString;
  readonly text: ByteString;
}
export interface Field extends At {
  readonly type: 'field';
  readonly names: readonly ByteString[];
}
export interface Variable extends At {
  readonly type: 'variable';
  /** The variable's, with its `$`, and those of fields. */
  readonly names: readonly ByteString[];
}
export interface Chain extends At {
  readonly type: 'chain';
  readonly node: Operand;
  readonly names: readonly ByteString[];
}
export interface Identifier extends At {
  readonly type: 'identifier';
  readonly name: ByteString;
}
export interface Pipe extends At {
  readonly type: 'pipe';
  readonly isAssign: boolean;
  readonly declared: readonly Variable[];
  readonly commands: readonly Command[];
}
export interface Command extends At {
  readonly type: 'command';
  readonly words: readonly [Operand, ...Operand[]];
}
export type Operand =
  | Dot
  | Nil
  | Bool
  | NumberNode
  | StringNode
  | Field
  | Variable
  | Chain
  | Identifier
  | Pipe;

export interface Text extends At {
  readonly type: 'text';
  readonly text: ByteString;
}
export interface Action extends At {
  readonly type: 'action';
  readonly pipe: Pipe;
}
export interface Branch extends At {
  readonly type: 'if' | 'with' | 'range';
  readonly pipe: Pipe;
  readonly list: List;
  readonly otherwise: List | undefined;
}
export interface Call extends At {
  readonly type: 'template';
  readonly name: ByteString;
  readonly pipe: Pipe | undefined;
}
export interface Jump extends At {
  readonly type: 'break' | 'continue';
}
export interface List extends At {
  readonly type: 'list';
  readonly nodes: readonly Statement[];
}
export type Statement = Text | Action | Branch | Call | Jump;

export type Located = Statement | List | Operand | Command;

/** An operand as Go prints it in messages. */
export function operandText(node: Operand | Command): ByteString {
  switch (node.type) {
    case 'dot':
      return '.';
    case 'nil':
      return 'nil';
    case 'bool':
      return String(node.value);
    case 'number':
      return node.text;
    case 'string':
      return node.quoted;
    case 'field':
      return node.names.map((name) => `.${name}`).join('');
    case 'variable':
      return node.names.join('.');
    case 'identifier':
      return node.name;
    case 'chain': {
      const base = operandText(node.node);
      return (node.node.type === 'pipe' ? `(${base})` : base) + node.names.map((name) => `.${name}`).join('');
    }
    case 'command':
      return node.words
        .map((word) => (word.type === 'pipe' ? `(${operandText(word)})` : operandText(word)))
        .join(' ');
    default: {
      const declared = node.declared.map(operandText).join(', ');
      const sign = node.isAssign ? ' = ' : ' := ';
      return (declared === '' ? '' : declared + sign) + node.commands.map(operandText).join(' | ');
    }
  }
}
