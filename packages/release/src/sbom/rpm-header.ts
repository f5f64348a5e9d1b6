import { viewOf } from '@cairn/bytes';
import { malformed } from './error.ts';
import type { InstalledPackage, SourcePackage } from './types.ts';

const PREAMBLE = 8;
const ENTRY = 16;

const TYPE_INT32 = 4;
/** STRING, STRING_ARRAY and I18NSTRING: of the latter two, the first string is the one wanted. */
const STRING_TYPES: ReadonlySet<number> = new Set([6, 8, 9]);

const TAGS = {
  name: 1000,
  version: 1001,
  release: 1002,
  epoch: 1003,
  vendor: 1011,
  license: 1014,
  architecture: 1022,
  sourceRpm: 1044,
} as const;

/** Where one tag's value is: an offset into the header's data, checked to be inside. */
interface Entry {
  readonly type: number;
  readonly offset: number;
}

interface Header {
  readonly entries: ReadonlyMap<number, Entry>;
  readonly data: Uint8Array;
}

/**
 * The package that an rpm header describes, as it lies in an rpm database: without the magic of a package file.
 * Undefined for `gpg-pubkey`, by which rpm keeps its keys: nothing is installed under that name.
 *
 * Source: the rpm reference manual, "RPM V4 header format" and "tags".
 *
 * @throws SbomError `malformed-database`
 */
export function parseRpmHeader(blob: Uint8Array): InstalledPackage | undefined {
  const header = parseEntries(blob);
  const name = requiredString(header, 'name');
  if (name === 'gpg-pubkey') return undefined;
  const version = `${requiredString(header, 'version')}-${requiredString(header, 'release')}`;
  const epoch = numberAt(header, TAGS.epoch) ?? 0;
  const sourceRpm = stringAt(header, TAGS.sourceRpm);
  const source = sourceRpm === undefined ? undefined : parseSourceRpm(sourceRpm);
  const supplier = stringAt(header, TAGS.vendor);
  const license = stringAt(header, TAGS.license);
  return {
    format: 'rpm',
    name,
    version,
    epoch,
    architecture: stringAt(header, TAGS.architecture) || 'noarch',
    ...(source === undefined ? {} : { source }),
    ...(supplier ? { supplier } : {}),
    ...(license ? { license } : {}),
  };
}

/** Checks that the two lengths in front add up to the blob, and that each wanted entry's value starts inside the data. */
function parseEntries(blob: Uint8Array): Header {
  if (blob.length < PREAMBLE) throw malformed(`an rpm header has only ${blob.length} bytes`);
  const view = viewOf(blob);
  const count = view.getUint32(0);
  const dataLength = view.getUint32(4);
  const dataStart = PREAMBLE + count * ENTRY;
  if (dataStart + dataLength !== blob.length) {
    throw malformed(`an rpm header of ${blob.length} bytes says that it has ${dataStart + dataLength}`);
  }
  const wanted: ReadonlySet<number> = new Set(Object.values(TAGS));
  const entries = new Map<number, Entry>();
  for (let at = PREAMBLE; at < dataStart; at += ENTRY) {
    const tag = view.getUint32(at);
    if (!wanted.has(tag) || entries.has(tag)) continue;
    const offset = view.getUint32(at + 8);
    if (offset >= dataLength) {
      throw malformed(`tag ${tag} of an rpm header lies at ${offset}, its data ends at ${dataLength}`);
    }
    entries.set(tag, { type: view.getUint32(at + 4), offset });
  }
  return { entries, data: blob.subarray(dataStart) };
}

function stringAt({ entries, data }: Header, tag: number): string | undefined {
  const entry = entries.get(tag);
  if (entry === undefined) return undefined;
  if (!STRING_TYPES.has(entry.type)) throw malformed(`tag ${tag} of an rpm header is not a string`);
  const end = data.indexOf(0, entry.offset);
  if (end < 0) throw malformed(`the string of tag ${tag} of an rpm header has no end`);
  return Buffer.from(data.buffer, data.byteOffset, data.length).toString('utf8', entry.offset, end);
}

function numberAt({ entries, data }: Header, tag: number): number | undefined {
  const entry = entries.get(tag);
  if (entry === undefined) return undefined;
  if (entry.type !== TYPE_INT32 || entry.offset + 4 > data.length) {
    throw malformed(`tag ${tag} of an rpm header is not a number of 32 bits`);
  }
  return viewOf(data).getUint32(entry.offset);
}

function requiredString(header: Header, name: 'name' | 'version' | 'release'): string {
  const text = stringAt(header, TAGS[name]);
  if (!text) throw malformed(`an rpm header has no ${name}`);
  return text;
}

/** `NAME-VERSION-RELEASE.src.rpm`, where name may have hyphens and the other two have none. */
function parseSourceRpm(file: string): SourcePackage | undefined {
  const match = /^(.+)-([^-]+-[^-]+)\.(?:no)?src\.rpm$/.exec(file);
  return match?.[1] === undefined || match[2] === undefined
    ? undefined
    : { name: match[1], version: match[2] };
}
