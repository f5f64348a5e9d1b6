import { join } from 'node:path';
import { DiskError, openErofs } from '@cairn/disk';
import { openImage, openTree } from '@cairn/oci';
import { RELEASE_FILES } from '@cairn/release';
import type { Directory } from '@cairn/tree';
import { CliError } from '../errors/error.ts';
import { type ImageOptions, parseImage } from '../options/image.ts';
import type { Session } from '../session.ts';
import { openDoors } from './doors.ts';
import { layerProgress } from './layer-progress.ts';

/** The files of an image, or of a root that was made of one. */
export interface OpenFiles extends AsyncDisposable {
  readonly root: Directory;
}

const KINDS_HINT =
  'Name a root.erofs, a release folder, or an image: debian:13, oci:DIR, oci-archive:FILE, docker-archive:FILE, dir:ROOTFS, tar:FILE.';

/**
 * What a person names is a file or folder if there is one of that name that is a root or a release, and an image otherwise.
 *
 * @throws CliError `not-found`, `wrong-kind`; OciError, DiskError, HostError
 */
export async function openFiles(session: Session, name: string, options: ImageOptions): Promise<OpenFiles> {
  const path = await rootPath(session, name);
  if (path !== undefined) return openRoot(session, path);
  const { report, signal } = session;
  await using stack = new AsyncDisposableStack();
  const reference = parseImage(name);
  const doors = stack.use(openDoors(session, options));
  const image = stack.use(
    await openImage(reference, doors, {
      platform: options.platform,
      name,
      signal,
      onProgress: layerProgress(report),
    }),
  );
  const { root } = stack.use(await openTree(image, { signal, onProgress: layerProgress(report, image) }));
  const kept = stack.move();
  return { root, [Symbol.asyncDispose]: () => kept.disposeAsync() };
}

/** The path of a root file system that a name means; undefined where it must be an image's. */
export async function rootPath({ host }: Session, name: string): Promise<string | undefined> {
  const status = await host.files.stat(name);
  if (status?.kind === 'file' || status?.kind === 'block-device') return name;
  if (status?.kind === 'directory') {
    const path = join(name, RELEASE_FILES.root);
    if ((await host.files.stat(path))?.kind === 'file') return path;
  }
  // No image is named so.
  if (!/^(?:\.{0,2}\/|\.{1,2}$)/.test(name)) return undefined;
  throw status === undefined
    ? new CliError('not-found', `there is no ${name}`, { hint: KINDS_HINT })
    : new CliError('wrong-kind', `${name} is not a release: it has no ${RELEASE_FILES.root}`, {
        hint: KINDS_HINT,
      });
}

async function openRoot({ host, signal }: Session, path: string): Promise<OpenFiles> {
  await using stack = new AsyncDisposableStack();
  const file = stack.use(await host.files.open(path, 'read'));
  try {
    const root = await (await openErofs(file, { signal })).loadTree({ signal });
    const kept = stack.move();
    return { root, [Symbol.asyncDispose]: () => kept.disposeAsync() };
  } catch (cause) {
    if (!(cause instanceof DiskError)) throw cause;
    throw new CliError('wrong-kind', `${path}: ${cause.message}`, { hint: cause.hint ?? KINDS_HINT, cause });
  }
}
