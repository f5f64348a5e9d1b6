import type { Diagnostic } from '../diagnostic.ts';
import type { ConfigFile } from '../file.ts';
import type { Config } from '../schema/config.ts';
import type { Shape } from '../shape.ts';
import { orderFaults } from '../stages/faults.ts';
import type { MapTree } from '../tree.ts';
import { readShape } from '../validate/walk.ts';
import { mergeTrees } from './merge.ts';

/** Several sources as one configuration. */
export interface Combined {
  /** With the place of everything. */
  readonly tree: MapTree | undefined;
  readonly config: Config;
  /** Of all sources, and of them together. */
  readonly diagnostics: readonly Diagnostic[];
}

/**
 * Merges sources, the later over the earlier.
 *
 * The stages' steps are in the result as a list; to run them keep the files apart, as their order is one of files (`planStage`).
 */
export function combine(files: readonly ConfigFile[], shape: Shape): Combined {
  const diagnostics = files.flatMap((file) => file.diagnostics);
  const report = (diagnostic: Diagnostic) => void diagnostics.push(diagnostic);
  const tree = mergeTrees(
    files.flatMap((file) => file.tree ?? []),
    report,
  );
  diagnostics.push(...orderFaults(files));
  if (tree === undefined) return { tree, config: {}, diagnostics };
  // What is wrong with a value was told when its file was read.
  const context = { report: () => {}, checkTemplate: undefined, weaklyTyped: true };
  return { tree, config: readShape(tree, shape, '', context) as Config, diagnostics };
}

/** The further configuration that one names, for the caller to fetch: it is merged over that one, and may name another. */
export function configUrlOf({ config }: Pick<ConfigFile, 'config'>): string | undefined {
  return config.config_url === '' ? undefined : config.config_url;
}
