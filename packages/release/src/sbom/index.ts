export { parseApkInstalled } from './apk.ts';
export { parseDpkgStatus } from './dpkg.ts';
export { SbomError, type SbomErrorCode } from './error.ts';
export { ndbBlobs } from './ndb.ts';
export { packageUrl } from './purl.ts';
export { readPackages } from './read.ts';
export { parseRpmHeader } from './rpm-header.ts';
export { type SpdxDocument, type SpdxOptions, type SpdxPackage, spdxDocument } from './spdx.ts';
export { type SqliteValue, sqliteRows } from './sqlite.ts';
export type {
  Distribution,
  InstalledPackage,
  Package,
  PackageFormat,
  PackageList,
  SourcePackage,
} from './types.ts';
