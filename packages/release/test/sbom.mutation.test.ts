import assert from 'node:assert/strict';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { test } from 'node:test';
import { inspect } from 'node:util';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { BytesError, memorySource } from '@cairn/bytes';
import { mutations } from '../../disk/test/mutate.ts';
import {
  ndbBlobs,
  parseApkInstalled,
  parseDpkgStatus,
  parseRpmHeader,
  SbomError,
  sqliteRows,
} from '../src/sbom/index.ts';
import { readWal } from '../src/sbom/sqlite-wal.ts';
import { APK_FIXTURE, BASH_TAGS, DPKG_FIXTURE, ndbFixture, rpmHeader } from './sbom-fixtures/fixtures.ts';

const COUNT = 100_000;
const SEED = Number(process.env['SEED'] ?? 20260);
/** What may be held more after all inputs than after the first thousand. */
const GROWTH_LIMIT = 4 << 20;

setFlagsFromString('--expose-gc');
const collectGarbage = runInNewContext('gc') as () => void;

function heldMemory(): number {
  collectGarbage();
  const { heapUsed, arrayBuffers } = process.memoryUsage();
  return heapUsed + arrayBuffers;
}

/** A small database with a table that overflows its pages, and the log of an unfinished one beside it. */
function sqliteFixtures(): { database: Uint8Array; wal: Uint8Array } {
  const folder = mkdtempSync(join(tmpdir(), 'cairn-sbom-'));
  try {
    const path = join(folder, 'db');
    const database = new DatabaseSync(path);
    database.exec('PRAGMA page_size=512; PRAGMA journal_mode=WAL; PRAGMA wal_autocheckpoint=0');
    database.exec('CREATE TABLE Packages (hnum INTEGER PRIMARY KEY, blob BLOB NOT NULL)');
    const insert = database.prepare('INSERT INTO Packages (blob) VALUES (?)');
    for (const size of [60, 700]) insert.run(new Uint8Array(size).fill(size));
    database.exec('PRAGMA wal_checkpoint(TRUNCATE)');
    insert.run(new Uint8Array(200));
    const fixtures = {
      database: Uint8Array.from(readFileSync(path)),
      wal: Uint8Array.from(readFileSync(`${path}-wal`)),
    };
    database.close();
    return fixtures;
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

async function drain(values: AsyncIterable<unknown>): Promise<void> {
  const iterator = values[Symbol.asyncIterator]();
  while (!(await iterator.next()).done);
}

const encode = (text: string) => new TextEncoder().encode(text);
const sqlite = sqliteFixtures();

const PARSERS: readonly {
  readonly name: string;
  readonly corpus: readonly Uint8Array[];
  readonly parse: (bytes: Uint8Array) => unknown;
  /** How many are refused at the least. */
  readonly refusals: number;
}[] = [
  { name: 'dpkg status', corpus: [encode(DPKG_FIXTURE)], parse: parseDpkgStatus, refusals: 1000 },
  { name: 'apk installed', corpus: [encode(APK_FIXTURE)], parse: parseApkInstalled, refusals: 1000 },
  {
    name: 'rpm headers',
    corpus: [rpmHeader(BASH_TAGS), ndbFixture().subarray(4096 + 16, 4096 + 16 + 1320)],
    parse: parseRpmHeader,
    refusals: 1000,
  },
  {
    name: 'ndb',
    corpus: [ndbFixture()],
    parse: (bytes) => drain(ndbBlobs(memorySource(bytes))),
    refusals: 1000,
  },
  {
    name: 'SQLite',
    corpus: [sqlite.database],
    parse: (bytes) => drain(sqliteRows(memorySource(bytes), 'Packages')),
    refusals: 1000,
  },
  {
    name: 'SQLite logs',
    corpus: [sqlite.wal],
    parse: (bytes) => readWal(memorySource(bytes), 512),
    // A log counts up to its first damage: what is left of it is sound.
    refusals: 0,
  },
];

for (const { name, corpus, parse, refusals } of PARSERS) {
  test(`${COUNT} damaged inputs: ${name}`, async () => {
    let count = 0;
    let refused = 0;
    let early = 0;
    for (const input of mutations(SEED, corpus, COUNT)) {
      try {
        await parse(input);
      } catch (error) {
        const typed = error instanceof SbomError || error instanceof BytesError;
        assert.ok(typed, `seed ${SEED}, input ${count}: ${inspect(error)}`);
        refused++;
      }
      if (++count === 1000) early = heldMemory();
    }
    const growth = heldMemory() - early;
    assert.equal(count, COUNT);
    assert.ok(refused >= refusals, `only ${refused} were refused`);
    assert.ok(growth < GROWTH_LIMIT, `${growth} bytes more are held`);
  });
}
