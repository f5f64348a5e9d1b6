import type { Diagnostic } from '../diagnostic.ts';
import type { ConfigFile } from '../file.ts';
import { nearest } from '../validate/suggest.ts';
import { planStage } from './plan.ts';
import { type StepNode, stagesIn, stepsOf } from './steps.ts';

/** What is wrong with `after` in all stages: names of no step, and circles. */
export function orderFaults(files: readonly ConfigFile[]): Diagnostic[] {
  return stagesIn(files).flatMap((stage) => {
    const nodes = stepsOf(files, stage);
    if (nodes.every(({ after }) => after.length === 0)) return [];
    const { unknown, cycle } = planStage(files, stage);
    const faults = unknown.map(({ step, reference: { name, at, path } }): Diagnostic => {
      const others = nodes.filter((node) => node !== step);
      const near = nearest(
        name,
        others.flatMap((node) => (node.name === '' ? [node.id] : [node.name, node.id])),
      );
      const same = nodes.filter((node) => node.name === name);
      const message =
        same.length > 1
          ? `there are ${same.length} steps ${JSON.stringify(name)} in the stage ${stage}`
          : `there is no step ${JSON.stringify(name)} in the stage ${stage} of these files`;
      const hint =
        same.length > 1
          ? `Write one of ${same.map(({ id }) => id).join(', ')}.`
          : near === undefined
            ? 'Write FILE.STEP, with the path of the file or its name, and the name of the step or its number.'
            : `Did you mean ${near}?`;
      // The step may be in a file that is not here.
      return {
        severity: same.length > 1 || near !== undefined ? 'error' : 'warning',
        code: 'order',
        place: at,
        path,
        message,
        hint,
        bearable: true,
      };
    });
    return cycle === undefined ? faults : [...faults, cycleFault(cycle)];
  });
}

function cycleFault(cycle: readonly StepNode[]): Diagnostic {
  const steps = cycle.map(({ id, name }) => (name === '' ? id : name));
  const reference = cycle.flatMap(({ after }) => after)[0];
  const [first] = cycle;
  const place = reference?.at ?? first?.tree.at ?? { source: { file: '', text: '' }, offset: 0 };
  const chain = steps.map((step) => JSON.stringify(step)).join(' after ');
  return {
    severity: 'error',
    code: 'order',
    place,
    path: reference?.path ?? first?.path ?? '',
    message: `these steps wait for each other: ${chain} after ${JSON.stringify(steps[0])}`,
    hint: 'Take one of the after: away.',
    bearable: true,
  };
}
