import type { Directory } from '@cairn/tree';
import type { Image, OpenBytes, StepOptions } from '../types.ts';
import { type MergeLimits, mergeLayers } from './merge.ts';

/** An image's files as one tree. The contents are views of the layers, which are closed with its dispose. */
export interface OpenTree extends AsyncDisposable {
  readonly root: Directory;
}

export interface OpenTreeOptions extends StepOptions {
  /** How many layers are fetched and unpacked at a time: 2 unless given. */
  readonly concurrency?: number;
  readonly limits?: MergeLimits;
}

/**
 * Opens all layers of an image and merges them.
 *
 * @throws OciError; nothing is left open
 */
export async function openTree(image: Image, options: OpenTreeOptions = {}): Promise<OpenTree> {
  const layers = await openLayers(image, options);
  try {
    const named = layers.map((tar, index) => ({ name: image.layers[index]?.name ?? '', tar }));
    const root = await mergeLayers(named, {
      signal: options.signal,
      ...(options.limits === undefined ? {} : { limits: options.limits }),
    });
    return { root, [Symbol.asyncDispose]: () => closeAll(layers) };
  } catch (cause) {
    await closeAll(layers);
    throw cause;
  }
}

/** The layers' tars in their order. The first failure stops the others, and is the one that is thrown. */
async function openLayers(image: Image, options: OpenTreeOptions): Promise<OpenBytes[]> {
  const stop = new AbortController();
  const signal = options.signal === undefined ? stop.signal : AbortSignal.any([options.signal, stop.signal]);
  const opened = new Map<number, OpenBytes>();
  const queue = image.layers.entries();
  async function work(): Promise<void> {
    for (const [index, layer] of queue) {
      signal.throwIfAborted();
      opened.set(index, await layer.open({ signal, onProgress: options.onProgress }));
    }
  }
  let failure: { readonly cause: unknown } | undefined;
  const workers = Array.from({ length: options.concurrency ?? 2 }, () =>
    work().catch((cause: unknown) => {
      failure ??= { cause };
      stop.abort(cause);
    }),
  );
  await Promise.all(workers);
  if (failure !== undefined) {
    await closeAll([...opened.values()]);
    throw failure.cause;
  }
  return image.layers.map((_, index) => opened.get(index)).filter((tar) => tar !== undefined);
}

async function closeAll(layers: readonly OpenBytes[]): Promise<void> {
  for (const layer of layers) await layer[Symbol.asyncDispose]();
}
