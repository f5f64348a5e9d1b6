import { type ByteSource, chunksOf, readAll, readExactly, sha256OfStream, sliceSource } from '@cairn/bytes';
import { type ErofsImage, openErofs, openFat32, type Partition, parseGpt, readUki } from '@cairn/disk';
import { type Release, releaseId } from '@cairn/release';

const BLOCK = 4096;
const DIGEST = 32;
const DIGESTS_PER_BLOCK = BLOCK / DIGEST;
const COMMAND_LINE_LIMIT = 4096;

/** Bytes that lie in a row on a disk. */
export interface Place {
  readonly start: number;
  readonly length: number;
}

/** Where things are on a disk that `cairn build` made, in bytes from its start: what a test flips bits of. */
export class DiskPlaces {
  readonly #disk: ByteSource;
  readonly #release: Release;
  readonly #esp: Partition;
  readonly #slot: Partition;

  private constructor(disk: ByteSource, release: Release, esp: Partition, slot: Partition) {
    this.#disk = disk;
    this.#release = release;
    this.#esp = esp;
    this.#slot = slot;
  }

  static async read(disk: ByteSource, release: Release): Promise<DiskPlaces> {
    const { partitions } = await parseGpt(disk);
    return new DiskPlaces(disk, release, labelled(partitions, 'ESP'), labelled(partitions, 'cairn-a'));
  }

  /** The parts of a file of the root, ascending; the last may lie in the block of its inode. */
  async fileExtents(path: string): Promise<readonly Place[]> {
    const { image, nid } = await this.#find(path);
    const extents = await image.extents(nid);
    return extents.map(({ imageOffset, length }) => ({ start: this.#slot.start + imageOffset, length }));
  }

  /** What `sha256sum` must print of a file of the root. */
  async sha256Of(path: string): Promise<string> {
    const { image, nid } = await this.#find(path);
    return sha256OfStream(chunksOf(await image.content(nid)));
  }

  /** The number of the root's block that a byte of the disk belongs to, as dm-verity counts. */
  blockOf(position: number): number {
    return Math.floor((position - this.#slot.start) / BLOCK);
  }

  /** The header of the hash tree, one block; the tree's top block follows, then its levels down to the lowest. */
  get veritySuperblock(): number {
    return this.#slot.start + this.#release.root.hashOffset;
  }

  get topHashBlock(): number {
    return this.veritySuperblock + BLOCK;
  }

  /** The digest of a block of the root, in the lowest level of the hash tree, which ends the release. */
  digestOf(block: number): number {
    const { size, dataSize } = this.#release.root;
    const lowestLevel = Math.ceil(dataSize / BLOCK / DIGESTS_PER_BLOCK) * BLOCK;
    return this.#slot.start + size - lowestLevel + block * DIGEST;
  }

  /** The first character of what matches in the command line of the UKI on the ESP. */
  async commandLine(text: RegExp): Promise<number> {
    let last = 0;
    const esp = sliceSource(this.#disk, this.#esp.start, this.#esp.size);
    const watched: ByteSource = {
      size: esp.size,
      read(position, target, signal) {
        last = position;
        return esp.read(position, target, signal);
      },
    };
    const uki = await (await openFat32(watched)).open(`EFI/cairn/${releaseId(this.#release)}.efi`);
    const { offset, size } = await ukiSection(uki, '.cmdline');
    const line = new TextDecoder().decode(await readExactly(uki, offset, size));
    const index = line.search(text);
    if (index < 0) throw new Error(`the command line has no ${text}: ${line}`);
    // A file may be scattered over its volume: where its byte is, is where the volume reads it.
    await readExactly(uki, offset + index, 1);
    return this.#esp.start + last;
  }

  async #find(path: string): Promise<{ readonly image: ErofsImage; readonly nid: number }> {
    const image = await openErofs(sliceSource(this.#disk, this.#slot.start, this.#release.root.size));
    let nid = image.root;
    for (const name of path.split('/').filter((part) => part !== '')) {
      const entry = (await image.readDirectory(nid)).find((entry) => entry.name === name);
      if (entry === undefined) throw new Error(`the root has no ${path}`);
      nid = entry.nid;
    }
    return { image, nid };
  }
}

/** What a UKI boots, for a start without firmware and boot loader. */
export interface BootParts {
  readonly kernel: Uint8Array;
  readonly initrd: Uint8Array;
  readonly commandLine: string;
}

export async function readBootParts(uki: ByteSource): Promise<BootParts> {
  async function content(name: string, limit: number): Promise<Uint8Array> {
    const { offset, size } = await ukiSection(uki, name);
    return readAll(sliceSource(uki, offset, size), limit);
  }
  return {
    kernel: await content('.linux', uki.size),
    initrd: await content('.initrd', uki.size),
    commandLine: new TextDecoder().decode(await content('.cmdline', COMMAND_LINE_LIMIT)),
  };
}

async function ukiSection(uki: ByteSource, name: string): Promise<{ offset: number; size: number }> {
  const section = (await readUki(uki)).sections.find((section) => section.name === name);
  if (section === undefined) throw new Error(`the UKI has no section ${name}`);
  return section;
}

function labelled(partitions: readonly Partition[], label: string): Partition {
  const partition = partitions.find((partition) => partition.label === label);
  if (partition === undefined) throw new Error(`the disk has no partition ${label}`);
  return partition;
}
