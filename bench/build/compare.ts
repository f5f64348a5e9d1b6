import { execFileSync } from 'node:child_process';
import {
  type BigIntStats,
  closeSync,
  lstatSync,
  openSync,
  readdirSync,
  readlinkSync,
  readSync,
} from 'node:fs';
import { join } from 'node:path';

export interface Comparison {
  /** A sentence for each. */
  readonly differences: string[];
  readonly files: number;
  readonly bytes: number;
}

const CHUNK = 1 << 20;
const XATTR_LIMIT = 64 << 20;

/** Compares two folders, file by file: names, kinds, owners, modes, times, links, devices and contents. */
export function compareTrees(a: string, b: string): Comparison {
  const differences: string[] = [];
  const linked = new Map<bigint, bigint>();
  let files = 0;
  let bytes = 0;

  function compareFile(path: string): void {
    const [left, right] = [join(a, path), join(b, path)];
    const [one, other] = [lstatSync(left, { bigint: true }), lstatSync(right, { bigint: true })];
    files++;
    for (const [what, ofOne, ofOther] of attributePairs(one, other)) {
      if (ofOne !== ofOther) differences.push(`${path}: ${what} is ${ofOne} here and ${ofOther} there`);
    }
    if (one.isDirectory() && other.isDirectory()) {
      compareFolder(path, left, right);
      return;
    }
    if (one.isSymbolicLink() && other.isSymbolicLink()) {
      if (readlinkSync(left, 'latin1') !== readlinkSync(right, 'latin1'))
        differences.push(`${path}: leads elsewhere`);
      return;
    }
    if (!one.isFile() || !other.isFile() || one.size !== other.size) return;
    const known = linked.get(one.ino);
    linked.set(one.ino, other.ino);
    if (known === undefined) {
      bytes += Number(one.size);
      if (!haveSameBytes(left, right)) differences.push(`${path}: its content differs`);
    } else if (known !== other.ino) {
      differences.push(`${path}: is one file with another here and not there`);
    }
  }

  function compareFolder(path: string, left: string, right: string): void {
    const names = new Set(readdirSync(left));
    const others = new Set(readdirSync(right));
    for (const name of names.symmetricDifference(others)) {
      differences.push(`${join(path, name)}: is only ${names.has(name) ? 'here' : 'there'}`);
    }
    for (const name of names.intersection(others)) compareFile(join(path, name));
  }

  compareFile('.');
  return { differences, files, bytes };
}

function attributePairs(one: BigIntStats, other: BigIntStats): readonly [string, bigint, bigint][] {
  const pairs: [string, bigint, bigint][] = [
    ['mode', one.mode, other.mode],
    ['owner', one.uid, other.uid],
    ['group', one.gid, other.gid],
    ['mtime', one.mtimeNs, other.mtimeNs],
    ['link count', one.nlink, other.nlink],
    ['device', one.rdev, other.rdev],
  ];
  // A folder's size is how its file system stores the names.
  return one.isDirectory() ? pairs : [...pairs, ['size', one.size, other.size]];
}

function haveSameBytes(left: string, right: string): boolean {
  const [one, other] = [openSync(left, 'r'), openSync(right, 'r')];
  const [ofOne, ofOther] = [Buffer.alloc(CHUNK), Buffer.alloc(CHUNK)];
  try {
    for (;;) {
      const count = readSync(one, ofOne, 0, CHUNK, null);
      if (
        count !== readSync(other, ofOther, 0, CHUNK, null) ||
        ofOne.compare(ofOther, 0, count, 0, count) !== 0
      )
        return false;
      if (count === 0) return true;
    }
  } finally {
    closeSync(one);
    closeSync(other);
  }
}

/** All extended attributes of a folder, as getfattr(1) prints them, sorted by file. */
export function listXattrs(folder: string): string {
  const argv = ['-hR', '-d', '-m', '-', '-e', 'hex', '.'];
  const text = execFileSync('getfattr', argv, { cwd: folder, encoding: 'latin1', maxBuffer: XATTR_LIMIT });
  return text.split('\n\n').sort().join('\n\n');
}
