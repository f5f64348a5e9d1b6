import { OciError } from '../error.ts';
import type { BlobStore } from '../store.ts';
import type { ImageRegistry } from '../types.ts';
import type { Registry } from './client.ts';

/** Registries as images are read from them: blobs go into a store first, and stay there. */
export function imageRegistry(registry: Registry, store: BlobStore): ImageRegistry {
  return {
    manifest: (reference, options) => registry.manifest(reference, options),
    async blob(reference, blob, { signal, onProgress }) {
      const report =
        onProgress === undefined ? undefined : ({ received }: { received: number }) => onProgress(received);
      await registry.pullBlob(reference, blob, store, { signal, onProgress: report });
      const stored = await store.open(blob.digest);
      if (stored === undefined) {
        throw new OciError(
          'blob-unknown',
          `blob ${blob.digest} was removed from the store while it was needed`,
        );
      }
      return stored;
    },
  };
}
