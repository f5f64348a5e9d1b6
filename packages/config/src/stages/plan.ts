import type { ConfigFile } from '../file.ts';
import { type Reference, type StepNode, stepsOf } from './steps.ts';

/** The steps of a stage in the order in which they are done, and what is wrong with their `after`. */
export interface StagePlan {
  readonly steps: readonly StepNode[];
  readonly unknown: readonly { readonly step: StepNode; readonly reference: Reference }[];
  /** Steps that wait for each other, each for the one before it, the first for the last. */
  readonly cycle: readonly StepNode[] | undefined;
}

/**
 * Orders the steps of a stage: those of a file one after the other, files as they are given, and whoever has `after` behind what it
 * names. What nothing orders stays as it is written. A circle is broken where it closes, and told.
 */
export function planStage(files: readonly ConfigFile[], stage: string): StagePlan {
  const nodes = stepsOf(files, stage);
  const find = finder(nodes);
  const unknown: { step: StepNode; reference: Reference }[] = [];
  const before = new Map<StepNode, StepNode[]>();
  for (const [index, step] of nodes.entries()) {
    const named = step.after.flatMap((reference) => {
      const found = find(reference.name, step);
      if (found === undefined) unknown.push({ step, reference });
      return found ?? [];
    });
    const previous = nodes[index - 1];
    const chained = step.after.length === 0 && previous?.file === step.file ? [previous] : [];
    before.set(step, [...chained, ...named]);
  }
  return { ...sort(nodes, before), unknown };
}

/** By yip's full name; else by the step's own, in the same file first. */
function finder(nodes: readonly StepNode[]): (name: string, from: StepNode) => StepNode | undefined {
  const byId = new Map(nodes.map((node) => [node.id, node]));
  const byName = Map.groupBy(nodes, ({ name }) => name);
  return (name, from) => {
    const exact = byId.get(name);
    if (exact !== undefined) return exact;
    const named = byName.get(name) ?? [];
    const [here, ...others] = named.filter(({ file }) => file === from.file);
    if (here !== undefined) return others.length === 0 ? here : undefined;
    return named.length === 1 ? named[0] : undefined;
  };
}

/** Depth first, so that each step comes as late as it is written and as early as another asks for. Not by recursion: it may be long. */
function sort(
  nodes: readonly StepNode[],
  before: ReadonlyMap<StepNode, readonly StepNode[]>,
): Pick<StagePlan, 'steps' | 'cycle'> {
  const done = new Set<StepNode>();
  let cycle: StepNode[] | undefined;
  for (const start of nodes) {
    const trail: { readonly node: StepNode; next: number }[] = [];
    if (!done.has(start)) trail.push({ node: start, next: 0 });
    for (let top = trail.at(-1); top !== undefined; top = trail.at(-1)) {
      const wanted = before.get(top.node)?.[top.next++];
      if (wanted === undefined) {
        done.add(top.node);
        trail.pop();
        continue;
      }
      if (done.has(wanted)) continue;
      const closes = trail.findIndex(({ node }) => node === wanted);
      if (closes < 0) trail.push({ node: wanted, next: 0 });
      else cycle ??= trail.slice(closes).map(({ node }) => node);
    }
  }
  return { steps: [...done], cycle };
}
