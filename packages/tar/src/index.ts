export {
  DEFAULT_LIMITS,
  type NewTarEntry,
  type TarEntry,
  type TarEntryKind,
  type TarLimits,
} from './entry.ts';
export { TarError, type TarErrorCode } from './error.ts';
export { readTar } from './reader.ts';
export { TarWriter } from './writer.ts';
