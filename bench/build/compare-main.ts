import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmdirSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { compareTrees, listXattrs } from './compare.ts';

/**
 * Mounts two EROFS files and compares all that is in them. To be run by `unshare --mount --propagation private`: the mounts
 * and their loop devices end with it. Prints what differs, one line each, and in the end how much was compared.
 */
function mountImage(file: string): string {
  const place = mkdtempSync(join(tmpdir(), 'cairn-bench-'));
  execFileSync('mount', ['-t', 'erofs', '-o', 'loop,ro', file, place]);
  // Outside of this process's namespace it is an empty folder.
  process.on('exit', () => {
    execFileSync('umount', [place]);
    rmdirSync(place);
  });
  return place;
}

const [first, second] = process.argv.slice(2);
if (first === undefined || second === undefined) throw new TypeError('two files are to be named');
const [a, b] = [mountImage(first), mountImage(second)];
const { differences, files, bytes } = compareTrees(a, b);
if (listXattrs(a) !== listXattrs(b)) differences.push('the extended attributes differ');
for (const difference of differences.slice(0, 50)) console.log(difference);
console.log(`${files} files, ${bytes} bytes, ${differences.length} differences`);
process.exitCode = differences.length === 0 ? 0 : 1;
