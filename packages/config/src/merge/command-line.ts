import type { Report } from '../diagnostic.ts';
import type { Place, Source } from '../place.ts';
import type { Shape } from '../shape.ts';
import type { Entry, ListTree, MapTree, Tree } from '../tree.ts';
import { resolvePlain } from '../yaml/scalar.ts';
import { splitWords, type Word } from './words.ts';

/** More items in a list than a command line can name is a mistake, and would take memory. */
const MOST_ITEMS = 256;
/** As deep as files may be. */
const MOST_STEPS = 64;

/**
 * The configuration on a kernel's command line:
 *
 * - `kairos.config=KEY=VALUE` (with `KEY` as `install.auto` or `users.0.name`), and `kairos.config=KEY` for true
 * - `kairos.config_url=URL`
 * - `cos.setup=`, the older name of both
 * - any other `KEY=VALUE` whose key begins with one of a configuration: `stages.boot[0].commands[0]=…`, `config_url=…`
 *
 * What Kairos's own words say counts more. All values are texts.
 *
 * @returns undefined where there is none
 */
export function parseCommandLine(source: Source, shape: Shape, report: Report): MapTree | undefined {
  const root: Branch = { children: new Map(), at: { source, offset: 0 } };
  const words = splitWords(source.text);
  for (const word of words) if (!isOwn(word)) takeGeneric(root, word, shape, source, report);
  for (const word of words) if (isOwn(word)) takeOwn(root, word, source, report);
  return root.children.size === 0 ? undefined : (freeze(root) as MapTree);
}

const OWN = ['kairos.config_url=', 'kairos.config=', 'cos.setup='] as const;

function isOwn({ text }: Word): boolean {
  return OWN.some((prefix) => text.startsWith(prefix));
}

function takeOwn(root: Branch, { text, offset }: Word, source: Source, report: Report): void {
  const prefix = OWN.find((each) => text.startsWith(each)) ?? '';
  const rest = text.slice(prefix.length);
  if (rest === '') return;
  const at = { source, offset };
  const isUrl = prefix === 'kairos.config_url=' || (prefix === 'cos.setup=' && !rest.includes('='));
  if (isUrl) {
    put(root, ['config_url'], rest, at, report);
    return;
  }
  const equals = rest.indexOf('=');
  const key = equals < 0 ? rest : rest.slice(0, equals);
  put(root, stepsOf(key), equals < 0 ? 'true' : rest.slice(equals + 1), at, report);
}

/** Of the words that are not Kairos's own only those count whose first key a configuration has: the others are the kernel's. */
function takeGeneric(
  root: Branch,
  { text, offset }: Word,
  shape: Shape,
  source: Source,
  report: Report,
): void {
  if (shape.kind !== 'object') return;
  const equals = text.indexOf('=');
  const key = equals < 0 ? text : text.slice(0, equals);
  const steps = stepsOf(key);
  const [first] = steps;
  const field = typeof first === 'string' ? shape.fields.get(first) : undefined;
  if (field === undefined) return;
  // `debug` and the like are words of the kernel's too.
  if (steps.length === 1 && (equals < 0 || field.kind !== 'scalar')) return;
  put(root, steps, equals < 0 ? 'true' : text.slice(equals + 1), { source, offset }, report);
}

/** `stages.boot[0].files.1.path` */
function stepsOf(key: string): (string | number)[] {
  return key
    .replaceAll(/\[(\d+)\]/g, '.$1')
    .split('.')
    .map((step) => (/^\d{1,6}$/.test(step) ? Number(step) : step));
}

interface Branch {
  readonly children: Map<string | number, Branch | Leaf>;
  readonly at: Place;
}

interface Leaf {
  readonly text: string;
  readonly at: Place;
}

function put(
  root: Branch,
  steps: readonly (string | number)[],
  text: string,
  at: Place,
  report: Report,
): void {
  const path = steps.join('.');
  const wrong = steps.some((step) => (typeof step === 'number' ? step >= MOST_ITEMS : step === ''));
  if (wrong || steps.length > MOST_STEPS) {
    const message = `${JSON.stringify(path.slice(0, 60))} is not the path of a setting`;
    const hint = 'Write keys with points between them, such as users.0.name.';
    report({ severity: 'error', code: 'bad-value', place: at, path: '', message, hint, bearable: true });
    return;
  }
  let branch = root;
  for (const step of steps.slice(0, -1)) {
    const found = branch.children.get(step);
    const next =
      found !== undefined && 'children' in found
        ? found
        : { children: new Map<string | number, Branch | Leaf>(), at };
    branch.children.set(step, next);
    branch = next;
  }
  branch.children.set(steps.at(-1) ?? '', { text, at });
}

function freeze(node: Branch | Leaf): Tree {
  const { at } = node;
  if ('text' in node) {
    const { text } = node;
    return { kind: 'scalar', value: text === '' ? '' : resolvePlain(text), text, plain: true, at };
  }
  const keys = [...node.children.keys()];
  if (keys.every((key) => typeof key === 'number')) return listOf(node);
  const entries = new Map<string, Entry>();
  for (const [key, child] of node.children) entries.set(String(key), { at: child.at, value: freeze(child) });
  return { kind: 'map', entries, at };
}

/** Items that are not named are left out. */
function listOf({ children, at }: Branch): ListTree {
  const items = [...children].toSorted(([a], [b]) => Number(a) - Number(b)).map(([, child]) => freeze(child));
  return { kind: 'list', items, at };
}
