import { concatBytes, viewOf } from '@cairn/bytes';
import { ATTRIBUTE, ENTRY } from './format.ts';
import { encodeLongName, type StoredName } from './names.ts';
import type { FatTime } from './time.ts';

export interface DirectoryChild {
  readonly stored: StoredName;
  readonly firstCluster: number;
  /** A file's bytes; undefined for a folder. */
  readonly size: number | undefined;
}

export interface DirectoryContents {
  readonly time: FatTime;
  /** The volume's label, in the root only; empty for none. */
  readonly label: string;
  /** The folder's own first cluster and its parent's; undefined for the root, which has no `.` and `..`. */
  readonly self: number | undefined;
  readonly parent: number;
  readonly children: readonly DirectoryChild[];
}

/** The entries of a folder, without the zeros that fill up its last cluster. */
export function encodeDirectory(directory: DirectoryContents): Uint8Array {
  const { time, label, self, parent, children } = directory;
  const parts: Uint8Array[] = [];
  if (label !== '') parts.push(encodeEntry(label.padEnd(11), ATTRIBUTE.label, 0, 0, time));
  if (self !== undefined) {
    parts.push(encodeEntry('.'.padEnd(11), ATTRIBUTE.directory, self, 0, time));
    parts.push(encodeEntry('..'.padEnd(11), ATTRIBUTE.directory, parent, 0, time));
  }
  for (const { stored, firstCluster, size } of children) {
    const attributes = size === undefined ? ATTRIBUTE.directory : ATTRIBUTE.archive;
    parts.push(encodeLongName(stored), encodeEntry(stored.alias, attributes, firstCluster, size ?? 0, time));
  }
  return concatBytes(parts);
}

function encodeEntry(
  name: string,
  attributes: number,
  firstCluster: number,
  size: number,
  time: FatTime,
): Uint8Array {
  const bytes = new Uint8Array(ENTRY.size);
  const view = viewOf(bytes);
  bytes.set(Buffer.from(name, 'latin1'), ENTRY.name);
  view.setUint8(ENTRY.attributes, attributes);
  view.setUint8(ENTRY.createdTenths, time.hundredths);
  view.setUint16(ENTRY.createdTime, time.time, true);
  view.setUint16(ENTRY.createdDate, time.date, true);
  view.setUint16(ENTRY.accessedDate, time.date, true);
  view.setUint16(ENTRY.clusterHigh, firstCluster >>> 16, true);
  view.setUint16(ENTRY.modifiedTime, time.time, true);
  view.setUint16(ENTRY.modifiedDate, time.date, true);
  view.setUint16(ENTRY.clusterLow, firstCluster & 0xffff, true);
  view.setUint32(ENTRY.fileSize, size, true);
  return bytes;
}
