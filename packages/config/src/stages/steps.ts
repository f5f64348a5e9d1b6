import type { ConfigFile } from '../file.ts';
import type { Place } from '../place.ts';
import { childPath, type MapTree, type Tree } from '../tree.ts';

/** A step of a stage by itself, as it is ordered among those of all files. */
export interface StepNode {
  /** `FILE.STEP`, as `after` names it. */
  readonly id: string;
  /** What the step is called in its file; empty where it has no name. */
  readonly name: string;
  readonly file: ConfigFile;
  readonly tree: MapTree;
  readonly path: string;
  readonly after: readonly Reference[];
}

export interface Reference {
  readonly name: string;
  readonly at: Place;
  readonly path: string;
}

/** The steps of a stage, file by file. Names are yip's: the file’s own name or path, then the step’s name or number. */
export function stepsOf(files: readonly ConfigFile[], stage: string): StepNode[] {
  const taken = new Map<string, number>();
  return files.flatMap((file) => {
    const list = stageOf(file, stage);
    if (list === undefined) return [];
    const names = list.map((step) => textOf(step, 'name'));
    const ambiguous = new Set(names).size < names.length;
    const root = file.tree === undefined ? '' : textOf(file.tree, 'name');
    return list.flatMap((step, index): StepNode[] => {
      if (step.kind !== 'map') return [];
      const own = names[index] ?? '';
      const name = ambiguous ? `${own}.${index}` : own === '' ? `${index}` : own;
      const base = `${root === '' ? file.source.file : root}.${name}`;
      const count = taken.get(base) ?? 0;
      taken.set(base, count + 1);
      const path = childPath(childPath('stages', stage), index);
      const id = count === 0 ? base : `${base}.${count}`;
      return [{ id, name: own, file, tree: step, path, after: referencesOf(step, path) }];
    });
  });
}

/** The stages that any file has. */
export function stagesIn(files: readonly ConfigFile[]): string[] {
  const names = files.flatMap(({ tree }) => {
    const stages = tree?.entries.get('stages')?.value;
    return stages?.kind === 'map' ? [...stages.entries.keys()] : [];
  });
  return [...new Set(names)];
}

function stageOf({ tree }: ConfigFile, stage: string): readonly Tree[] | undefined {
  const stages = tree?.entries.get('stages')?.value;
  const list = stages?.kind === 'map' ? stages.entries.get(stage)?.value : undefined;
  return list?.kind === 'list' ? list.items : undefined;
}

function referencesOf(step: MapTree, path: string): Reference[] {
  const after = step.entries.get('after')?.value;
  if (after?.kind === 'scalar' && after.text !== '') {
    return [{ name: after.text, at: after.at, path: `${path}.after` }];
  }
  if (after?.kind !== 'list') return [];
  return after.items.flatMap((item, index) => {
    const name = item.kind === 'map' ? item.entries.get('name')?.value : undefined;
    if (name?.kind !== 'scalar' || name.text === '') return [];
    return [{ name: name.text, at: name.at, path: `${path}.after[${index}].name` }];
  });
}

function textOf(tree: Tree, key: string): string {
  const value = tree.kind === 'map' ? tree.entries.get(key)?.value : undefined;
  return value?.kind === 'scalar' && value.value !== null ? value.text : '';
}
