import { createHash } from 'node:crypto';
import { basename } from 'node:path';
import { NO_TIME, parseConfig } from '../config.ts';
import type { Digest } from '../digest.ts';
import { OciError } from '../error.ts';
import { borrowed, createSpool } from '../layer/spool.ts';
import { openTar, type UnpackedTar } from '../layer/unpack.ts';
import { OCI_LAYER } from '../media-types.ts';
import type { TargetPlatform } from '../platform.ts';
import type { Image, ImageDoors, Layer, StepOptions } from '../types.ts';

export interface RootfsOptions extends StepOptions {
  /** The image as the user wrote it. */
  readonly name: string;
  readonly platform: TargetPlatform;
}

/**
 * GNU tar's call for a whole folder: everything exact, and the same folder gives the same bytes. So neither access
 * times nor process numbers go in (the names of extended headers have one, and so has every sparse form but 0.0),
 * nor the labels that the machine's own SELinux policy gives.
 */
function tarCommand(folder: string): readonly string[] {
  return [
    'tar',
    '--create',
    '--file=-',
    '--format=pax',
    '--pax-option=exthdr.name=%d/PaxHeaders/%f,delete=atime,delete=ctime',
    '--sort=name',
    '--numeric-owner',
    '--xattrs',
    '--xattrs-include=*',
    '--xattrs-exclude=security.selinux',
    '--sparse',
    '--sparse-version=0.0',
    `--directory=${folder}`,
    '.',
  ];
}

/** A folder with the files of a system, as an image of one layer. */
export async function openDirectory(
  folder: string,
  doors: ImageDoors,
  options: RootfsOptions,
): Promise<Image> {
  const status = await doors.files.stat(folder);
  if (status?.kind !== 'directory') {
    const what = status === undefined ? 'there is no such folder' : 'it is not a folder';
    throw new OciError('not-found', `${options.name}: ${what}`);
  }
  const spool = await createSpool(doors.files, doors.workFolder);
  try {
    const hash = createHash('sha256');
    let size = 0;
    const run = options.signal === undefined ? {} : { signal: options.signal };
    for await (const chunk of doors.programs.stream(tarCommand(folder), run)) {
      hash.update(chunk);
      await spool.write(size, chunk);
      size += chunk.length;
      options.onProgress?.({ step: 'pack', name: options.name, done: size });
    }
    return rootfsImage({ tar: spool, diffId: `sha256:${hash.digest('hex')}` }, folder, options);
  } catch (cause) {
    await spool[Symbol.asyncDispose]();
    throw cause;
  }
}

/** A tar of the files of a system, compressed or not, as an image of one layer. */
export async function openTarFile(path: string, doors: ImageDoors, options: RootfsOptions): Promise<Image> {
  const blob = await doors.files.open(path, 'read');
  const { signal, name } = options;
  const total = blob.size;
  const unpacked = await openTar(
    { blob, label: name },
    {
      files: doors.files,
      workFolder: doors.workFolder,
      limits: doors.limits,
      signal,
      onProgress: (done) => options.onProgress?.({ step: 'unpack', name, done, total }),
    },
  );
  return rootfsImage(unpacked, path, options);
}

function rootfsImage({ tar, diffId }: UnpackedTar, path: string, options: RootfsOptions): Image {
  const configBytes = configOf(options.platform, diffId);
  const open: Layer['open'] = async () => borrowed(tar);
  return {
    name: options.name,
    digest: diffId,
    config: parseConfig(configBytes, { label: options.name, layers: 1 }),
    configBytes,
    annotations: new Map(),
    layers: [
      {
        name: basename(path),
        digest: diffId,
        diffId,
        mediaType: OCI_LAYER,
        size: tar.size,
        annotations: new Map(),
        open,
        openBlob: open,
      },
    ],
    [Symbol.asyncDispose]: () => tar[Symbol.asyncDispose](),
  };
}

/** The least configuration that a container engine takes. Nothing of the machine or the path is in it. */
function configOf({ os, architecture, variant }: TargetPlatform, diffId: Digest): Uint8Array {
  return new TextEncoder().encode(
    JSON.stringify({
      created: NO_TIME,
      architecture,
      os,
      variant,
      config: {},
      rootfs: { type: 'layers', diff_ids: [diffId] },
      history: [{ created: NO_TIME, created_by: 'the files of a system, as one layer' }],
    }),
  );
}
