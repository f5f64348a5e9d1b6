export { type BootOptions, boot } from './boot/boot.ts';
export type { BootRecord } from './boot/record.ts';
export { type CommandAnswer, type NodeCommand, nodeCommands } from './commands.ts';
export { AgentError, type AgentErrorCode } from './error.ts';
export { WRITABLE_PATHS, type WritableKind, type WritablePath } from './paths/map.ts';
export { type MeasuredPath, measurePaths } from './paths/measure.ts';
export { type NodeStatus, readStatus } from './status/status.ts';
