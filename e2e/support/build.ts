import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { buildFramework } from '@cairn/framework';
import type { Host } from '@cairn/host';
import { runChecked } from '@cairn/host';
import { CACHE, ensureImage, type ImageName } from './images.ts';

/** `cairn`, as a program and its first arguments. */
export const CAIRN: readonly string[] = [
  process.execPath,
  fileURLToPath(new URL('../../packages/cli/src/main.ts', import.meta.url)),
];

/** The console that tests follow, and people in a virtual machine look at. */
export const SERIAL_CONSOLE = 'console=ttyS0';

/** Runs `cairn` as a person does, in a process of its own; gives its standard output. */
export async function cairn(host: Host, args: readonly string[], signal?: AbortSignal): Promise<string> {
  return runChecked(host.programs, [...CAIRN, ...args], signal === undefined ? {} : { signal });
}

/** The framework layer, built if it is not there or if anything that it is made of has changed. */
export async function ensureFramework(host: Host, signal?: AbortSignal): Promise<string> {
  const framework = await buildFramework(host, {
    cacheFolder: join(CACHE, 'framework'),
    ...(signal === undefined ? {} : { signal }),
  });
  return framework.layerFile;
}

/** Builds a release with a raw disk, or an ISO, of one of the test images or of another root file system; gives that one's path. */
export async function buildRelease(
  host: Host,
  image: ImageName | { readonly tar: string },
  out: string,
  options: {
    readonly args?: readonly string[];
    readonly format?: 'raw' | 'iso';
    /** Unless it is the one that is built here. */
    readonly framework?: string;
    readonly signal?: AbortSignal;
  } = {},
): Promise<string> {
  const { args = [], format = 'raw', signal } = options;
  const layer = options.framework ?? (await ensureFramework(host, signal));
  const tar = typeof image === 'string' ? await ensureImage(host, image, signal) : image.tar;
  await cairn(
    host,
    [
      'build',
      `tar:${tar}`,
      '--output',
      out,
      '--format',
      format,
      '--framework',
      layer,
      '--cmdline',
      SERIAL_CONSOLE,
      '--quiet',
      ...args,
    ],
    signal,
  );
  return join(out, `disk.${format}`);
}
