import assert from 'node:assert/strict';
import { test } from 'node:test';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { mutations } from '../../disk/test/mutate.ts';
import { parseJournal } from '../src/actions/journal.ts';
import { AgentError } from '../src/error.ts';
import { parseEntry, releaseOf } from '../src/loader/entry.ts';
import { formatEntryName, parseEntryName } from '../src/loader/name.ts';
import { encodeState, parseState } from '../src/state/parse.ts';
import { JOURNAL } from './journal-sample.ts';
import { DENIED, PENDING } from './state-sample.ts';

const COUNT = 100_000;
const SEED = Number(process.env['CAIRN_SEED'] ?? 20_263);
/** What may be held more after all inputs than after the first thousand. */
const GROWTH_LIMIT = 4 << 20;

setFlagsFromString('--expose-gc');
const collectGarbage = runInNewContext('gc') as () => void;

const text = (value: string) => new TextEncoder().encode(value);

interface Parser {
  readonly name: string;
  readonly corpus: readonly Uint8Array[];
  readonly parse: (bytes: Uint8Array) => unknown;
  /** Whether of the damaged inputs some have to be taken. */
  readonly takesSome: boolean;
}

const PARSERS: readonly Parser[] = [
  {
    name: 'names of loader entries',
    corpus: ['cairn-1.conf', 'cairn-7+3.conf', 'cairn-17+2-1.conf', 'cairn-recovery.conf'].map(text),
    parse(bytes) {
      const file = new TextDecoder('latin1').decode(bytes);
      const name = parseEntryName(file);
      if (name?.kind === 'slot' && !/[+-]0\d|-0/.test(file)) {
        assert.equal(formatEntryName(name.generation, name.tries), file);
      }
    },
    takesSome: true,
  },
  {
    name: 'loader entries',
    corpus: [text(`title Debian 13\nsort-key cairn\nversion 12\nefi /EFI/cairn/${'0a'.repeat(16)}.efi\n`)],
    parse: (bytes) => releaseOf(parseEntry(bytes)),
    takesSome: true,
  },
  {
    name: 'states of a node',
    corpus: [encodeState({ sequence: 3, state: { pending: PENDING, denied: [DENIED], actions: [] } })],
    parse: parseState,
    takesSome: false,
  },
  {
    name: 'journals of actions',
    corpus: [text(JSON.stringify(JOURNAL))],
    parse: parseJournal,
    takesSome: true,
  },
];

for (const { name, corpus, parse, takesSome } of PARSERS) {
  test(`${COUNT} damaged ${name} are taken or refused (seed ${SEED})`, (context) => {
    let taken = 0;
    let index = 0;
    let held = 0;
    for (const bytes of mutations(SEED, corpus, COUNT)) {
      try {
        parse(bytes);
        taken++;
      } catch (error) {
        assert.ok(error instanceof AgentError, `input ${index} of seed ${SEED}: ${String(error)}`);
      }
      if (++index === 1000) {
        collectGarbage();
        held = process.memoryUsage().heapUsed;
      }
    }
    collectGarbage();
    const growth = process.memoryUsage().heapUsed - held;
    context.diagnostic(`${taken} taken, ${COUNT - taken} refused, ${growth} bytes held more`);
    assert.equal(index, COUNT);
    assert.ok(growth < GROWTH_LIMIT);
    if (takesSome) assert.ok(taken > COUNT / 100);
  });
}
