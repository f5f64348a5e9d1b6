import { concatBytes, viewOf } from '@cairn/bytes';
import type { Timestamp } from '@cairn/tree';
import { FLAG, MAX_EXTENT, SECTOR } from './format.ts';
import type { IsoExtent, PlacedIsoDirectory, PlacedIsoName } from './layout.ts';
import { encodeRecord } from './records.ts';
import { dotEntries, extensionReference, namedEntries, rootEntries } from './rock-ridge.ts';

/** What records say of the rest of the volume. */
export interface RecordContext {
  readonly time: Timestamp;
  readonly directories: readonly PlacedIsoDirectory[];
  readonly files: readonly IsoExtent[];
  readonly continuation: number;
}

const SELF = Uint8Array.of(0);
const ABOVE = Uint8Array.of(1);

/** The records of a folder: for itself, the one above, and each of its names. */
export function directoryRecords(directory: PlacedIsoDirectory, context: RecordContext): Uint8Array[] {
  const parent = context.directories[directory.parent] ?? directory;
  return [
    dotRecord(SELF, directory, context, directory.alias === ''),
    dotRecord(ABOVE, parent, context, false),
    ...directory.children.flatMap((child) =>
      child.kind === 'directory' ? [folderRecord(child, context)] : fileRecords(child, context),
    ),
  ];
}

/** The root's record, as it is in the volume descriptor. */
export function rootRecord(context: RecordContext): Uint8Array {
  const { position, size } = context.directories[0] ?? { position: 0, size: 0 };
  return encodeRecord({
    id: SELF,
    sector: position / SECTOR,
    size,
    flags: FLAG.directory,
    time: context.time,
    systemUse: new Uint8Array(),
  });
}

function dotRecord(
  id: Uint8Array,
  directory: PlacedIsoDirectory,
  { time, continuation }: RecordContext,
  isRoot: boolean,
): Uint8Array {
  const links = linksOf(directory);
  const place = { sector: continuation / SECTOR, length: extensionReference().length };
  return encodeRecord({
    id,
    sector: directory.position / SECTOR,
    size: directory.size,
    flags: FLAG.directory,
    time,
    systemUse: isRoot ? rootEntries(links, place) : dotEntries(links),
  });
}

function folderRecord({ name, alias, index }: PlacedIsoName, context: RecordContext): Uint8Array {
  const directory = context.directories[index] as PlacedIsoDirectory;
  return encodeRecord({
    id: new TextEncoder().encode(alias),
    sector: directory.position / SECTOR,
    size: directory.size,
    flags: FLAG.directory,
    time: context.time,
    systemUse: namedEntries(name, 'directory', linksOf(directory)),
  });
}

/** One record for each extent of a file (section 6.5.1). */
function fileRecords({ name, alias, index }: PlacedIsoName, { time, files }: RecordContext): Uint8Array[] {
  const extents = extentsOf(files[index] as IsoExtent);
  return extents.map((extent, number) =>
    encodeRecord({
      id: new TextEncoder().encode(alias),
      sector: extent.position / SECTOR,
      size: extent.size,
      flags: number === extents.length - 1 ? 0 : FLAG.multiExtent,
      time,
      systemUse: namedEntries(name, 'file', 1),
    }),
  );
}

/** A file's bytes as extents, all but the last one as large as can be. An empty file has one. */
function extentsOf({ position, size }: IsoExtent): IsoExtent[] {
  const extents: IsoExtent[] = [];
  for (let done = 0; done < size || extents.length === 0; done += MAX_EXTENT) {
    extents.push({ position: position + done, size: Math.min(MAX_EXTENT, size - done) });
  }
  return extents;
}

/** Its name, its record for itself, and one in each folder below. */
function linksOf({ children }: PlacedIsoDirectory): number {
  return 2 + children.filter(({ kind }) => kind === 'directory').length;
}

/** The path table's bytes, numbers in the byte order of the L or the M form (section 9.4). */
export function encodePathTable(
  directories: readonly PlacedIsoDirectory[],
  littleEndian: boolean,
): Uint8Array {
  return concatBytes(
    directories.map(({ alias, position, parent }) => {
      const id = alias === '' ? SELF : new TextEncoder().encode(alias);
      const bytes = new Uint8Array(8 + id.length + (id.length % 2));
      const view = viewOf(bytes);
      view.setUint8(0, id.length);
      view.setUint32(2, position / SECTOR, littleEndian);
      view.setUint16(6, parent + 1, littleEndian);
      bytes.set(id, 8);
      return bytes;
    }),
  );
}

export function pathTableSize(directories: readonly PlacedIsoDirectory[]): number {
  return encodePathTable(directories, true).length;
}
