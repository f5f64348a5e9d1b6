import { type ByteString, toText } from '@cairn/bytes';
import { type Directory, lookup, readFileIn } from '@cairn/tree';
import { ReleaseError } from '../error.ts';
import { type ModuleIndex, parseModuleIndex } from './dependencies.ts';

/** modules.alias of a distro with every driver is 1.5 MB. */
const LIMIT = 64 << 20;

/**
 * Reads the index files of a module folder.
 *
 * @throws ReleaseError `no-modules` when depmod(8) has not been run there
 */
export async function loadModuleIndex(
  root: Directory,
  folder: ByteString,
  signal?: AbortSignal,
): Promise<ModuleIndex> {
  // kmod in the initrd reads only the binary form, this package only the text: depmod writes both.
  for (const name of ['modules.dep', 'modules.dep.bin']) {
    if (lookup(root, `${folder}/${name}`)?.inode.kind !== 'file') {
      throw new ReleaseError('no-modules', `${toText(folder)} has no ${name}: its modules are not indexed`, {
        hint: 'Run `depmod VERSION` in the Dockerfile, after the last change of the modules.',
      });
    }
  }
  async function read(name: string): Promise<Uint8Array> {
    const bytes = await readFileIn(root, `${folder}/${name}`, { limit: LIMIT, signal });
    return bytes ?? new Uint8Array();
  }
  return parseModuleIndex({
    dep: await read('modules.dep'),
    builtin: await read('modules.builtin'),
    alias: await read('modules.alias'),
    softdep: await read('modules.softdep'),
    weakdep: await read('modules.weakdep'),
  });
}
