import { type RegistryReference } from '@cairn/oci';
import { CliError } from '../../errors/error.ts';
import { parseImage } from '../../options/image.ts';

/** A name in a registry. Throws CliError `usage`. */
export function registryReference(name: string): RegistryReference {
  const reference = parseImage(name);
  if (reference.kind === 'registry') return reference;
  throw new CliError('usage', `${name} is not in a registry`, { hint: 'Write HOST/REPOSITORY:TAG.' });
}
