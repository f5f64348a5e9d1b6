import { sha256Hex } from '@cairn/bytes';
import { type DeclaredLicense, declaredLicense } from './license.ts';
import type { Package, PackageList } from './types.ts';

/**
 * SPDX 2.3 in JSON (https://spdx.github.io/spdx-spec/v2.3/): the parts of it that are written here.
 * The names are the specification's own.
 */
export interface SpdxDocument {
  readonly spdxVersion: 'SPDX-2.3';
  readonly dataLicense: 'CC0-1.0';
  readonly SPDXID: 'SPDXRef-DOCUMENT';
  readonly name: string;
  readonly documentNamespace: string;
  readonly creationInfo: { readonly created: string; readonly creators: readonly string[] };
  readonly comment?: string;
  readonly packages: readonly SpdxPackage[];
  readonly hasExtractedLicensingInfos?: readonly NonNullable<DeclaredLicense['extracted']>[];
  readonly relationships: readonly SpdxRelationship[];
}

export interface SpdxPackage {
  readonly SPDXID: string;
  readonly name: string;
  readonly versionInfo: string;
  readonly primaryPackagePurpose?: 'CONTAINER';
  readonly supplier: string;
  readonly downloadLocation: 'NOASSERTION';
  readonly filesAnalyzed: false;
  readonly checksums?: readonly { readonly algorithm: 'SHA256'; readonly checksumValue: string }[];
  readonly sourceInfo?: string;
  readonly licenseConcluded: 'NOASSERTION';
  readonly licenseDeclared: string;
  readonly copyrightText: 'NOASSERTION';
  readonly externalRefs?: readonly {
    readonly referenceCategory: 'PACKAGE-MANAGER';
    readonly referenceType: 'purl';
    readonly referenceLocator: string;
  }[];
}

export interface SpdxRelationship {
  readonly spdxElementId: string;
  readonly relationshipType: 'DESCRIBES' | 'CONTAINS';
  readonly relatedSpdxElement: string;
}

export interface SpdxOptions {
  /** What is described: the image's name. */
  readonly name: string;
  /** The image's digest: `sha256:` and 64 hexadecimal digits. */
  readonly imageDigest: string;
  /** When the image was made, as its configuration says: the time of this call would make each document another one. */
  readonly created?: string | undefined;
  /** Name and version of the program that writes the document, with a hyphen between. */
  readonly tool?: string | undefined;
}

const DOCUMENT = 'SPDXRef-DOCUMENT';
const IMAGE = 'SPDXRef-Image';
const EPOCH = '1970-01-01T00:00:00Z';

/**
 * The bill of materials of an image. The same list and the same options give the same document, namespace and
 * time included. What could not be read of the image's packages is said in the document's comment.
 */
export function spdxDocument(list: PackageList, options: SpdxOptions): SpdxDocument {
  const licenses = declaredLicenses(list);
  const contained = list.packages.map((found) => spdxPackage(found, licenses));
  const extracted = [...licenses.values()].flatMap((license) => license.extracted ?? []);
  const content = {
    name: options.name,
    creationInfo: { created: spdxTime(options.created), creators: [`Tool: ${options.tool ?? 'cairn'}`] },
    ...(list.warnings.length === 0 ? {} : { comment: `Not complete: ${list.warnings.join('; ')}` }),
    packages: [imagePackage(options), ...contained],
    ...(extracted.length === 0 ? {} : { hasExtractedLicensingInfos: extracted }),
    relationships: [
      relationship(DOCUMENT, 'DESCRIBES', IMAGE),
      ...contained.map(({ SPDXID }) => relationship(IMAGE, 'CONTAINS', SPDXID)),
    ],
  };
  return {
    spdxVersion: 'SPDX-2.3',
    dataLicense: 'CC0-1.0',
    SPDXID: DOCUMENT,
    documentNamespace: namespaceOf(options.name, JSON.stringify(content)),
    ...content,
  };
}

/**
 * Clause 6.5 wants another namespace for each version of a document: it is derived from all that the document
 * says, the image's digest among it.
 */
function namespaceOf(name: string, content: string): string {
  const digits = sha256Hex(content);
  // RFC 9562, section 5.8: version 8 is for values of one's own making.
  const uuid = [
    digits.slice(0, 8),
    digits.slice(8, 12),
    `8${digits.slice(13, 16)}`,
    `8${digits.slice(17, 20)}`,
    digits.slice(20, 32),
  ];
  return `https://spdx.org/spdxdocs/cairn-${idText(name)}-${uuid.join('-')}`;
}

/** By the text in the database, in order of first use. */
function declaredLicenses(list: PackageList): ReadonlyMap<string, DeclaredLicense> {
  const licenses = new Map<string, DeclaredLicense>();
  for (const { license } of list.packages) {
    if (license !== undefined && !licenses.has(license)) licenses.set(license, declaredLicense(license));
  }
  return licenses;
}

function imagePackage({ name, imageDigest }: SpdxOptions): SpdxPackage {
  const [algorithm, value] = imageDigest.split(':');
  return {
    SPDXID: IMAGE,
    name,
    versionInfo: imageDigest,
    primaryPackagePurpose: 'CONTAINER',
    supplier: 'NOASSERTION',
    downloadLocation: 'NOASSERTION',
    filesAnalyzed: false,
    ...(algorithm === 'sha256' && value !== undefined
      ? { checksums: [{ algorithm: 'SHA256', checksumValue: value }] }
      : {}),
    licenseConcluded: 'NOASSERTION',
    licenseDeclared: 'NOASSERTION',
    copyrightText: 'NOASSERTION',
  };
}

function spdxPackage(found: Package, licenses: ReadonlyMap<string, DeclaredLicense>): SpdxPackage {
  const { format, name, version, epoch, source, license, purl } = found;
  const declared = license === undefined ? undefined : licenses.get(license);
  return {
    // The digest keeps two packages apart whose names differ only in characters that an id cannot have.
    SPDXID: `SPDXRef-Package-${format}-${idText(name)}-${sha256Hex(purl).slice(0, 16)}`,
    name,
    versionInfo: epoch ? `${epoch}:${version}` : version,
    supplier: supplierOf(found),
    downloadLocation: 'NOASSERTION',
    filesAnalyzed: false,
    ...(source === undefined
      ? {}
      : { sourceInfo: `built from source package: ${source.name} ${source.version}` }),
    licenseConcluded: 'NOASSERTION',
    licenseDeclared: declared?.expression ?? 'NOASSERTION',
    copyrightText: 'NOASSERTION',
    externalRefs: [{ referenceCategory: 'PACKAGE-MANAGER', referenceType: 'purl', referenceLocator: purl }],
  };
}

/** Clause 7.5. A maintainer has a mail address in angle brackets; a vendor, which only rpm names, is an organization. */
function supplierOf({ format, supplier }: Package): string {
  if (supplier === undefined) return 'NOASSERTION';
  if (format === 'rpm') return `Organization: ${supplier}`;
  const match = /^([^<]*)<([^>]*)>/.exec(supplier);
  return match === null ? `Person: ${supplier}` : `Person: ${match[1]?.trim()} (${match[2]})`;
}

/** Clause 6.3: letters, digits, `.` and `-`. */
function idText(text: string): string {
  return text.replaceAll(/[^A-Za-z0-9.-]+/g, '-');
}

/** Clause 6.9: UTC, without fractions of a second. A time that is none, or out of the form's reach, becomes 1970. */
function spdxTime(text: string | undefined): string {
  const time = text === undefined ? Number.NaN : Date.parse(text);
  if (Number.isNaN(time)) return EPOCH;
  const iso = new Date(time).toISOString();
  return iso.length === '1970-01-01T00:00:00.000Z'.length ? `${iso.slice(0, 19)}Z` : EPOCH;
}

function relationship(
  spdxElementId: string,
  relationshipType: SpdxRelationship['relationshipType'],
  relatedSpdxElement: string,
): SpdxRelationship {
  return { spdxElementId, relationshipType, relatedSpdxElement };
}
