import { PARTITION_TYPE } from '@cairn/disk';
import { ReleaseError } from './error.ts';

/** What differs between the machines that releases are for. */
export interface Architecture {
  /** Where firmware looks for a loader on a disk that it has not seen before (UEFI 2.10, section 3.5.1.1). */
  readonly fallbackLoader: string;
  /** Where `bootctl` looks for its own. */
  readonly loader: string;
  /** The type of root partitions (UAPI Discoverable Partitions Specification), for GPT and by its name in repart.d(5). */
  readonly rootType: string;
  readonly rootTypeName: string;
}

const ARCHITECTURES: ReadonlyMap<string, Architecture> = new Map([
  [
    'amd64',
    {
      fallbackLoader: 'EFI/BOOT/BOOTX64.EFI',
      loader: 'EFI/systemd/systemd-bootx64.efi',
      rootType: PARTITION_TYPE.rootX86_64,
      rootTypeName: 'root-x86-64',
    },
  ],
]);

/** By the names of container images. Throws `wrong-architecture` for one that no release can be for. */
export function architectureNamed(name: string): Architecture {
  const architecture = ARCHITECTURES.get(name);
  if (architecture !== undefined) return architecture;
  const names = [...ARCHITECTURES.keys()].join(', ');
  throw new ReleaseError('wrong-architecture', `releases cannot be made for ${name}, only for ${names}`);
}
