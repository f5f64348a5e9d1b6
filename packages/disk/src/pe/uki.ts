import {
  alignUp,
  type ByteSource,
  type ByteTarget,
  concatBytes,
  concatSource,
  copy,
  formatBytes,
  memorySource,
  readExactly,
  viewOf,
} from '@cairn/bytes';
import { DiskError } from '../error.ts';
import {
  CHARACTERISTIC,
  COFF,
  OPTIONAL,
  SECTION,
  SECURITY_DIRECTORY,
  SUBSYSTEM_EFI_APPLICATION,
} from './format.ts';
import { type PeImage, type PeSection, parsePe } from './parse.ts';

export interface UkiSection {
  /** As in the UKI specification: `.osrel`, `.cmdline`, `.uname`, `.initrd`, `.ucode`, `.linux`, ... */
  readonly name: string;
  /** Several sources follow one another, each at a multiple of 4 bytes: the kernel asks this of the archives of an initrd. */
  readonly content: Uint8Array | readonly ByteSource[];
}

export interface UkiRequest {
  /** systemd's EFI stub, unsigned: `linuxx64.efi.stub` or `linuxaa64.efi.stub`. */
  readonly stub: Uint8Array;
  readonly sections: readonly UkiSection[];
}

/** A UKI whose bytes are made when they are read. */
export interface UkiImage extends ByteSource {
  write(target: ByteTarget, options?: { signal?: AbortSignal }): Promise<void>;
}

/** The sections that the specification lets appear more than once. */
const REPEATABLE: ReadonlySet<string> = new Set(['.dtb', '.fwauto']);
const KERNEL_SECTION = '.linux';
const SECTION_NAME = /^\.[a-z0-9_]{1,7}$/;
const MAX_IMAGE_SIZE = 0xffffffff;
/** The headers of a kernel are within its first page. */
const KERNEL_HEADERS = 4096;

/**
 * Puts the parts of a Unified Kernel Image behind systemd's stub (UAPI.5, "UKI File Format"): sections in the order
 * given, but `.linux` last, so that it can claim as much memory as the kernel asks for (its own `SizeOfImage`):
 * kernels that are entered in place unpack themselves behind their end. Alignments are the stub's; the checksum is 0,
 * which UEFI does not look at and signing tools compute anew; what the stub has behind its last section (symbols) goes.
 *
 * @throws DiskError `uki-invalid-request` for sections that a UKI cannot have, `pe-malformed` for a stub that is not
 * one, `pe-no-header-room` when the stub has no room for that many section headers
 */
export async function assembleUki(
  request: UkiRequest,
  options: { signal?: AbortSignal } = {},
): Promise<UkiImage> {
  const image = parsePe(request.stub);
  checkStub(image);
  checkSections(request.sections, image);
  checkHeaderRoom(image, request.sections.length);
  const placed = await placeSections(request.sections, image, options.signal);

  const { header: last } = placed.at(-1) as PlacedSection;
  const imageSize = alignUp(last.virtualAddress + last.virtualSize, image.sectionAlignment);
  checkImageSize(Math.max(imageSize, last.rawOffset + last.rawSize));
  const head = new Uint8Array(alignUp(storedEnd(image), image.fileAlignment));
  head.set(request.stub.subarray(0, storedEnd(image)));
  extendHeaders(
    head,
    image,
    placed.map(({ header }) => header),
    imageSize,
  );
  const whole = concatSource([memorySource(head), ...placed.flatMap(paddedParts)]);
  return {
    size: whole.size,
    read: (position, target, signal) => whole.read(position, target, signal),
    write: (target, { signal } = {}) => copy(whole, target, signal),
  };
}

interface PlacedSection {
  readonly header: PeSection;
  readonly source: ByteSource;
}

/** Puts sections behind those of the stub, in the file and in memory; at least the kernel's is there. */
async function placeSections(
  sections: readonly UkiSection[],
  image: PeImage,
  signal?: AbortSignal,
): Promise<PlacedSection[]> {
  const inOrder = [
    ...sections.filter((section) => section.name !== KERNEL_SECTION),
    ...sections.filter((section) => section.name === KERNEL_SECTION),
  ];
  const placed: PlacedSection[] = [];
  let rawOffset = alignUp(storedEnd(image), image.fileAlignment);
  let virtualEnd = Math.max(...image.sections.map((section) => section.virtualAddress + section.virtualSize));
  for (const { name, content } of inOrder) {
    const source = content instanceof Uint8Array ? memorySource(content) : joinArchives(content);
    const isKernel = name === KERNEL_SECTION;
    const header = {
      name,
      virtualAddress: alignUp(virtualEnd, image.sectionAlignment),
      virtualSize: isKernel ? await kernelMemory(source, image, signal) : source.size,
      rawOffset,
      rawSize: alignUp(source.size, image.fileAlignment),
      characteristics:
        CHARACTERISTIC.read | (isKernel ? CHARACTERISTIC.code : CHARACTERISTIC.initializedData),
    };
    placed.push({ header, source });
    rawOffset += header.rawSize;
    virtualEnd = header.virtualAddress + header.virtualSize;
  }
  return placed;
}

/** Where headers and stored sections of the stub end in its file. */
function storedEnd(image: PeImage): number {
  return Math.max(
    image.headersSize,
    ...storedSections(image).map((section) => section.rawOffset + section.rawSize),
  );
}

function storedSections(image: PeImage): PeSection[] {
  return image.sections.filter((section) => section.rawSize > 0);
}

function paddedParts({ header, source }: PlacedSection): ByteSource[] {
  return [source, memorySource(new Uint8Array(header.rawSize - source.size))];
}

function joinArchives(sources: readonly ByteSource[]): ByteSource {
  return concatSource(
    sources.flatMap((source, index) => {
      const padding = index === sources.length - 1 ? 0 : alignUp(source.size, 4) - source.size;
      return [source, memorySource(new Uint8Array(padding))];
    }),
  );
}

function checkStub(image: PeImage): void {
  if (image.subsystem !== SUBSYSTEM_EFI_APPLICATION || image.sections.length === 0) {
    throw new DiskError('pe-malformed', 'the stub is not an EFI application');
  }
  if ((image.directories[SECURITY_DIRECTORY]?.size ?? 0) > 0) {
    throw new DiskError(
      'uki-invalid-request',
      'the stub is signed, and adding sections breaks its signature',
      {
        hint: 'Take the unsigned stub, and sign the UKI.',
      },
    );
  }
}

function checkSections(sections: readonly UkiSection[], image: PeImage): void {
  const names = new Set(image.sections.map((section) => section.name));
  for (const { name } of sections) {
    if (!SECTION_NAME.test(name)) {
      throw new DiskError('uki-invalid-request', `"${name}" cannot be the name of a section`, {
        hint: 'A name is a dot and up to seven lower-case letters, digits or "_".',
      });
    }
    if (names.has(name) && !REPEATABLE.has(name)) {
      throw new DiskError('uki-invalid-request', `section "${name}" is there twice, or in the stub already`);
    }
    names.add(name);
  }
  if (!names.has(KERNEL_SECTION)) {
    throw new DiskError('uki-invalid-request', `a UKI needs a "${KERNEL_SECTION}" section with the kernel`);
  }
}

/** Section headers go between those of the stub and the end of the headers, or the first section's bytes if they come earlier. */
function checkHeaderRoom(image: PeImage, added: number): void {
  const used = image.sectionsOffset + image.sections.length * SECTION.size;
  const end = Math.min(image.headersSize, ...storedSections(image).map((section) => section.rawOffset));
  const room = Math.max(0, Math.floor((end - used) / SECTION.size));
  if (added > room) {
    throw new DiskError(
      'pe-no-header-room',
      `the stub has room for ${room} more section headers, ${added} are needed`,
      { hint: 'Take a stub of a newer systemd, or leave sections out.' },
    );
  }
}

/** The memory that the kernel's image asks for, or its size where it has no PE headers (a compressed arm64 kernel). */
async function kernelMemory(kernel: ByteSource, stub: PeImage, signal?: AbortSignal): Promise<number> {
  const start = await readExactly(kernel, 0, Math.min(kernel.size, KERNEL_HEADERS), signal);
  if (start[0] !== 0x4d || start[1] !== 0x5a) return kernel.size;
  const image = parsePe(start, { fileSize: kernel.size });
  if (image.machine !== stub.machine) {
    throw new DiskError(
      'uki-invalid-request',
      `the kernel is for ${image.machine}, the stub for ${stub.machine}`,
    );
  }
  return Math.max(kernel.size, image.imageSize);
}

function checkImageSize(size: number): void {
  if (size > MAX_IMAGE_SIZE) {
    throw new DiskError(
      'uki-invalid-request',
      `a UKI of ${formatBytes(size)} is over the limit of PE, 4 GiB`,
    );
  }
}

function extendHeaders(
  head: Uint8Array,
  image: PeImage,
  added: readonly PeSection[],
  imageSize: number,
): void {
  const view = viewOf(head);
  const { peOffset, optionalOffset, sections } = image;
  view.setUint16(peOffset + COFF.sectionCount, sections.length + added.length, true);
  view.setUint32(peOffset + COFF.symbolTable, 0, true);
  view.setUint32(peOffset + COFF.symbolCount, 0, true);
  // Counted as systemd's own tools count it: the kernel too, and without the padding of the file.
  const initialized = added.reduce((sum, section) => sum + section.virtualSize, image.initializedSize);
  view.setUint32(optionalOffset + OPTIONAL.initializedSize, initialized, true);
  view.setUint32(optionalOffset + OPTIONAL.imageSize, imageSize, true);
  view.setUint32(optionalOffset + OPTIONAL.checksum, 0, true);
  head.set(concatBytes(added.map(encodeSection)), image.sectionsOffset + sections.length * SECTION.size);
}

function encodeSection(section: PeSection): Uint8Array {
  const bytes = new Uint8Array(SECTION.size);
  const view = viewOf(bytes);
  bytes.set(new TextEncoder().encode(section.name));
  view.setUint32(SECTION.virtualSize, section.virtualSize, true);
  view.setUint32(SECTION.virtualAddress, section.virtualAddress, true);
  view.setUint32(SECTION.rawSize, section.rawSize, true);
  view.setUint32(SECTION.rawOffset, section.rawOffset, true);
  view.setUint32(SECTION.characteristics, section.characteristics, true);
  return bytes;
}
