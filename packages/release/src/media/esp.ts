import { type ByteSource, type ByteTarget, memorySource } from '@cairn/bytes';
import { deriveUuid, type FatFile, planFat32, writeFat32 } from '@cairn/disk';
import { architectureNamed } from '../architecture.ts';
import { encodeRelease, type Release } from '../release/schema.ts';

/** What the ESP gets besides a release's own texts. */
export interface BootFiles {
  readonly uki: ByteSource;
  /** systemd-boot. */
  readonly bootLoader: ByteSource;
}

const LOADER_CONF = 'timeout 3\nconsole-mode keep\neditor no\n';

/** 1980-01-01, where FAT's time begins: an image's time is in its files already. */
const FAT_EPOCH = { seconds: 315_532_800, nanoseconds: 0 } as const;

/** How a release is called on the ESP: no two roots have the same. */
export function releaseId(release: Release): string {
  return release.root.rootHash.slice(0, 32);
}

/** Of the entry on a new disk; each commit of a release takes the highest there is plus one. */
const FIRST_GENERATION = 1;

/**
 * The files of an ESP with one release: two copies of the loader, its settings, the UKI with the release's description, and
 * its entry (UAPI.1, Boot Loader Specification).
 */
export function espFiles(release: Release, { uki, bootLoader }: BootFiles): FatFile[] {
  const architecture = architectureNamed(release.architecture);
  const id = releaseId(release);
  return [
    { path: architecture.fallbackLoader, content: bootLoader },
    { path: architecture.loader, content: bootLoader },
    { path: `EFI/cairn/${id}.efi`, content: uki },
    { path: `EFI/cairn/${id}.json`, content: memorySource(encodeRelease(release)) },
    { path: 'loader/loader.conf', content: textSource(LOADER_CONF) },
    {
      path: `loader/entries/cairn-${FIRST_GENERATION}.conf`,
      content: textSource(loaderEntry(release, FIRST_GENERATION)),
    },
  ];
}

/**
 * The entry of a release in the boot menu. The loader takes the entry with the highest generation first, whatever the
 * release's own version is.
 */
export function loaderEntry(release: Release, generation: number): string {
  return [
    `title ${release.name} ${release.version}`,
    'sort-key cairn',
    `version ${generation}`,
    `efi /EFI/cairn/${releaseId(release)}.efi`,
    '',
  ].join('\n');
}

/** The file of the recovery release's entry. */
export const RECOVERY_ENTRY = 'loader/entries/cairn-recovery.conf';

/** The entry of the recovery release: the loader takes it after all others, or when it is chosen. */
export function recoveryEntry(release: Release): string {
  return [
    `title ${release.name} ${release.version} (recovery)`,
    'sort-key cairn-recovery',
    `version ${release.version}`,
    `efi /EFI/cairn/${releaseId(release)}.efi`,
    '',
  ].join('\n');
}

/** Writes an ESP of `size` bytes from the target's start. */
export async function writeEsp(
  release: Release,
  files: BootFiles,
  target: ByteTarget,
  size: number,
  signal?: AbortSignal,
): Promise<void> {
  const volumeId = Number.parseInt(deriveUuid(release.root.uuid, 'esp-volume').slice(0, 8), 16);
  const layout = planFat32({
    size,
    label: 'ESP',
    volumeId,
    time: FAT_EPOCH,
    files: espFiles(release, files),
  });
  await writeFat32(layout, target, signal === undefined ? {} : { signal });
}

function textSource(text: string): ByteSource {
  return memorySource(new TextEncoder().encode(text));
}
