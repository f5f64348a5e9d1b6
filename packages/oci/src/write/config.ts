import { z } from 'zod';
import { CONFIG_LIMIT, NO_TIME } from '../config.ts';
import type { Digest } from '../digest.ts';
import { checkShape, parseJson } from '../json.ts';

/** What is put on top of an image's configuration. */
export interface ConfigChanges {
  readonly labels: ReadonlyMap<string, string>;
  readonly layers: readonly { readonly diffId: Digest; readonly createdBy: string }[];
}

const schema = z.looseObject({
  created: z.string().nullish(),
  config: z.looseObject({ Labels: z.record(z.string(), z.string()).nullish() }).nullish(),
  rootfs: z.looseObject({ diff_ids: z.array(z.string()).nullish() }),
  history: z.array(z.looseObject({ empty_layer: z.boolean().nullish() })).nullish(),
});

/**
 * The configuration with more labels and layers. All else stays. No time of now goes in, so that the same image and
 * the same changes give the same bytes; but history entries get a time, the image's own, for umoci fails without.
 *
 * @param label names the configuration in errors
 * @throws OciError `invalid-manifest`
 */
export function extendConfig(base: Uint8Array, changes: ConfigChanges, label: string): Uint8Array {
  const given = checkShape(schema, parseJson(base, label, CONFIG_LIMIT), label);
  const diffIds = given.rootfs.diff_ids ?? [];
  const history = given.history ?? [];
  const labels = { ...given.config?.Labels, ...Object.fromEntries(changes.labels) };
  const extended = {
    ...given,
    config: { ...given.config, ...(Object.keys(labels).length > 0 ? { Labels: labels } : {}) },
    rootfs: { ...given.rootfs, diff_ids: [...diffIds, ...changes.layers.map(({ diffId }) => diffId)] },
  };
  // Readers pair history with layers one by one: a history that has not one entry a layer stays as it is.
  const isComplete = history.filter((entry) => entry.empty_layer !== true).length === diffIds.length;
  const created = given.created ?? NO_TIME;
  const added = changes.layers.map(({ createdBy }) => ({ created, created_by: createdBy }));
  return new TextEncoder().encode(
    JSON.stringify(isComplete ? { ...extended, history: [...history, ...added] } : extended),
  );
}
