import { memorySource } from '@cairn/bytes';
import { OciError } from '../error.ts';
import { borrowed } from '../layer/spool.ts';
import type { RegistryReference } from '../reference.ts';
import type { ImageDoors, ImageRegistry } from '../types.ts';
import { type ImageSource, shortDigest } from './image-source.ts';

export function registrySource(registry: ImageRegistry, reference: RegistryReference): ImageSource {
  return {
    async document({ digest }, { signal }) {
      const { tag: _, ...rest } = reference;
      const { bytes } = await registry.manifest({ ...rest, digest }, { signal });
      return borrowed(memorySource(bytes));
    },
    blob(descriptor, { signal, onProgress }) {
      const { digest, size } = descriptor;
      const name = shortDigest(digest);
      return registry.blob(reference, descriptor, {
        signal,
        onProgress: (done) => onProgress?.({ step: 'fetch', name, done, total: size }),
      });
    },
  };
}

export function registryOf(doors: ImageDoors, name: string): ImageRegistry {
  if (doors.registry !== undefined) return doors.registry;
  throw new OciError('unsupported', `${name} is in a registry, and this command does not use registries`);
}
