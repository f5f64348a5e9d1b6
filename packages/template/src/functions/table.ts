import { Failure } from '../error.ts';
import { nearest } from '../text/suggest.ts';
import { BUILTIN } from './builtin.ts';
import { DATES } from './dates.ts';
import { DEFAULTS } from './defaults.ts';
import { DICTS } from './dicts.ts';
import { ENCODING } from './encoding.ts';
import type { FunctionTable, GoFunction } from './function.ts';
import { LISTS } from './lists.ts';
import { MATH } from './math.ts';
import { PATHS } from './paths.ts';
import { RANDOM } from './random.ts';
import { REGEXES } from './regexes.ts';
import { SEMVER } from './semver.ts';
import { TEXT } from './text.ts';

/** All functions by group, in the README's order. A later one replaces an earlier one of its name, as sprig's `slice`. */
export const GROUPS: readonly (readonly [string, readonly GoFunction[]])[] = [
  ['text/template', BUILTIN],
  ['Strings', TEXT],
  ['Lists', LISTS],
  ['Maps', DICTS],
  ['Defaults, types, flow', DEFAULTS],
  ['Numbers', MATH],
  ['Encodings and hashes', ENCODING],
  ['Regular expressions', REGEXES],
  ['Versions', SEMVER],
  ['Paths and URLs', PATHS],
  ['Dates', DATES],
  ['Random', RANDOM],
];

function tableOf(functions: readonly GoFunction[]): FunctionTable {
  return new Map(functions.map((definition) => [definition.name, definition] as const));
}

/** Of text/template alone. */
export const GO_FUNCTIONS: FunctionTable = tableOf(BUILTIN);

/** With sprig, and `required`. */
export const ALL_FUNCTIONS: FunctionTable = tableOf(GROUPS.flatMap(([, functions]) => functions));

const SECRETS = 'make keys and password hashes before, outside of the configuration';

/** What sprig has and is left out here, and why. */
export const LEFT_OUT: ReadonlyMap<string, string> = new Map([
  ['getHostByName', 'a template does not reach the network'],
  ...[
    'bcrypt',
    'htpasswd',
    'derivePassword',
    'genPrivateKey',
    'genCA',
    'genCAWithKey',
    'genSelfSignedCert',
    'genSelfSignedCertWithKey',
    'genSignedCert',
    'genSignedCertWithKey',
    'buildCustomCert',
    'encryptAES',
    'decryptAES',
  ].map((name) => [name, SECRETS] as const),
]);

/** Why a name cannot be called; undefined if it can. */
export function functionFailure(name: string, table: FunctionTable): Failure | undefined {
  if (table.has(name)) return undefined;
  const reason = LEFT_OUT.get(name);
  if (reason !== undefined && table === ALL_FUNCTIONS) {
    return new Failure(`function "${name}" is not available`, { code: 'unavailable', hint: reason });
  }
  const near = nearest(name, table.keys());
  return new Failure(`function "${name}" not defined`, {
    code: 'undefined-function',
    hint: near === undefined ? fallbackHint(name) : `did you mean ${near}?`,
  });
}

function fallbackHint(name: string): string {
  return `a field begins with a dot, .${name}; a text is quoted, "${name}"`;
}
