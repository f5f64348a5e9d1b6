/** Longer lines are cut: what goes wrong is said at the beginning, and the state is no place for dumps. */
const LINE_LIMIT = 400;
const HIDDEN = '***';
const SECRET = String.raw`(?:passw(?:or)?d|passphrase|token|secret|credential|key)`;
const VALUE = String.raw`(?:"(?:[^"\\]|\\.)*"?|'[^']*'?|[^\s,;&'"]+)`;

const RULES: readonly [RegExp, string][] = [
  // password=x, "apiKey": "x", DB_TOKEN = x
  [new RegExp(String.raw`(${SECRET}\w{0,20}["']?\s{0,5}[=:]\s{0,5})${VALUE}`, 'gi'), `$1${HIDDEN}`],
  // --password x
  [new RegExp(String.raw`(--?[\w-]{0,40}${SECRET}[\w-]{0,20}\s{1,5})${VALUE}`, 'gi'), `$1${HIDDEN}`],
  // password is x
  [new RegExp(String.raw`(${SECRET}\s{1,5}is\s{1,5})${VALUE}`, 'gi'), `$1${HIDDEN}`],
  // Authorization: Bearer x
  [/((?:bearer|basic)\s{1,5})[\w.~+/=-]{6,}/gi, `$1${HIDDEN}`],
  // https://user:x@host
  [/(:\/\/[^\s/:@]{0,100}:)[^\s/@]{1,200}@/g, `$1${HIDDEN}@`],
];

/** A line without what may be secret in it, and not too long. */
export function redact(line: string): string {
  // oxlint-disable-next-line no-control-regex -- a log's escape sequences must not reach a terminal
  let clean = line.slice(0, LINE_LIMIT).replaceAll(/\x1b\[[\d;]*[A-Za-z]|[\x00-\x08\x0b-\x1f\x7f]/g, '');
  for (const [pattern, replacement] of RULES) clean = clean.replaceAll(pattern, replacement);
  return clean;
}
