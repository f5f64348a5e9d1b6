export { crc32, crc32cRaw } from './checksum.ts';
export { sha256, sha256Hex, sha256OfStream } from './digest.ts';
export { BytesError, type BytesErrorCode, CairnError } from './error.ts';
export { alignUp, concatBytes, equalBytes, formatBytes, toHex, viewOf } from './numbers.ts';
export {
  type ByteSource,
  type Content,
  chunksOf,
  concatSource,
  memorySource,
  type Range,
  readAll,
  readExactly,
  readInto,
  sliceSource,
} from './source.ts';
export { type ByteTarget, copy, memoryTarget, offsetTarget, SequentialWriter, teeTarget } from './target.ts';
export { type ByteString, byteString, bytesOf, compareBytes, fromText, toText } from './text.ts';
