import { byteString } from '@cairn/bytes';

/** What a kernel's module folder says of its modules (modules.dep(5), modprobe.d(5)). Names have `_` for `-`. */
export interface ModuleIndex {
  /** Modules by name. */
  readonly modules: ReadonlyMap<string, Module>;
  /** What is part of the kernel itself. */
  readonly builtin: ReadonlySet<string>;
  /** Modules that a name like `crypto-sha256` stands for, for names without patterns. */
  readonly aliases: ReadonlyMap<string, readonly string[]>;
  /** What a module wants loaded before, after or beside it, by names or aliases. */
  readonly soft: ReadonlyMap<string, readonly string[]>;
}

export interface Module {
  readonly name: string;
  /** From the module folder, as in `kernel/fs/erofs/erofs.ko.xz`. */
  readonly path: string;
  /** Paths of all that must be loaded before it: depmod(8) writes the closure. */
  readonly dependencies: readonly string[];
}

/** The text files of a module folder. All but `dep` may be missing there, and are empty then. */
export interface ModuleTexts {
  readonly dep: Uint8Array;
  readonly builtin: Uint8Array;
  readonly alias: Uint8Array;
  readonly softdep: Uint8Array;
  readonly weakdep: Uint8Array;
}

const MODULE_FILE = /([^/]+)\.ko(?:\.(?:gz|xz|zst))?$/;

/** The name of a module's file or of an alias: the kernel takes `-` and `_` for the same. */
export function moduleName(name: string): string {
  return (MODULE_FILE.exec(name)?.[1] ?? name).replaceAll('-', '_');
}

/** Parses what depmod(8) wrote. Lines that are not of its form are left out. */
export function parseModuleIndex(texts: ModuleTexts): ModuleIndex {
  const modules = new Map<string, Module>();
  for (const line of linesOf(texts.dep)) {
    const colon = line.indexOf(':');
    const path = line.slice(0, Math.max(0, colon));
    if (!MODULE_FILE.test(path)) continue;
    const name = moduleName(path);
    modules.set(name, { name, path, dependencies: wordsOf(line.slice(colon + 1)) });
  }
  return {
    modules,
    builtin: new Set([...linesOf(texts.builtin)].filter((line) => line !== '').map(moduleName)),
    aliases: parseAliases(texts.alias),
    soft: parseSoft(texts.softdep, texts.weakdep),
  };
}

/** Lines `alias NAME MODULE`; those with patterns name hardware, which is none of our business. */
function parseAliases(text: Uint8Array): Map<string, string[]> {
  const aliases = new Map<string, string[]>();
  for (const line of linesOf(text)) {
    const [keyword, alias, module] = wordsOf(line);
    if (keyword !== 'alias' || alias === undefined || module === undefined) continue;
    if (!/[*?[]/.test(alias)) append(aliases, moduleName(alias), moduleName(module));
  }
  return aliases;
}

/** Lines `softdep MODULE [pre: NAME…] [post: NAME…]` and `weakdep MODULE NAME…`. */
function parseSoft(...texts: readonly Uint8Array[]): Map<string, string[]> {
  const soft = new Map<string, string[]>();
  for (const text of texts) {
    for (const line of linesOf(text)) {
      const [keyword, module, ...names] = wordsOf(line);
      if ((keyword !== 'softdep' && keyword !== 'weakdep') || module === undefined) continue;
      for (const name of names) {
        if (!name.endsWith(':')) append(soft, moduleName(module), moduleName(name));
      }
    }
  }
  return soft;
}

function append(map: Map<string, string[]>, key: string, value: string): void {
  const values = map.get(key);
  if (values === undefined) map.set(key, [value]);
  else values.push(value);
}

function* linesOf(bytes: Uint8Array): Generator<string> {
  for (const line of byteString(bytes).split('\n')) if (!line.startsWith('#')) yield line;
}

function wordsOf(text: string): string[] {
  return text.split(/\s+/).filter((word) => word !== '');
}
