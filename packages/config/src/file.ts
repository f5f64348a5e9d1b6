import type { Diagnostic } from './diagnostic.ts';
import { checkHeader } from './header.ts';
import { dialectOf } from './ignition/dialect.ts';
import { translateIgnition } from './ignition/translate.ts';
import type { Source } from './place.ts';
import type { Config } from './schema/config.ts';
import type { Shape } from './shape.ts';
import type { MapTree } from './tree.ts';
import type { CheckTemplate, Context } from './validate/context.ts';
import { readShape } from './validate/walk.ts';
import type { Limits } from './yaml/limits.ts';
import { readYaml } from './yaml/read.ts';

/** One source of configuration, as it was understood. */
export interface ConfigFile {
  readonly source: Source;
  /** Undefined where it could not be read at all. */
  readonly tree: MapTree | undefined;
  /** What is in it and could be taken. */
  readonly config: Config;
  readonly diagnostics: readonly Diagnostic[];
}

export interface ReadOptions {
  /** Looks at Go templates; without it they are not looked at. */
  readonly checkTemplate?: CheckTemplate | undefined;
  readonly limits?: Limits;
  /** Whether the source needs a header: what was named by hand, or came over the command line, does not. */
  readonly header?: boolean;
}

/** One mistake may be made a thousand times by an alias: who mends the first hundreds will run it again. */
const MOST_TOLD = 500;

function collector(diagnostics: Diagnostic[]): (diagnostic: Diagnostic) => void {
  return (diagnostic) => {
    if (diagnostics.length < MOST_TOLD) diagnostics.push(diagnostic);
    if (diagnostics.length !== MOST_TOLD) return;
    const { place } = diagnostic;
    const message = `there is more wrong than these ${MOST_TOLD}, and the rest is not told`;
    diagnostics.push({ severity: 'error', code: 'limit', place, path: '', message, bearable: true });
  };
}

/** Keys that Kairos reads of a file without a header too. */
const BARE = new Set(['name', 'stages']);

/**
 * Reads a configuration and looks at all of it.
 *
 * @param shape of the schema, from `configShape`
 */
export function readConfig(source: Source, shape: Shape, options: ReadOptions = {}): ConfigFile {
  const diagnostics: Diagnostic[] = [];
  const report = collector(diagnostics);
  const common = { source, diagnostics, config: {} };
  const text = source.text.startsWith('\ufeff') ? { ...source, text: source.text.slice(1) } : source;
  const tree = readYaml(text, report, options.limits);
  if (tree === undefined) {
    if (diagnostics.length === 0) {
      if (options.header !== false) checkHeader(text, true, report);
      const message = 'there is nothing in it';
      report({
        severity: 'warning',
        code: 'empty',
        place: { source: text, offset: 0 },
        path: '',
        message,
        bearable: true,
      });
    }
    return { ...common, tree: undefined };
  }
  if (tree.kind !== 'map') {
    if (tree.kind === 'scalar' && tree.value === null)
      return readConfig({ ...text, text: '' }, shape, options);
    report({
      severity: 'error',
      code: 'wrong-type',
      place: tree.at,
      path: '',
      message: `this is a ${tree.kind === 'list' ? 'list' : 'text'}, and a configuration is a map of keys and values`,
      hint: 'Write keys at the beginning of lines, such as users: and stages:.',
      bearable: false,
    });
    return { ...common, tree: undefined };
  }
  const dialect = dialectOf(tree);
  if (dialect === undefined && options.header !== false) {
    checkHeader(
      text,
      tree.entries.size > 0 && [...tree.entries.keys()].every((key) => BARE.has(key)),
      report,
    );
  }
  const context: Context = {
    report,
    checkTemplate: options.checkTemplate,
    weaklyTyped: false,
  };
  const ours = dialect === undefined ? tree : translateIgnition(tree, dialect, report);
  return { ...common, tree: ours, config: readShape(ours, shape, '', context) as Config };
}

/** The same for what is a tree already: a kernel's command line, whose values are all texts. */
export function readTree(
  tree: MapTree,
  source: Source,
  shape: Shape,
  options: Pick<ReadOptions, 'checkTemplate'> = {},
): ConfigFile {
  const diagnostics: Diagnostic[] = [];
  const context: Context = {
    report: collector(diagnostics),
    checkTemplate: options.checkTemplate,
    weaklyTyped: true,
  };
  return { source, tree, diagnostics, config: readShape(tree, shape, '', context) as Config };
}
