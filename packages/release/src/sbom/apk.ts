import { malformed } from './error.ts';
import { linesOf } from './lines.ts';
import type { InstalledPackage } from './types.ts';

/** The wanted fields; the letters are case-sensitive. */
const WANTED: ReadonlySet<string> = new Set(['P', 'V', 'A', 'L', 'm', 'o']);

/**
 * The packages in an apk database, `/lib/apk/db/installed`.
 *
 * Source: the Alpine wiki's "Apk spec", section "Installed Database V2".
 *
 * @throws SbomError `malformed-database`
 */
export function parseApkInstalled(bytes: Uint8Array): InstalledPackage[] {
  const packages: InstalledPackage[] = [];
  let fields = new Map<string, string>();
  let start: number | undefined;
  for (const { number, text } of linesOf(bytes)) {
    if (text === '') {
      if (start !== undefined) packages.push(packageOf(fields, start));
      start = undefined;
      fields = new Map();
      continue;
    }
    start ??= number;
    if (text[1] !== ':') throw malformed(`line ${number} is not of the form "X:value"`);
    const name = text.charAt(0);
    if (!WANTED.has(name)) continue;
    if (fields.has(name)) throw malformed(`line ${number} gives "${name}" a second time`);
    fields.set(name, text.slice(2).trim());
  }
  if (start !== undefined) packages.push(packageOf(fields, start));
  return packages;
}

function packageOf(fields: ReadonlyMap<string, string>, line: number): InstalledPackage {
  const name = fields.get('P');
  if (!name) throw malformed(`the entry at line ${line} names no package`);
  const version = fields.get('V');
  if (!version) throw malformed(`${name} (line ${line}) has no version`);
  const supplier = fields.get('m');
  const license = fields.get('L');
  return {
    format: 'apk',
    name,
    version,
    architecture: fields.get('A') || 'noarch',
    // All packages of one origin are built together and have one version.
    source: { name: fields.get('o') || name, version },
    ...(supplier ? { supplier } : {}),
    ...(license ? { license } : {}),
  };
}
