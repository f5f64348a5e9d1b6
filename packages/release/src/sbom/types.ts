/** Which package manager installed it: the name of its format, which is the type of its purl too. */
export type PackageFormat = 'deb' | 'apk' | 'rpm';

export interface SourcePackage {
  readonly name: string;
  readonly version: string;
}

/** One installed package, in the words of its package manager. */
export interface InstalledPackage {
  readonly format: PackageFormat;
  readonly name: string;
  /** As the package manager prints it; rpm's as `version-release`, without the epoch. */
  readonly version: string;
  /** rpm only: 0 unless the package has one. dpkg's is a part of the version. */
  readonly epoch?: number;
  readonly architecture: string;
  /** What it was built from; undefined where the database does not say. */
  readonly source?: SourcePackage;
  /** Who made the package: dpkg's and apk's maintainer, rpm's vendor. */
  readonly supplier?: string;
  /** As the database has it: not always an SPDX expression. */
  readonly license?: string;
}

/** An installed package with its package URL, which names it beyond its distribution. */
export interface Package extends InstalledPackage {
  readonly purl: string;
}

/** The fields of os-release(5) that name a distribution. */
export interface Distribution {
  /** `ID`: `debian`; `linux` where the tree does not say. */
  readonly id: string;
  /** `VERSION_ID`, or `VERSION_CODENAME` where a rolling distribution has no other. */
  readonly version?: string;
}

export interface PackageList {
  readonly distribution: Distribution;
  /** In order of format, name, architecture and version. */
  readonly packages: readonly Package[];
  /** Sentences about databases that are there and could not be read: the packages in them are missing above. */
  readonly warnings: readonly string[];
}
