import { DiskError } from '../error.ts';

/** Longer ones would need a continuation area for their Rock Ridge entries. */
const MAX_NAME_BYTES = 128;
/** Of name and extension together (ECMA-119, section 7.5, interchange level 2 and 3). */
const MAX_FILE_ID = 30;
const MAX_DIRECTORY_ID = 31;
const MAX_EXTENSION = 8;

const encoder = new TextEncoder();

/** @throws DiskError `iso-bad-name` */
export function checkName(name: string, path: string): void {
  const bytes = encoder.encode(name).length;
  const problem =
    name === '' || name === '.' || name === '..'
      ? 'it has an empty name or dots in the place of one'
      : name.includes('\0') || !name.isWellFormed()
        ? 'it has a character that no name has'
        : bytes > MAX_NAME_BYTES
          ? `a name in it has ${bytes} bytes, more than ${MAX_NAME_BYTES}`
          : undefined;
  if (problem !== undefined) throw new DiskError('iso-bad-name', `"${path}" cannot be on an ISO: ${problem}`);
}

/**
 * What names of one folder are called where Rock Ridge is not read: upper-case letters, digits and `_`, files with a dot
 * and a version (ECMA-119, section 7.5). Names that become the same get a number.
 */
export function aliasesOf(names: readonly { readonly name: string; readonly isFile: boolean }[]): string[] {
  const taken = new Set<string>();
  return names.map(({ name, isFile }) => {
    const dot = isFile ? name.lastIndexOf('.') : -1;
    const extension = dot > 0 ? plain(name.slice(dot + 1)).slice(0, MAX_EXTENSION) : '';
    const base = plain(dot > 0 ? name.slice(0, dot) : name);
    const room = isFile ? MAX_FILE_ID - extension.length : MAX_DIRECTORY_ID;
    for (let number = 0; ; number++) {
      const suffix = number === 0 ? '' : String(number);
      const id = `${base.slice(0, room - suffix.length)}${suffix}`;
      // A file without an extension would be taken for a folder of the same name.
      const key = extension === '' ? id : `${id}.${extension}`;
      if (taken.has(key)) continue;
      taken.add(key);
      return isFile ? `${id}.${extension};1` : id;
    }
  });
}

function plain(name: string): string {
  return name.toUpperCase().replaceAll(/[^A-Z0-9_]/g, '_');
}

/** The order of records in a folder: by name, then by extension, the shorter one first (ECMA-119, section 9.3). */
export function compareAliases(a: string, b: string): number {
  const [nameA = '', extensionA = ''] = a.split(/[.;]/);
  const [nameB = '', extensionB = ''] = b.split(/[.;]/);
  return compare(nameA, nameB) || compare(extensionA, extensionB);
}

function compare(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}
