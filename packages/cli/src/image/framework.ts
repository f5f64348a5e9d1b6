import { join } from 'node:path';
import { chunksOf, sha256OfStream } from '@cairn/bytes';
import { cacheFolder, type OpenFile } from '@cairn/host';
import {
  type Image,
  type ImageDoors,
  type Layer,
  openImage,
  openTree,
  type Progress,
  type TargetPlatform,
} from '@cairn/oci';
import { FRAMEWORK_PATHS, type Framework, parseFramework } from '@cairn/release';
import { type Directory, readFileIn } from '@cairn/tree';
import { CliError } from '../errors/error.ts';
import type { Session } from '../session.ts';

/** Where `npm run framework` puts it, in the cache folder. */
const BUILT_HERE = 'framework/layer.tar.zst';
const HINT = 'Make it with `npm run framework`, or name one: --framework FILE, or CAIRN_FRAMEWORK=FILE.';

/** The framework layer, open. */
export interface FrameworkLayer extends AsyncDisposable {
  readonly file: OpenFile;
  readonly layer: Layer;
  readonly root: Directory;
  readonly description: Framework;
}

/** @throws CliError `no-framework`, `wrong-architecture` */
export async function openFramework(
  session: Session,
  doors: ImageDoors,
  options: { readonly framework?: string | undefined; readonly platform: TargetPlatform },
): Promise<FrameworkLayer> {
  const { host, report, signal } = session;
  const path = await locate(session, options.framework);
  await using stack = new AsyncDisposableStack();
  const file = stack.use(await host.files.open(path, 'read'));
  const step = {
    signal,
    onProgress: ({ done, total }: Progress) => report.progress({ phase: 'framework', done, total }),
  };
  const image: Image = stack.use(
    await openImage({ kind: 'tar', path }, doors, { ...step, platform: options.platform, name: path }),
  );
  const { root } = stack.use(await openTree(image, step));
  const [layer] = image.layers;
  const bytes = await readFileIn(root, FRAMEWORK_PATHS.description, { limit: 1 << 16, signal });
  if (layer === undefined || bytes === undefined) {
    throw new CliError('no-framework', `${path} is not a framework layer`, { hint: HINT });
  }
  const description = parseFramework(bytes);
  if (description.architecture !== options.platform.architecture) {
    throw new CliError(
      'wrong-architecture',
      `the framework layer ${path} is for ${description.architecture}, the image for ${options.platform.architecture}`,
    );
  }
  const kept = stack.move();
  return { file, layer, root, description, [Symbol.asyncDispose]: () => kept.disposeAsync() };
}

/** The SHA-256 of the layer as it is stored, in hexadecimal. */
export function layerDigest({ file }: FrameworkLayer, signal: AbortSignal): Promise<string> {
  return sha256OfStream(chunksOf(file, signal));
}

async function locate({ host }: Session, given: string | undefined): Promise<string> {
  const { environment, files } = host;
  const named = given ?? environment['CAIRN_FRAMEWORK'];
  const path = named || join(cacheFolder(environment), BUILT_HERE);
  if ((await files.stat(path))?.kind === 'file') return path;
  throw new CliError(
    'no-framework',
    named
      ? `there is no framework layer at ${path}`
      : 'the image is not converted, and there is no framework layer to convert it with',
    { hint: HINT },
  );
}
