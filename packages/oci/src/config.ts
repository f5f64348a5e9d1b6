import { z } from 'zod';
import type { Digest } from './digest.ts';
import { OciError } from './error.ts';
import { checkShape, parseJson, textMap } from './json.ts';
import { digestSchema } from './manifest.ts';
import type { Platform } from './platform.ts';

/** Docker's own hold every build step with its whole command line: more than a manifest. */
export const CONFIG_LIMIT = 8 << 20;

/** What stands for "no time" in images that are built reproducibly. */
export const NO_TIME = '1970-01-01T00:00:00Z';

/** How a layer came about (OCI image specification, config.md, "history"). */
export interface HistoryEntry {
  readonly created?: string;
  readonly createdBy?: string;
  readonly comment?: string;
  /** The step changed no file, so that it has no layer. */
  readonly emptyLayer: boolean;
}

/** An image's configuration, as far as an operating system is concerned (config.md). */
export interface ImageConfig {
  /** Empty where the image does not say, as with `os`. */
  readonly architecture: string;
  readonly os: string;
  readonly variant?: string;
  readonly created?: string;
  readonly labels: ReadonlyMap<string, string>;
  /** `NAME=VALUE` each. */
  readonly env: readonly string[];
  readonly history: readonly HistoryEntry[];
  /** Of the uncompressed layers, from the lowest to the highest. */
  readonly diffIds: readonly Digest[];
}

const LIST_LIMIT = 10_000;

const historySchema = z.object({
  created: z.string().nullish(),
  created_by: z.string().nullish(),
  comment: z.string().nullish(),
  empty_layer: z.boolean().nullish(),
});

const schema = z.object({
  architecture: z.string().nullish(),
  os: z.string().nullish(),
  variant: z.string().nullish(),
  created: z.string().nullish(),
  config: z
    .object({
      Labels: z.record(z.string(), z.string()).nullish(),
      Env: z.array(z.string()).max(LIST_LIMIT).nullish(),
    })
    .nullish(),
  rootfs: z.object({
    type: z.literal('layers'),
    diff_ids: z.array(digestSchema).max(LIST_LIMIT).nullish(),
  }),
  history: z.array(historySchema).max(LIST_LIMIT).nullish(),
});

/**
 * @param options.label names the configuration in errors
 * @param options.layers how many layers the manifest has: there must be as many diffIDs
 * @throws OciError `too-large`, `invalid-manifest`
 */
export function parseConfig(
  bytes: Uint8Array,
  options: { readonly label: string; readonly layers: number },
): ImageConfig {
  const given = checkShape(schema, parseJson(bytes, options.label, CONFIG_LIMIT), options.label);
  const diffIds = given.rootfs.diff_ids ?? [];
  if (diffIds.length !== options.layers) {
    throw new OciError(
      'invalid-manifest',
      `${options.label} is for ${diffIds.length} layers, the image has ${options.layers}`,
    );
  }
  return {
    architecture: given.architecture ?? '',
    os: given.os ?? '',
    ...(given.variant ? { variant: given.variant } : {}),
    ...(given.created ? { created: given.created } : {}),
    labels: textMap(given.config?.Labels),
    env: given.config?.Env ?? [],
    history: (given.history ?? []).map(historyEntry),
    diffIds,
  };
}

function historyEntry(given: z.output<typeof historySchema>): HistoryEntry {
  return {
    ...(given.created ? { created: given.created } : {}),
    ...(given.created_by ? { createdBy: given.created_by } : {}),
    ...(given.comment ? { comment: given.comment } : {}),
    emptyLayer: given.empty_layer ?? false,
  };
}

/** undefined where the image does not say what it is for. */
export function configPlatform(config: ImageConfig): Platform | undefined {
  const { os, architecture, variant } = config;
  if (os === '' && architecture === '') return undefined;
  return variant === undefined ? { os, architecture } : { os, architecture, variant };
}
