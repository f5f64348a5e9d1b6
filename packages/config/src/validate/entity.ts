import { readYaml } from '../yaml/read.ts';
import { type Fault, shown } from './context.ts';
import { nearest } from './suggest.ts';

const KINDS = ['user', 'shadow', 'group', 'gshadow'];

/** An entry of a user database is YAML within YAML, with the key `kind`. */
export function entityFault(text: string): Fault | undefined {
  const faults: string[] = [];
  const tree = readYaml({ file: '', text }, ({ message }) => faults.push(message));
  const [fault] = faults;
  if (fault !== undefined) return bad(`the entry is not YAML: ${fault}`);
  if (tree?.kind !== 'map')
    return bad('the entry is not a map of keys and values', 'Begin it with kind: "user".');
  const kind = tree.entries.get('kind')?.value;
  if (kind?.kind !== 'scalar')
    return bad('the entry has no kind', `Write kind: with one of ${KINDS.join(', ')}.`);
  if (KINDS.includes(kind.text)) return undefined;
  return bad(
    `there is no kind ${shown(kind.text)} of entries`,
    `Write ${nearest(kind.text, KINDS) ?? `one of ${KINDS.join(', ')}`}.`,
  );
}

function bad(message: string, hint?: string): Fault {
  return { code: 'bad-value', message, hint };
}
