import { malformed } from './error.ts';
import { type Line, linesOf } from './lines.ts';
import type { InstalledPackage, SourcePackage } from './types.ts';

const WANTED: ReadonlySet<string> = new Set([
  'package',
  'status',
  'version',
  'architecture',
  'source',
  'maintainer',
]);

/** Package states of dpkg(1) in which none of the package's programs are there. */
const ABSENT: ReadonlySet<string> = new Set(['not-installed', 'config-files']);

interface Paragraph {
  /** The line it starts on. */
  readonly line: number;
  /** The wanted fields, by name in lower case. */
  readonly fields: ReadonlyMap<string, string>;
}

/**
 * The packages in a dpkg database: `/var/lib/dpkg/status`, or one file of `status.d`, where a paragraph has no
 * `Status` and the package counts as installed. Packages of which only configuration is left are not listed.
 *
 * Source: deb822(5) for the syntax, dpkg-query(1) for the fields.
 *
 * @throws SbomError `malformed-database`
 */
export function parseDpkgStatus(bytes: Uint8Array): InstalledPackage[] {
  const packages: InstalledPackage[] = [];
  for (const paragraph of paragraphsOf(bytes)) {
    const state = paragraph.fields.get('status')?.split(/\s+/).at(-1);
    if (state === undefined || !ABSENT.has(state)) packages.push(packageOf(paragraph));
  }
  return packages;
}

function* paragraphsOf(bytes: Uint8Array): Generator<Paragraph> {
  let fields = new Map<string, string>();
  let start: number | undefined;
  for (const line of linesOf(bytes)) {
    if (/^\s*$/.test(line.text)) {
      if (start !== undefined) yield { line: start, fields };
      start = undefined;
      fields = new Map();
      continue;
    }
    start ??= line.number;
    addField(fields, line, start);
  }
  if (start !== undefined) yield { line: start, fields };
}

function addField(fields: Map<string, string>, line: Line, start: number): void {
  if (/^[ \t]/.test(line.text)) {
    // Only the fields that nothing here needs go over several lines.
    if (line.number === start) throw malformed(`line ${line.number} continues a field, and there is none`);
    return;
  }
  const colon = line.text.indexOf(':');
  if (colon < 1) throw malformed(`line ${line.number} is not of the form "Field: value"`);
  const name = line.text.slice(0, colon).toLowerCase();
  if (!WANTED.has(name)) return;
  if (fields.has(name)) throw malformed(`line ${line.number} gives "${name}" a second time`);
  fields.set(name, line.text.slice(colon + 1).trim());
}

function packageOf({ line, fields }: Paragraph): InstalledPackage {
  const name = fields.get('package');
  if (!name) throw malformed(`the paragraph at line ${line} names no package`);
  const version = fields.get('version');
  if (!version) throw malformed(`${name} (line ${line}) has no version`);
  const supplier = fields.get('maintainer');
  return {
    format: 'deb',
    name,
    version,
    architecture: fields.get('architecture') || 'all',
    source: sourceOf(fields.get('source'), { name, version }),
    ...(supplier ? { supplier } : {}),
  };
}

/** `Source: name` or `Source: name (version)`: what is left out is the same as the package's own. */
function sourceOf(text: string | undefined, own: SourcePackage): SourcePackage {
  const match = /^(\S+)(?:\s+\((\S+)\))?$/.exec(text ?? '');
  return { name: match?.[1] ?? own.name, version: match?.[2] ?? own.version };
}
