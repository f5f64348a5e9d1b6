export { SweepError, type SweepErrorCode } from './error.ts';
export { type LogEntry, type LogSuperblock, parseLogEntry, parseLogSuperblock } from './log/format.ts';
export { readLog, readLogSuperblock } from './log/read.ts';
export { LogWriter } from './log/write.ts';
