import { byteString, viewOf } from '@cairn/bytes';
import { DiskError } from '../error.ts';
import {
  COFF,
  DIRECTORY_SIZE,
  DOS,
  MACHINE_NAMES,
  MAX_FILE_ALIGNMENT,
  MAX_SECTIONS,
  OPTIONAL,
  PE_SIGNATURE,
  PE32_PLUS,
  type PeMachine,
  SECTION,
} from './format.ts';

export interface PeSection {
  /** Without the NULs that fill it up. */
  readonly name: string;
  readonly virtualAddress: number;
  readonly virtualSize: number;
  /** Where its bytes are in the file, and how many there are. */
  readonly rawOffset: number;
  readonly rawSize: number;
  readonly characteristics: number;
}

/** A range as a data directory gives it; zeros where there is none. */
export interface PeDirectory {
  readonly address: number;
  readonly size: number;
}

/** The headers of a PE32+ image. Sizes and offsets are in bytes. */
export interface PeImage {
  readonly machine: PeMachine;
  readonly subsystem: number;
  readonly entryPoint: number;
  readonly sectionAlignment: number;
  readonly fileAlignment: number;
  readonly imageSize: number;
  readonly headersSize: number;
  readonly initializedSize: number;
  readonly directories: readonly PeDirectory[];
  readonly sections: readonly PeSection[];
  /** Where the file has its PE signature, optional header and section headers. */
  readonly peOffset: number;
  readonly optionalOffset: number;
  readonly sectionsOffset: number;
}

/**
 * Reads the headers of a PE32+ image for x86-64 or arm64 (PE format, "File headers" and "Section table").
 *
 * @param bytes the file, or its start up to the end of the headers
 * @param options.fileSize the size of the whole file, when `bytes` is only its start
 * @throws DiskError `pe-malformed`
 */
export function parsePe(bytes: Uint8Array, options: { fileSize?: number } = {}): PeImage {
  const fileSize = options.fileSize ?? bytes.length;
  const view = viewOf(bytes);
  check(bytes.length >= DOS.size && view.getUint16(0) === 0x4d5a, 'it does not start with "MZ"');
  const peOffset = view.getUint32(DOS.peOffset, true);
  check(peOffset + COFF.size <= bytes.length, `its PE header at ${peOffset} is outside of the file`);
  check(view.getUint32(peOffset, true) === PE_SIGNATURE, `there is no PE signature at ${peOffset}`);

  const machine = machineOf(view.getUint16(peOffset + COFF.machine, true));
  const sectionCount = view.getUint16(peOffset + COFF.sectionCount, true);
  const optionalSize = view.getUint16(peOffset + COFF.optionalSize, true);
  const optionalOffset = peOffset + COFF.size;
  const sectionsOffset = optionalOffset + optionalSize;
  check(sectionCount <= MAX_SECTIONS, `it has ${sectionCount} sections, more than ${MAX_SECTIONS}`);
  check(
    optionalSize >= OPTIONAL.size && sectionsOffset + sectionCount * SECTION.size <= bytes.length,
    'its headers are cut off',
  );
  const magic = view.getUint16(optionalOffset + OPTIONAL.magic, true);
  check(magic === PE32_PLUS, `its optional header is of kind 0x${magic.toString(16)}, not PE32+`);

  const optional = viewOf(bytes.subarray(optionalOffset, sectionsOffset));
  const image = {
    machine,
    subsystem: optional.getUint16(OPTIONAL.subsystem, true),
    entryPoint: optional.getUint32(OPTIONAL.entryPoint, true),
    sectionAlignment: optional.getUint32(OPTIONAL.sectionAlignment, true),
    fileAlignment: optional.getUint32(OPTIONAL.fileAlignment, true),
    imageSize: optional.getUint32(OPTIONAL.imageSize, true),
    headersSize: optional.getUint32(OPTIONAL.headersSize, true),
    initializedSize: optional.getUint32(OPTIONAL.initializedSize, true),
    directories: parseDirectories(optional),
    peOffset,
    optionalOffset,
    sectionsOffset,
  };
  check(
    isPowerOfTwo(image.sectionAlignment) && isPowerOfTwo(image.fileAlignment),
    `its alignments, ${image.sectionAlignment} and ${image.fileAlignment}, are not powers of two`,
  );
  check(image.fileAlignment <= MAX_FILE_ALIGNMENT, `its file alignment is ${image.fileAlignment}`);
  check(
    image.headersSize >= sectionsOffset + sectionCount * SECTION.size && image.headersSize <= fileSize,
    `its headers cannot end at ${image.headersSize}`,
  );
  check(image.entryPoint < Math.max(1, image.imageSize), 'its entry point is outside of the image');

  const sections = Array.from({ length: sectionCount }, (_, index) =>
    parseSection(bytes.subarray(sectionsOffset + index * SECTION.size), image.imageSize, fileSize),
  );
  return { ...image, sections };
}

function machineOf(value: number): PeMachine {
  if (value === 0x8664 || value === 0xaa64) return MACHINE_NAMES[value];
  throw new DiskError('pe-malformed', `the PE image is for machine 0x${value.toString(16)}`, {
    hint: 'x86-64 (0x8664) and arm64 (0xaa64) are supported.',
  });
}

function parseDirectories(optional: DataView): PeDirectory[] {
  const count = optional.getUint32(OPTIONAL.directoryCount, true);
  check(
    OPTIONAL.size + count * DIRECTORY_SIZE <= optional.byteLength,
    `its ${count} data directories do not fit into the optional header`,
  );
  return Array.from({ length: count }, (_, index) => {
    const offset = OPTIONAL.size + index * DIRECTORY_SIZE;
    return { address: optional.getUint32(offset, true), size: optional.getUint32(offset + 4, true) };
  });
}

function parseSection(bytes: Uint8Array, imageSize: number, fileSize: number): PeSection {
  const view = viewOf(bytes);
  const section = {
    name: byteString(bytes.subarray(0, SECTION.nameLength)).replace(/\0.*$/s, ''),
    virtualAddress: view.getUint32(SECTION.virtualAddress, true),
    virtualSize: view.getUint32(SECTION.virtualSize, true),
    rawOffset: view.getUint32(SECTION.rawOffset, true),
    rawSize: view.getUint32(SECTION.rawSize, true),
    characteristics: view.getUint32(SECTION.characteristics, true),
  };
  const name = JSON.stringify(section.name);
  check(
    section.rawSize === 0 || section.rawOffset + section.rawSize <= fileSize,
    `section ${name} is outside of the file, which has ${fileSize} bytes`,
  );
  check(
    section.virtualAddress + section.virtualSize <= imageSize,
    `section ${name} is outside of the image, which has ${imageSize} bytes`,
  );
  return section;
}

function isPowerOfTwo(value: number): boolean {
  return value > 0 && (value & (value - 1)) === 0;
}

function check(holds: boolean, problem: string): void {
  if (!holds) throw new DiskError('pe-malformed', `this is no PE image that can be used: ${problem}`);
}
