import { Failure } from '../error.ts';
import type { RuneSet } from './class.ts';
import type { Assertion, RegexNode } from './parse.ts';

export type Instruction =
  | { readonly op: 'match' }
  | { readonly op: 'set'; readonly set: RuneSet; readonly weight: number; next: number }
  | { readonly op: 'assert'; readonly assertion: Assertion; next: number }
  /** Two ways, the first preferred. */
  | { readonly op: 'split'; next: number; other: number }
  | { readonly op: 'save'; readonly slot: number; next: number };

/** Go allows about as much: a repetition in a repetition may not become larger. */
const MAX_INSTRUCTIONS = 5_000;

/** Thompson's construction: each node is compiled with the instruction that follows it known. */
export function compile(node: RegexNode): {
  readonly program: readonly Instruction[];
  readonly start: number;
} {
  const program: Instruction[] = [{ op: 'match' }];
  const add = (instruction: Instruction): number => {
    if (program.length >= MAX_INSTRUCTIONS) {
      throw new Failure('error parsing regexp: expression too large', {
        hint: 'a repetition in a repetition grows quickly: use smaller counts',
      });
    }
    return program.push(instruction) - 1;
  };
  const emit = (node: RegexNode, next: number): number => {
    switch (node.type) {
      case 'empty':
        return next;
      case 'set':
        return add({ op: 'set', set: node.set, weight: node.weight, next });
      case 'assert':
        return add({ op: 'assert', assertion: node.assertion, next });
      case 'group': {
        const end = add({ op: 'save', slot: node.index * 2 + 1, next });
        return add({ op: 'save', slot: node.index * 2, next: emit(node.node, end) });
      }
      case 'sequence':
        return node.nodes.reduceRight((following, part) => emit(part, following), next);
      case 'alternatives':
        return node.nodes
          .map((alternative) => emit(alternative, next))
          .reduceRight((other, first) => add({ op: 'split', next: first, other }));
      default:
        return emitRepeat(node, next);
    }
  };
  const split = (greedy: boolean, inside: number, after: number): number =>
    add({ op: 'split', next: greedy ? inside : after, other: greedy ? after : inside });
  const emitRepeat = (node: RegexNode & { readonly type: 'repeat' }, next: number): number => {
    const { least, most, greedy } = node;
    let start = next;
    if (most === Number.POSITIVE_INFINITY) {
      const loop = split(greedy, next, next);
      const body = emit(node.node, loop);
      const instruction = program[loop];
      if (instruction?.op === 'split') {
        if (greedy) instruction.next = body;
        else instruction.other = body;
      }
      // With at least one, the body comes before the choice.
      start = least > 0 ? body : loop;
      for (let count = 1; count < least; count++) start = emit(node.node, start);
      return start;
    }
    for (let count = least; count < most; count++) start = split(greedy, emit(node.node, start), next);
    for (let count = 0; count < least; count++) start = emit(node.node, start);
    return start;
  };
  const start = emit({ type: 'group', index: 0, node }, 0);
  return { program, start };
}
