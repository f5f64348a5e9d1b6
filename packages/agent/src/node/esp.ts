import { type Host, parseMountInfo } from '@cairn/host';
import { RUN } from '../boot/places.ts';
import { mustRun } from './programs.ts';

/** Nobody else has it mounted, and it is mounted no longer than it is needed. */
export const ESP = `${RUN}/esp`;

const OPTIONS = 'umask=0077,noatime,nodev,nosuid,noexec';

/** The ESP, mounted. */
export interface MountedEsp extends AsyncDisposable {
  readonly path: string;
  /** Makes it writable. Until then nothing of it is changed, not even the mark of a mounted FAT. */
  allowWrites(): Promise<void>;
  /**
   * All that was written is on the disk when this is fulfilled. vfat's own syncfs(2) does not flush the disk's cache, its
   * fsync(2) does (Linux, fs/fat/file.c): so one after the other.
   */
  flush(folder: string): Promise<void>;
  /** What is read from now on comes from the disk: it is unmounted, the device's pages are dropped, and it is mounted again. */
  remount(): Promise<void>;
}

/**
 * Mounts the ESP. The caller holds the lock, so that what a run that was killed has left mounted is unmounted first.
 *
 * @throws AgentError `failed`
 */
export async function mountEsp(host: Host, device: string): Promise<MountedEsp> {
  const { files } = host;
  await files.makeDirectory(ESP, 0o700);
  if (await isMounted(host)) await mustRun(host, ['umount', ESP]);
  let writable = false;
  const mount = () =>
    mustRun(host, ['mount', '-t', 'vfat', '-o', `${writable ? 'rw' : 'ro'},${OPTIONS}`, device, ESP]);
  await mount();
  return {
    path: ESP,
    async allowWrites() {
      if (writable) return;
      await mustRun(host, ['mount', '-o', `remount,rw,${OPTIONS}`, ESP]);
      writable = true;
    },
    async flush(folder) {
      await mustRun(host, ['sync', '--file-system', ESP]);
      await files.sync(`${ESP}/${folder}`);
    },
    async remount() {
      await mustRun(host, ['umount', ESP]);
      await mustRun(host, ['blockdev', '--flushbufs', device]);
      await mount();
    },
    async [Symbol.asyncDispose]() {
      if (await isMounted(host)) await mustRun(host, ['umount', ESP]);
    },
  };
}

/** Whether a run mounts it now, or has left it mounted. */
export async function isMounted({ files }: Pick<Host, 'files'>): Promise<boolean> {
  const mounts = parseMountInfo((await files.readText('/proc/self/mountinfo')) ?? '');
  return mounts.some(({ target }) => target === ESP);
}
