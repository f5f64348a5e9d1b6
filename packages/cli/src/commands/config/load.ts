import { join } from 'node:path';
import {
  type Combined,
  type ConfigFile,
  checkSize,
  combine,
  compareWalk,
  configShape,
  type Diagnostic,
  decodeSource,
  isConfigName,
  LIMITS,
  MERGED_FOLDERS,
  parseCommandLine,
  readConfig,
  readTree,
  type Shape,
} from '@cairn/config';
import type { Files, Host } from '@cairn/host';
import { checkTemplate } from '@cairn/template';
import type { Command } from 'commander';
import { CliError } from '../../errors/error.ts';

/** What the commands of `cairn config` work on. */
export interface Loaded extends Combined {
  /** In the order in which they were merged. */
  readonly files: readonly ConfigFile[];
}

export interface SourceOptions {
  readonly cmdline?: string;
}

const COMMAND_LINE = '/proc/cmdline';
/** A folder within itself, by links, would not end. */
const MOST_FOLDERS = 16;

/** Adds what all commands have that read configurations. */
export function withSources(command: Command): Command {
  return command
    .argument('[file...]', 'files, and folders with files, the later over the earlier; else this node’s own')
    .option(
      '--cmdline <text>',
      'a kernel’s command line, over all of them; else this node’s, where no file is named',
    );
}

/** Reads what was named, or else what a node has, and merges it. */
export async function loadConfigs(
  host: Host,
  paths: readonly string[],
  options: SourceOptions,
): Promise<Loaded> {
  const shape = configShape();
  const files: ConfigFile[] = [];
  const named = paths.length > 0;
  for (const path of named ? paths : MERGED_FOLDERS) {
    for (const file of await findFiles(host.files, path, named))
      files.push(await loadFile(host.files, file, shape));
  }
  const line = options.cmdline ?? (named ? undefined : await host.files.readText(COMMAND_LINE));
  if (line !== undefined)
    files.push(...fromCommandLine(line.trimEnd(), options.cmdline === undefined, shape));
  if (files.length === 0) {
    throw new CliError('not-found', 'there is no configuration', {
      hint: named ? 'Name files that end with .yaml or .yml.' : 'Name a file: `cairn config validate FILE`.',
    });
  }
  return { files, ...combine(files, shape) };
}

/** A file by whatever name; of a folder the files that a node would read. */
async function findFiles(files: Files, path: string, named: boolean, depth = 0): Promise<string[]> {
  const stat = await files.stat(path);
  if (stat === undefined) {
    if (named) throw new CliError('not-found', `there is no ${path}`);
    return [];
  }
  if (stat.kind !== 'directory') return [path];
  if (depth === MOST_FOLDERS) return [];
  const found: string[] = [];
  for (const name of await files.list(path)) {
    const inner = join(path, name);
    const kind = (await files.stat(inner))?.kind;
    if (kind === 'directory') found.push(...(await findFiles(files, inner, named, depth + 1)));
    else if (kind === 'file' && isConfigName(name)) found.push(inner);
  }
  return found.sort(compareWalk);
}

async function loadFile(files: Files, path: string, shape: Shape): Promise<ConfigFile> {
  const diagnostics: Diagnostic[] = [];
  const report = (diagnostic: Diagnostic) => void diagnostics.push(diagnostic);
  const stat = await files.stat(path);
  const fits = stat?.kind !== 'file' || checkSize(path, stat.size, report);
  const bytes = fits ? await files.read(path, LIMITS.bytes) : undefined;
  if (fits && bytes === undefined) throw new CliError('not-found', `there is no ${path}`);
  const source = bytes && decodeSource(path, bytes, report);
  if (source === undefined)
    return { source: { file: path, text: '' }, tree: undefined, config: {}, diagnostics };
  return readConfig(source, shape, { checkTemplate });
}

function fromCommandLine(text: string, own: boolean, shape: Shape): ConfigFile[] {
  const source = { file: own ? COMMAND_LINE : '--cmdline', text };
  const diagnostics: Diagnostic[] = [];
  const tree = parseCommandLine(source, shape, (diagnostic) => diagnostics.push(diagnostic));
  if (tree === undefined) return diagnostics.length === 0 ? [] : [{ source, tree, config: {}, diagnostics }];
  const file = readTree(tree, source, shape, { checkTemplate });
  return [{ ...file, diagnostics: [...diagnostics, ...file.diagnostics] }];
}
