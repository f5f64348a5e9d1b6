import { alignUp, formatBytes } from '@cairn/bytes';
import type { Timestamp } from '@cairn/tree';
import { DiskError } from '../error.ts';
import { type DiskLayout, type Partition, type PartitionRequest, planDisk } from '../gpt/layout.ts';
import { directoryRecords, pathTableSize } from './directory.ts';
import { FIRST_DESCRIPTOR, SECTOR, VOLUME } from './format.ts';
import type { IsoExtent, IsoLayout, PlacedIsoDirectory, PlacedIsoFile, PlacedIsoName } from './layout.ts';
import { packRecords } from './records.ts';
import { type DirectoryNode, growTree, type IsoFile, type IsoNode, namedNodes } from './tree.ts';

export interface IsoRequest {
  /** Up to 32 upper-case letters, digits and `_`. */
  readonly volumeId: string;
  /** When everything was made. */
  readonly time: Timestamp;
  readonly files: readonly IsoFile[];
  /** The path of the file that UEFI boots: the image of a FAT file system (UEFI 2.10, section 13.3.2). */
  readonly bootImage?: string | undefined;
  /** At most 512 bytes for programs to read at byte 33651 of the volume. */
  readonly applicationUse?: Uint8Array | undefined;
  /** A partition table over the same bytes, for when they are on a disk. It has at least one partition. */
  readonly disk?: { readonly diskUuid: string; readonly partitions: readonly PartitionRequest[] } | undefined;
}

const VOLUME_ID = /^[A-Z0-9_]{1,32}$/;
const MIB = 1 << 20;
const MAX_SECTORS = 0xffff_ffff;
/** The path table has 16 bits for a folder's number. */
const MAX_DIRECTORIES = 0xffff;
const NO_EXTENT = { position: 0, size: 0 } as const;

/**
 * Lays out an ISO 9660 volume with Rock Ridge, one El Torito entry for UEFI, and a partition table over the same bytes:
 * descriptors and folders first, then the partitions, each from a multiple of 1 MiB on, then what is in no partition, then
 * the backup of the table.
 *
 * @throws DiskError `iso-bad-name`, `iso-invalid-request`, `iso-too-large` where the volume's descriptions do not fit
 * before the first partition, and what `planDisk` throws
 */
export function planIso(request: IsoRequest): IsoLayout {
  const { volumeId, time, applicationUse = new Uint8Array() } = request;
  checkRequest(request);
  const smallest = request.disk && planDisk(request.disk);
  const tree = inOrder(growTree(request.files));

  const descriptors = request.bootImage === undefined ? 2 : 3;
  let next = (FIRST_DESCRIPTOR + descriptors) * SECTOR;
  function take(size: number): number {
    const position = next;
    next = alignUp(next + size, SECTOR);
    return position;
  }
  const catalog = request.bootImage === undefined ? undefined : take(SECTOR);
  const tableSize = pathTableSize(tree.directories);
  const pathTable = { size: tableSize, little: take(tableSize), big: take(tableSize) };
  // How long records are does not depend on where things are.
  const unplaced = tree.files.map((node) => ({ ...NO_EXTENT, size: sizeOf(node.file) }));
  const directories: PlacedIsoDirectory[] = [];
  for (const directory of tree.directories) {
    const { length: size } = packRecords(
      directoryRecords(directory, { time, directories: tree.directories, files: unplaced, continuation: 0 }),
    );
    directories.push({ ...directory, position: take(size), size });
  }
  const continuation = take(SECTOR);

  if (smallest !== undefined) next = afterPartitions(smallest, next);
  const files = tree.files.map(({ path, file }): PlacedIsoFile => {
    if ('content' in file) {
      return { path, content: file.content, position: take(file.content.size), size: file.content.size };
    }
    return { path, content: undefined, ...inPartition(path, file, smallest?.partitions ?? []) };
  });
  const disk = request.disk && planDisk({ ...request.disk, size: alignUp(next, MIB) + MIB });
  const size = disk?.size ?? next;
  if (size / SECTOR > MAX_SECTORS) {
    throw new DiskError('iso-too-large', `an ISO cannot have ${formatBytes(size)}`);
  }
  return {
    size,
    volumeId,
    time,
    applicationUse,
    directories,
    files,
    pathTable,
    continuation,
    boot: catalog === undefined ? undefined : { catalog, image: bootImage(files, request.bootImage) },
    disk,
  };
}

function checkRequest({ volumeId, applicationUse, disk }: IsoRequest): void {
  if (!VOLUME_ID.test(volumeId)) {
    throw new DiskError(
      'iso-invalid-request',
      `"${volumeId}" cannot be an ISO's volume id: it has up to 32 upper-case letters, digits and "_"`,
    );
  }
  if (applicationUse !== undefined && applicationUse.length > VOLUME.applicationUseLength) {
    throw new DiskError(
      'iso-invalid-request',
      `${applicationUse.length} bytes for programs are more than an ISO's ${VOLUME.applicationUseLength}`,
    );
  }
  if (disk?.partitions.length === 0) {
    throw new DiskError('iso-invalid-request', 'a partition table of an ISO has at least one partition');
  }
}

interface OrderedTree {
  readonly directories: readonly PlacedIsoDirectory[];
  readonly files: readonly Extract<IsoNode, { kind: 'file' }>[];
}

/** Folders level by level, in each level by their parents and then by name: the order of the path table (section 6.9.1). */
function inOrder(root: DirectoryNode): OrderedTree {
  const queue = [{ node: root, alias: '', parent: 0 }];
  const directories: PlacedIsoDirectory[] = [];
  const files: Extract<IsoNode, { kind: 'file' }>[] = [];
  for (const [own, { node: directory, alias, parent }] of queue.entries()) {
    const children = namedNodes(directory).map(({ name, alias, node }): PlacedIsoName => {
      if (node.kind === 'file') return { name, alias, kind: 'file', index: files.push(node) - 1 };
      return { name, alias, kind: 'directory', index: queue.push({ node, alias, parent: own }) - 1 };
    });
    directories.push({ path: directory.path, alias, parent, children, ...NO_EXTENT });
  }
  if (directories.length > MAX_DIRECTORIES) {
    throw new DiskError('iso-too-large', `an ISO cannot have ${directories.length} folders`);
  }
  return { directories, files };
}

function sizeOf(file: IsoFile): number {
  return 'content' in file ? file.content.size : file.size;
}

/** Where the partitions end, once what comes before them is known to fit there. */
function afterPartitions({ partitions }: DiskLayout, end: number): number {
  const start = partitions[0]?.start ?? end;
  if (end > start) {
    throw new DiskError(
      'iso-too-large',
      `the ISO's folders take ${formatBytes(end)}: only ${formatBytes(start)} are before its first partition`,
    );
  }
  const last = partitions.at(-1);
  return last === undefined ? end : last.start + last.size;
}

function inPartition(
  path: string,
  { partition, offset, size }: Extract<IsoFile, { partition: string }>,
  partitions: readonly Partition[],
): IsoExtent {
  const found = partitions.find(({ label }) => label === partition);
  if (found === undefined || !(offset >= 0 && size >= 0 && offset + size <= found.size)) {
    throw new DiskError('iso-invalid-request', `"${path}" does not lie in a partition "${partition}"`);
  }
  const position = found.start + offset;
  if (position % SECTOR !== 0) {
    throw new DiskError('iso-invalid-request', `"${path}" does not begin at a multiple of ${SECTOR} bytes`);
  }
  return { position, size };
}

function bootImage(files: readonly PlacedIsoFile[], path: string | undefined): IsoExtent {
  const found = files.find((file) => file.path === path?.replace(/^\//, ''));
  if (found === undefined || found.size === 0) {
    throw new DiskError('iso-invalid-request', `there is no boot image "${path}" among the ISO's files`);
  }
  return { position: found.position, size: found.size };
}
