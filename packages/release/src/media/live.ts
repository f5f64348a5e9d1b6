import { type ByteSource, type ByteTarget, memorySource, offsetTarget, sha256Hex } from '@cairn/bytes';
import {
  deriveUuid,
  type FatFile,
  type FatLayout,
  type IsoFile,
  type IsoLayout,
  PARTITION_TYPE,
  type Partition,
  planDisk,
  planFat32,
  planIso,
} from '@cairn/disk';
import { architectureNamed } from '../architecture.ts';
import { ReleaseError } from '../error.ts';
import { encodeRelease, RELEASE_FILES, type Release } from '../release/schema.ts';
import { MIB } from '../sizes.ts';
import { type BootFiles, releaseId } from './esp.ts';
import type { ImageFacts } from './layout.ts';

/** What live media are known by, to firmware's menu, the initrd and `cairn install`. */
export const LIVE = {
  volumeId: 'CAIRN_LIVE',
  rootLabel: 'cairn-live',
  espLabel: 'ESP',
  entry: 'loader/entries/cairn-live.conf',
  /** On the ISO. */
  folder: 'cairn',
  config: 'config.yaml',
  espImage: 'efi.img',
} as const;

export const CONFIG_LIMIT = MIB;

/** An ISO of which all is settled but what follows from the UKI's size. */
export interface LiveMedia {
  /** All ids are derived from it. */
  readonly seed: string;
  /** Where the root lies on the medium, and how long it is, in bytes. */
  readonly root: Partition;
  readonly rootSize: number;
  readonly config: Uint8Array | undefined;
}

/** What media get besides a release's own texts. */
export interface MediaFiles extends BootFiles {
  readonly sbom: ByteSource;
}

/** All of an ISO. */
export interface LiveLayout {
  readonly iso: IsoLayout;
  readonly fat: FatLayout;
  readonly esp: Partition;
}

const LOADER_CONF = 'timeout 3\nconsole-mode keep\neditor no\n';
/** 1980-01-01, where FAT's time begins: an image's time is in its files already. */
const EPOCH = { seconds: 315_532_800, nanoseconds: 0 } as const;
const SECTOR = 2048;
/** FAT32 has at least 65,525 clusters; these are of 512 bytes each, and their tables. */
const SMALLEST_ESP = 34 * MIB;
/** Bit 60 of the UAPI Discoverable Partitions Specification: not to be written to. */
const READ_ONLY = 1n << 60n;

/**
 * Settles where the root lies, so that it can be written before all else is known: it is the medium's first partition.
 *
 * @throws ReleaseError `bad-option` for a configuration that is larger than 1 MiB or not UTF-8
 */
export function planLive(facts: ImageFacts, config: Uint8Array | undefined): LiveMedia {
  if (config !== undefined) checkConfig(config);
  // A medium with another configuration is another medium.
  const seed = config === undefined ? facts.rootUuid : deriveUuid(facts.rootUuid, sha256Hex(config));
  const request = {
    label: LIVE.rootLabel,
    type: facts.architecture.rootType,
    uuid: deriveUuid(seed, LIVE.rootLabel),
    size: facts.rootSize,
    attributes: READ_ONLY,
  };
  const { partitions } = planDisk({ diskUuid: deriveUuid(seed, 'live-disk'), partitions: [request] });
  const [root] = partitions;
  if (root === undefined) throw new TypeError('a partition was planned');
  return { seed, root, rootSize: facts.rootSize, config };
}

function checkConfig(config: Uint8Array): void {
  if (config.length > CONFIG_LIMIT) {
    throw new ReleaseError(
      'bad-option',
      `the configuration has ${config.length} bytes, more than ${CONFIG_LIMIT}`,
    );
  }
  try {
    new TextDecoder('utf-8', { fatal: true }).decode(config);
  } catch (cause) {
    throw new ReleaseError('bad-option', 'the configuration is not UTF-8 text', { cause });
  }
}

/** The files of a live medium's ESP: those of a disk's, with an entry of its own and the release's description. */
export function liveEspFiles(release: Release, { uki, bootLoader }: BootFiles): FatFile[] {
  const id = releaseId(release);
  return [
    { path: architectureNamed(release.architecture).fallbackLoader, content: bootLoader },
    { path: ukiPath(id), content: uki },
    { path: descriptionPath(id), content: memorySource(encodeRelease(release)) },
    { path: 'loader/loader.conf', content: textSource(LOADER_CONF) },
    { path: LIVE.entry, content: textSource(liveEntry(release)) },
  ];
}

function liveEntry(release: Release): string {
  return [
    `title ${release.name} ${release.version} (live)`,
    'sort-key cairn-live',
    `version ${release.version}`,
    `efi /${ukiPath(releaseId(release))}`,
    '',
  ].join('\n');
}

/** Lays out all that is on the medium, the UKI being there. UKI and description are stored once, on the ESP, and are files of the ISO too. */
export function layOutLive(media: LiveMedia, release: Release, files: MediaFiles): LiveLayout {
  const { seed, root, rootSize, config } = media;
  const espFiles = liveEspFiles(release, files);
  const fat = planFat32({
    size: espSize(espFiles),
    label: LIVE.espLabel,
    volumeId: Number.parseInt(deriveUuid(seed, 'live-esp-volume').slice(0, 8), 16),
    time: EPOCH,
    files: espFiles,
    fileAlignment: SECTOR,
  });
  function onEsp(path: string, espPath: string): IsoFile {
    const place = fat.files.find((file) => file.path === espPath);
    if (place === undefined) throw new TypeError(`${espPath} is on the ESP`);
    return { path, partition: LIVE.espLabel, offset: place.position, size: place.content.size };
  }
  const id = releaseId(release);
  const { folder } = LIVE;
  const iso = planIso({
    volumeId: LIVE.volumeId,
    time: EPOCH,
    applicationUse: new TextEncoder().encode(rootPlace(media)),
    bootImage: LIVE.espImage,
    files: [
      { path: `${folder}/${RELEASE_FILES.root}`, partition: LIVE.rootLabel, offset: 0, size: rootSize },
      onEsp(`${folder}/${RELEASE_FILES.uki}`, ukiPath(id)),
      onEsp(`${folder}/${RELEASE_FILES.description}`, descriptionPath(id)),
      { path: `${folder}/${RELEASE_FILES.sbom}`, content: files.sbom },
      { path: LIVE.espImage, partition: LIVE.espLabel, offset: 0, size: fat.size },
      ...(config === undefined ? [] : [{ path: `${folder}/${LIVE.config}`, content: memorySource(config) }]),
    ],
    disk: {
      diskUuid: deriveUuid(seed, 'live-disk'),
      partitions: [
        root,
        {
          label: LIVE.espLabel,
          type: PARTITION_TYPE.esp,
          uuid: deriveUuid(seed, 'live-esp'),
          size: fat.size,
        },
      ],
    },
  });
  const esp = iso.disk?.partitions[1];
  if (esp === undefined) throw new TypeError('two partitions were planned');
  return { iso, fat, esp };
}

/** What the initrd reads where there are no partitions, as on a CD: one line. */
export function rootPlace({ root, rootSize }: Pick<LiveMedia, 'root' | 'rootSize'>): string {
  return `cairn-root=${root.start},${rootSize}\n`;
}

/** Where the root is written to. */
export function liveRoot({ root }: LiveMedia, target: ByteTarget): ByteTarget {
  return offsetTarget(target, root.start);
}

/** Room for the files, the tables of the clusters, and folders. */
function espSize(files: readonly FatFile[]): number {
  const bytes = files.reduce((sum, { content }) => sum + content.size, 0);
  return Math.max(SMALLEST_ESP, Math.ceil((bytes * 1.02) / MIB + 1) * MIB);
}

function ukiPath(id: string): string {
  return `EFI/cairn/${id}.efi`;
}

function descriptionPath(id: string): string {
  return `EFI/cairn/${id}.json`;
}

function textSource(text: string): ReturnType<typeof memorySource> {
  return memorySource(new TextEncoder().encode(text));
}
