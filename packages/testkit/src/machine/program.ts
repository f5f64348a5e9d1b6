import { execFile } from 'node:child_process';
import { accessSync, constants } from 'node:fs';
import { delimiter, join } from 'node:path';
import { TestkitError } from '../error.ts';

/** The Debian package of each program that is started here, for the hint. */
const PACKAGES: Readonly<Record<string, string>> = {
  'qemu-system-x86_64': 'qemu-system-x86',
  'qemu-img': 'qemu-utils',
  'qemu-io': 'qemu-utils',
};

/** The path of a program, or undefined where there is none. */
export function lookUpProgram(name: string, searchPath = process.env['PATH'] ?? ''): string | undefined {
  return searchPath
    .split(delimiter)
    .filter((folder) => folder !== '')
    .map((folder) => join(folder, name))
    .find(isExecutable);
}

/** @throws TestkitError `program-missing`, with the package to install as the hint */
export function findProgram(name: string): string {
  const found = lookUpProgram(name);
  if (found !== undefined) return found;
  const debianPackage = PACKAGES[name] ?? name;
  throw new TestkitError('program-missing', `${name} is not installed (not found in PATH)`, {
    hint: `apt-get install ${debianPackage}`,
  });
}

/** Runs a program to its end and gives its standard output. It is never run by a shell. */
export async function runProgram(
  name: string,
  args: readonly string[],
  signal?: AbortSignal,
): Promise<string> {
  const path = findProgram(name);
  const { promise, resolve, reject } = Promise.withResolvers<string>();
  execFile(path, args, signal === undefined ? {} : { signal }, (error, stdout, stderr) => {
    if (error === null) resolve(stdout);
    else if (signal?.aborted) reject(signal.reason as Error);
    else
      reject(
        new TestkitError('program-failed', `${name} failed: ${stderr.trim() || error.message}`, {
          cause: error,
        }),
      );
  });
  return promise;
}

function isExecutable(path: string): boolean {
  try {
    accessSync(path, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}
