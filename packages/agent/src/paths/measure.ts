import { randomUUID } from 'node:crypto';
import { type Files, HostError, type Mount, mountOf, parseMountInfo } from '@cairn/host';
import { PERSISTENT, VOLATILE } from '../boot/places.ts';
import { WRITABLE_PATHS } from './map.ts';

/** What was found out about a path, by looking and by writing. */
export interface MeasuredPath {
  readonly path: string;
  /** A file could be made there just now. */
  readonly writable: boolean;
  /** What is written there is there after a reboot. */
  readonly kept: boolean;
  /** The file system it lies on, and the device or folder behind it. */
  readonly on: string;
}

/** Looked at besides the writable paths: these must say no. */
const SEALED_PATHS = ['/', '/usr'];

/** The map of what can be written and what lasts, measured: each path's mount is looked up and a file is made in it. */
export async function measurePaths(files: Files): Promise<MeasuredPath[]> {
  const mounts = parseMountInfo((await files.readText('/proc/self/mountinfo')) ?? '');
  const persistentDevice = mountAt(mounts, PERSISTENT)?.device;
  const measured: MeasuredPath[] = [];
  for (const path of [...SEALED_PATHS, ...WRITABLE_PATHS.map((entry) => entry.path)]) {
    if ((await files.stat(path)) === undefined) continue;
    const mount = mountOf(mounts, path);
    const writable = await canWrite(files, path);
    measured.push({
      path,
      writable,
      kept: writable && mount !== undefined && isKept(mount, persistentDevice),
      on: mount === undefined ? 'nothing' : describe(mount),
    });
  }
  return measured;
}

function mountAt(mounts: readonly Mount[], target: string): Mount | undefined {
  return mounts.findLast((mount) => mount.target === target);
}

function upperOf(mount: Mount): string | undefined {
  return mount.superOptions.find((option) => option.startsWith('upperdir='))?.slice('upperdir='.length);
}

function isKept(mount: Mount, persistentDevice: string | undefined): boolean {
  if (mount.type === 'overlay') {
    return persistentDevice !== undefined && (upperOf(mount)?.startsWith(`${PERSISTENT}/`) ?? false);
  }
  return mount.type !== 'tmpfs' && mount.type !== 'ramfs';
}

function describe(mount: Mount): string {
  if (mount.type !== 'overlay') {
    return mount.root === '/'
      ? `${mount.type} ${mount.source}`
      : `${mount.type} ${mount.source} ${mount.root}`;
  }
  const upper = upperOf(mount) ?? '';
  return upper.startsWith(VOLATILE) ? 'overlay in memory' : `overlay in ${upper}`;
}

async function canWrite(files: Files, folder: string): Promise<boolean> {
  const probe = `${folder === '/' ? '' : folder}/.cairn-${randomUUID()}`;
  try {
    const file = await files.open(probe, 'create');
    await file.close();
    await files.remove(probe);
    return true;
  } catch (error) {
    if (error instanceof HostError) return false;
    throw error;
  }
}
