export { type CpioEntry, readCpio } from './cpio/read.ts';
export { type CpioOptions, cpioArchive } from './cpio/write.ts';
export type { ErofsExtent } from './erofs/extents.ts';
export type { ErofsKind } from './erofs/format.ts';
export type { LoadOptions } from './erofs/load.ts';
export { type ErofsLayout, type ErofsOptions, planErofs } from './erofs/plan.ts';
export { type ErofsImage, openErofs } from './erofs/read.ts';
export type { ErofsEntry, ErofsStat } from './erofs/stat.ts';
export { type ErofsSuperblock, parseSuperblock as parseErofsSuperblock } from './erofs/superblock.ts';
export { type ErofsWriteOptions, writeErofs } from './erofs/write.ts';
export { DiskError, type DiskErrorCode } from './error.ts';
export type { FatEntry } from './fat/entries.ts';
export type { FatSectorSize } from './fat/format.ts';
export type { FatGeometry } from './fat/geometry.ts';
export {
  type FatLayout,
  type FatRequest,
  type FatRun,
  type PlacedDirectory,
  type PlacedFile,
  planFat32,
} from './fat/plan.ts';
export { Fat32Volume, type FatPath, openFat32 } from './fat/read.ts';
export type { FatFile } from './fat/tree.ts';
export { writeFat32 } from './fat/write.ts';
export { type EncodedGpt, encodeGpt, type Placed } from './gpt/encode.ts';
export { decodeGuid, deriveUuid, encodeGuid } from './gpt/guid.ts';
export {
  type DiskLayout,
  type DiskRequest,
  PARTITION_TYPE,
  type Partition,
  type PartitionIdentity,
  type PartitionRequest,
  planDisk,
  type SectorSize,
} from './gpt/layout.ts';
export { type Gpt, type ParseGptOptions, parseGpt } from './gpt/parse.ts';
export type { IsoBootEntry } from './iso/boot.ts';
export type { IsoEntry } from './iso/entries.ts';
export { APPLICATION_USE_POSITION as ISO_APPLICATION_USE_POSITION } from './iso/format.ts';
export type {
  IsoExtent,
  IsoLayout,
  PlacedIsoDirectory,
  PlacedIsoFile,
  PlacedIsoName,
} from './iso/layout.ts';
export { type IsoRequest, planIso } from './iso/plan.ts';
export { type IsoPath, IsoVolume, openIso } from './iso/read.ts';
export type { IsoBytes, IsoFile } from './iso/tree.ts';
export { writeIso } from './iso/write.ts';
export type { PeMachine } from './pe/format.ts';
export { type PeDirectory, type PeImage, type PeSection, parsePe } from './pe/parse.ts';
export { readUki, type Uki, type UkiPart } from './pe/read.ts';
export { assembleUki, type UkiImage, type UkiRequest, type UkiSection } from './pe/uki.ts';
export { Qcow2Writer, writeQcow2 } from './qcow2/write.ts';
export { parseVeritySuperblock, type VeritySuperblock } from './verity/superblock.ts';
export { veritySize } from './verity/tree.ts';
export { type VerifyOptions, verifyVerity } from './verity/verify.ts';
export { type VerityOptions, type VerityResult, VerityWriter } from './verity/writer.ts';
