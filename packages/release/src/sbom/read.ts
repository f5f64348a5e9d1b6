import { type ByteString, BytesError, compareBytes, readAll, toText } from '@cairn/bytes';
import { type Directory, lookup, lookupDirectory, type RegularFile, sortedEntries } from '@cairn/tree';
import { readOsRelease } from '../facts/os-release.ts';
import { parseApkInstalled } from './apk.ts';
import { parseDpkgStatus } from './dpkg.ts';
import { SbomError } from './error.ts';
import { ndbBlobs } from './ndb.ts';
import { packageUrl } from './purl.ts';
import { parseRpmHeader } from './rpm-header.ts';
import { sqliteRows } from './sqlite.ts';
import type { Distribution, InstalledPackage, Package, PackageList } from './types.ts';

/** Larger than any text database of a real system by far: Debian with 5,000 packages has 7 MiB. */
const TEXT_LIMIT = 64 << 20;

const RPM_FOLDERS: readonly ByteString[] = ['/var/lib/rpm', '/usr/lib/sysimage/rpm', '/usr/share/rpm'];

/** A database that was found in the tree, and how its packages are read. */
interface FoundDatabase {
  readonly path: ByteString;
  readonly file: RegularFile;
  read(signal: AbortSignal | undefined): Promise<InstalledPackage[]>;
}

/**
 * The packages that a file tree's package databases list: dpkg (`status`, and `status.d` as distroless images
 * have it), apk, and rpm (SQLite and ndb). A database that cannot be read is no failure: it becomes a warning,
 * and so does a tree without any.
 */
export async function readPackages(
  root: Directory,
  options: { readonly signal?: AbortSignal | undefined } = {},
): Promise<PackageList> {
  const distribution = await readDistribution(root, options.signal);
  const packages = new Map<string, Package>();
  const warnings: string[] = [];
  const databases = findDatabases(root);
  for (const database of databases) {
    try {
      for (const found of await database.read(options.signal)) {
        const purl = packageUrl(found, distribution);
        packages.set(purl, { ...found, purl });
      }
    } catch (error) {
      if (!(error instanceof SbomError || error instanceof BytesError)) throw error;
      warnings.push(`the package database ${toText(database.path)} cannot be read: ${error.message}`);
    }
  }
  if (databases.length === 0) {
    warnings.push('no package database was found: neither of dpkg, nor of apk, nor of rpm');
  }
  return { distribution, packages: [...packages.values()].sort(comparePackages), warnings };
}

async function readDistribution(root: Directory, signal: AbortSignal | undefined): Promise<Distribution> {
  const { id, versionId, fields } = await readOsRelease(root, signal);
  const version = versionId ?? fields.get('VERSION_CODENAME');
  return version ? { id, version } : { id };
}

/** One file is one database, under however many names links give it. */
function findDatabases(root: Directory): FoundDatabase[] {
  const databases = [...textDatabases(root), ...RPM_FOLDERS.flatMap((folder) => rpmDatabases(root, folder))];
  return [...new Map(databases.map((database) => [database.file, database])).values()];
}

function textDatabases(root: Directory): FoundDatabase[] {
  const databases: FoundDatabase[] = [];
  const add = (path: ByteString, parse: (bytes: Uint8Array) => InstalledPackage[]) => {
    const file = findFile(root, path);
    if (file === undefined) return;
    const read: FoundDatabase['read'] = async (signal) =>
      parse(await readAll(file.content, TEXT_LIMIT, signal));
    databases.push({ path, file, read });
  };
  add('/var/lib/dpkg/status', parseDpkgStatus);
  const folder = lookupDirectory(root, '/var/lib/dpkg/status.d');
  for (const [name] of folder === undefined ? [] : sortedEntries(folder)) {
    if (!name.endsWith('.md5sums')) add(`/var/lib/dpkg/status.d/${name}`, parseDpkgStatus);
  }
  add('/lib/apk/db/installed', parseApkInstalled);
  add('/usr/lib/apk/db/installed', parseApkInstalled);
  return databases;
}

function rpmDatabases(root: Directory, folder: ByteString): FoundDatabase[] {
  const databases: FoundDatabase[] = [];
  const sqlite = findFile(root, `${folder}/rpmdb.sqlite`);
  if (sqlite !== undefined) {
    const log = findFile(root, `${folder}/rpmdb.sqlite-wal`);
    const read: FoundDatabase['read'] = (signal) => packagesIn(sqliteBlobs(sqlite, log, signal));
    databases.push({ path: `${folder}/rpmdb.sqlite`, file: sqlite, read });
  }
  const ndb = findFile(root, `${folder}/Packages.db`);
  if (ndb !== undefined) {
    const read: FoundDatabase['read'] = (signal) => packagesIn(ndbBlobs(ndb.content, signal));
    databases.push({ path: `${folder}/Packages.db`, file: ndb, read });
  }
  const berkeley = findFile(root, `${folder}/Packages`);
  // Beside one of the other two it is what a conversion left.
  if (berkeley !== undefined && databases.length === 0) {
    databases.push({ path: `${folder}/Packages`, file: berkeley, read: refuseBerkeley });
  }
  return databases;
}

function findFile(root: Directory, path: ByteString): RegularFile | undefined {
  const found = lookup(root, path)?.inode;
  return found?.kind === 'file' ? found : undefined;
}

/** The table's columns are `hnum` and `blob`. */
async function* sqliteBlobs(
  database: RegularFile,
  log: RegularFile | undefined,
  signal: AbortSignal | undefined,
): AsyncGenerator<Uint8Array> {
  const rows = sqliteRows(database.content, 'Packages', { wal: log?.content, signal });
  for await (const [, blob] of rows) {
    if (!(blob instanceof Uint8Array)) {
      throw new SbomError('malformed-database', 'a row of its table Packages holds no header');
    }
    yield blob;
  }
}

async function packagesIn(blobs: AsyncIterable<Uint8Array>): Promise<InstalledPackage[]> {
  const packages: InstalledPackage[] = [];
  for await (const blob of blobs) {
    const found = parseRpmHeader(blob);
    if (found !== undefined) packages.push(found);
  }
  return packages;
}

async function refuseBerkeley(): Promise<never> {
  throw new SbomError('unsupported-database', 'it is in the format of Berkeley DB, which rpm itself gave up');
}

function comparePackages(a: Package, b: Package): number {
  return (
    compareBytes(a.format, b.format) ||
    compareBytes(a.name, b.name) ||
    compareBytes(a.architecture, b.architecture) ||
    compareBytes(a.version, b.version) ||
    compareBytes(a.purl, b.purl)
  );
}
