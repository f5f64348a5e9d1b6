import { type ByteString, compareBytes } from '@cairn/bytes';
import { type Directory, type Found, lookup, lookupDirectory, sortedEntries } from '@cairn/tree';
import { type Module, type ModuleIndex, moduleName } from './dependencies.ts';
import { type ModuleGroup, REQUIRED_MODULES, WANTED_MODULES } from './wanted.ts';

/** Which of the required modules a kernel has neither built in nor in its folder. */
export function missingModules(index: ModuleIndex): string[] {
  return REQUIRED_MODULES.filter((name) => {
    const key = moduleName(name);
    return !index.modules.has(key) && !index.builtin.has(key);
  });
}

/**
 * The modules that the initrd gets: those wanted, with everything that they depend on, hard, soft or weak.
 * What is built in or not there is left out.
 *
 * @returns in byte order of their paths
 */
export function selectModules(index: ModuleIndex, wanted: readonly ModuleGroup[] = WANTED_MODULES): Module[] {
  const byPath = new Map([...index.modules.values()].map((module) => [module.path, module]));
  const chosen = new Set<Module>();
  const pending = wanted.flatMap((group) => wantedModules(index, group));
  for (let module = pending.pop(); module !== undefined; module = pending.pop()) {
    if (chosen.has(module)) continue;
    chosen.add(module);
    for (const path of module.dependencies) {
      const dependency = byPath.get(path);
      if (dependency !== undefined) pending.push(dependency);
    }
    for (const name of index.soft.get(module.name) ?? []) pending.push(...modulesNamed(index, name));
  }
  return [...chosen].sort((a, b) => compareBytes(a.path, b.path));
}

/**
 * The files of the modules chosen and all index files of their folder, as they are in the tree.
 *
 * @returns paths from the module folder on, in byte order
 */
export function moduleFiles(root: Directory, folder: ByteString, chosen: readonly Module[]): Found[] {
  const files: Found[] = [];
  const directory = lookupDirectory(root, folder);
  const indexes = directory === undefined ? [] : sortedEntries(directory).map(([name]) => name);
  const paths = [
    ...indexes.filter((name) => name.startsWith('modules.')),
    ...chosen.map((module) => module.path),
  ];
  for (const path of paths.sort(compareBytes)) {
    const found = lookup(root, `${folder}/${path}`);
    if (found?.inode.kind === 'file') files.push({ path, inode: found.inode });
  }
  return files;
}

function wantedModules(index: ModuleIndex, group: ModuleGroup): Module[] {
  const named = (group.names ?? []).flatMap((name) => modulesNamed(index, name));
  const { folders = [] } = group;
  if (folders.length === 0) return named;
  const inFolders = [...index.modules.values()].filter((module) =>
    folders.some((folder) => module.path.startsWith(folder)),
  );
  return [...named, ...inFolders];
}

/** By its own name, or else all that go by it as an alias: which of them fits the processor is decided at boot. */
function modulesNamed(index: ModuleIndex, name: string): Module[] {
  const key = moduleName(name);
  const own = index.modules.get(key);
  const names = own === undefined ? (index.aliases.get(key) ?? []) : [key];
  return names.map((module) => index.modules.get(module)).filter((module) => module !== undefined);
}
