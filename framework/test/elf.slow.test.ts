import assert from 'node:assert/strict';
import { readdirSync, readFileSync, realpathSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { isElf, parseElf } from '../src/elf.ts';
import { readelf } from './readelf.ts';

/** Programs, libraries and static ones of this machine: each file once. */
function filesOfThisMachine(): string[] {
  const folders: readonly (readonly [folder: string, count: number])[] = [
    ['/usr/bin', 25],
    ['/usr/sbin', 10],
    ['/usr/lib/x86_64-linux-gnu', 25],
  ];
  const found = new Set([realpathSync(process.execPath)]);
  for (const [folder, count] of folders) {
    let taken = 0;
    for (const name of readdirSync(folder).sort()) {
      const path = realpathSync(join(folder, name));
      if (taken === count) break;
      const status = statSync(path);
      if (!status.isFile() || status.size > 8 << 20 || found.has(path) || !isElf(readFileSync(path)))
        continue;
      found.add(path);
      taken++;
    }
  }
  return [...found];
}

test('what files of this machine need is what readelf says', () => {
  let interpreters = 0;
  let names = 0;
  for (const path of filesOfThisMachine()) {
    const ours = parseElf(readFileSync(path), path);
    assert.deepEqual(ours, readelf(path), path);
    if (ours.interpreter !== undefined) interpreters++;
    names += ours.needed.length;
  }
  assert.ok(interpreters > 10 && names > 50, `${interpreters} programs and ${names} libraries were seen`);
});
