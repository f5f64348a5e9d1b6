export { cacheFolder } from './cache.ts';
export { HostError, type HostErrorCode } from './error.ts';
export { realFiles } from './files.ts';
export { realHost } from './host.ts';
export { type Mount, mountOf, parseMountInfo } from './mounts.ts';
export { type Network, realNetwork } from './network.ts';
export { realPrograms, runChecked } from './programs.ts';
export type {
  Clock,
  EarlyFiles,
  EarlyHost,
  EarlyPrograms,
  FileStat,
  Files,
  Host,
  OpenFile,
  OpenMode,
  Programs,
  RunOptions,
  RunResult,
  Space,
} from './types.ts';
