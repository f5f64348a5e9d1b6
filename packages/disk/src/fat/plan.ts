import { alignUp, formatBytes } from '@cairn/bytes';
import type { Timestamp } from '@cairn/tree';
import { DiskError } from '../error.ts';
import { encodeDirectory } from './directory.ts';
import { ENTRY, type FatSectorSize, FIRST_CLUSTER, MAX_DIRECTORY_SIZE, MAX_FILE_SIZE } from './format.ts';
import {
  chooseGeometry,
  clusterPosition,
  clusterSize,
  DATA_ALIGNMENT,
  type FatGeometry,
} from './geometry.ts';
import { encodeTime, type FatTime } from './time.ts';
import {
  type DirectoryNode,
  type FatFile,
  type FatNode,
  growTree,
  inOrder,
  type NamedNode,
  namedNodes,
} from './tree.ts';

export interface FatRequest {
  /** The volume in bytes. */
  readonly size: number;
  readonly sectorSize?: FatSectorSize;
  /** Up to 11 upper-case letters, digits, blanks, `-` and `_`. */
  readonly label: string;
  /** 32 bits. */
  readonly volumeId: number;
  /** When everything was made, changed and read. */
  readonly time: Timestamp;
  readonly files: readonly FatFile[];
  /** Files begin at multiples of so many bytes, a power of two up to 4096: clusters in between stay free. */
  readonly fileAlignment?: number;
}

/** A run of clusters. `position` is in bytes from the volume's start. */
export interface FatRun {
  /** 0 where there are no clusters. */
  readonly firstCluster: number;
  readonly clusters: number;
  readonly position: number;
}

export interface PlacedFile extends FatRun, FatFile {}

export interface PlacedDirectory extends FatRun {
  readonly path: string;
  readonly bytes: Uint8Array;
}

/** Where everything on a volume is. The runs follow one another from cluster 2 on, directories, then files; between files there may be free clusters. */
export interface FatLayout {
  readonly size: number;
  readonly label: string;
  readonly volumeId: number;
  readonly geometry: FatGeometry;
  readonly usedClusters: number;
  /** The first one behind all that is used. */
  readonly nextCluster: number;
  readonly freeBytes: number;
  readonly directories: readonly PlacedDirectory[];
  readonly files: readonly PlacedFile[];
}

const LABEL = /^[A-Z0-9_-][A-Z0-9 _-]{0,10}$/;

/**
 * Lays out a FAT32 volume: every file and folder in one run of clusters, everything in the order of the names.
 *
 * @throws DiskError `fat-too-small` when `size` cannot be FAT32, `fat-no-space` when the files do not fit,
 * `fat-bad-name` for names that FAT cannot hold or takes for the same, `fat-invalid-request` for the rest
 */
export function planFat32(request: FatRequest): FatLayout {
  checkRequest(request);
  const { size, label, volumeId } = request;
  const geometry = chooseGeometry(size, request.sectorSize ?? 512);
  const tree = inOrder(growTree(request.files));
  const folders = tree.directories.map((node) => ({ node, children: namedNodes(node) }));

  const runs = new Map<FatNode, FatRun>();
  let next = FIRST_CLUSTER;
  function allocate(node: FatNode, bytes: number): FatRun {
    const clusters = Math.ceil(bytes / clusterSize(geometry));
    const firstCluster = clusters === 0 ? 0 : next;
    const run = { firstCluster, clusters, position: clusterPosition(geometry, next) };
    runs.set(node, run);
    next += clusters;
    return run;
  }
  for (const { node, children } of folders) allocate(node, directorySize(node, children, label));
  const files: PlacedFile[] = [];
  const step = Math.max(1, (request.fileAlignment ?? 1) / clusterSize(geometry));
  for (const node of tree.files) {
    // The first cluster is at a multiple of 4096 bytes.
    if (node.content.size > 0) next = FIRST_CLUSTER + alignUp(next - FIRST_CLUSTER, step);
    files.push({ path: node.path, content: node.content, ...allocate(node, node.content.size) });
  }
  checkSpace(next - FIRST_CLUSTER, geometry);
  const usedClusters = [...runs.values()].reduce((sum, run) => sum + run.clusters, 0);

  const time = encodeTime(request.time);
  const directories: PlacedDirectory[] = [];
  for (const { node, children } of folders) {
    const bytes = directoryBytes(node, children, { runs, time, label });
    directories.push({ path: node.path, bytes, ...runOf(runs, node) });
  }
  const freeBytes = (geometry.clusters - usedClusters) * clusterSize(geometry);
  return { size, label, volumeId, geometry, usedClusters, nextCluster: next, freeBytes, directories, files };
}

function checkRequest(request: FatRequest): void {
  if (request.label !== '' && !LABEL.test(request.label)) {
    throw new DiskError(
      'fat-invalid-request',
      `"${request.label}" cannot be a FAT label: it has up to 11 upper-case letters, digits, blanks, "-" and "_"`,
    );
  }
  if (!Number.isInteger(request.volumeId) || request.volumeId < 0 || request.volumeId > 0xffffffff) {
    throw new DiskError(
      'fat-invalid-request',
      `the volume id ${request.volumeId} is not a number of 32 bits`,
    );
  }
  const alignment = request.fileAlignment ?? 1;
  if (!(alignment >= 1 && alignment <= DATA_ALIGNMENT && Number.isInteger(Math.log2(alignment)))) {
    throw new DiskError('fat-invalid-request', `files cannot be aligned to ${alignment} bytes`);
  }
  for (const { path, content } of request.files) {
    if (content.size > MAX_FILE_SIZE) {
      throw new DiskError(
        'fat-invalid-request',
        `"${path}" has ${content.size} bytes; a file on FAT32 has less than 4 GiB`,
      );
    }
  }
}

function directorySize(directory: DirectoryNode, children: readonly NamedNode[], label: string): number {
  const own = directory.parent !== undefined ? 2 : label === '' ? 0 : 1;
  const entries = children.reduce((sum, { stored }) => sum + stored.longEntries + 1, own);
  if (entries * ENTRY.size > MAX_DIRECTORY_SIZE) {
    throw new DiskError('fat-no-space', `"/${directory.path}" has more names than a FAT folder can hold`);
  }
  // Even an empty root has its cluster, because the boot sector points to it.
  return Math.max(1, entries) * ENTRY.size;
}

function directoryBytes(
  directory: DirectoryNode,
  children: readonly NamedNode[],
  volume: { readonly runs: ReadonlyMap<FatNode, FatRun>; readonly time: FatTime; readonly label: string },
): Uint8Array {
  const { runs, time, label } = volume;
  const { parent } = directory;
  return encodeDirectory({
    time,
    label: parent === undefined ? label : '',
    self: parent === undefined ? undefined : runOf(runs, directory).firstCluster,
    // The root, as a parent, is written as 0, whatever its cluster is.
    parent: parent?.parent === undefined ? 0 : runOf(runs, parent).firstCluster,
    children: children.map(({ stored, node }) => ({
      stored,
      firstCluster: runOf(runs, node).firstCluster,
      size: node.kind === 'file' ? node.content.size : undefined,
    })),
  });
}

function runOf(runs: ReadonlyMap<FatNode, FatRun>, node: FatNode): FatRun {
  return runs.get(node) as FatRun;
}

function checkSpace(used: number, geometry: FatGeometry): void {
  if (used <= geometry.clusters) return;
  const missing = (used - geometry.clusters) * clusterSize(geometry);
  const size = geometry.totalSectors * geometry.sectorSize;
  throw new DiskError(
    'fat-no-space',
    `the files do not fit on a FAT32 volume of ${formatBytes(size)}: ${missing} bytes (${formatBytes(missing)}) are missing`,
    { hint: 'Make the volume larger, or leave files out.' },
  );
}
