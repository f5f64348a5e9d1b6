export { Console, FATAL_OUTPUT, type WaitOptions } from './console/console.ts';
export { type Attachable, attachTerminal, type TerminalOptions } from './console/terminal.ts';
export { TestkitError, type TestkitErrorCode } from './error.ts';
export { Guest, type ScriptResult } from './guest/guest.ts';
export type { LoginOptions } from './guest/login.ts';
export { type FakeHost, type FakeHostOptions, type FakeProgram, fakeHost } from './host/fake-host.ts';
export { type Accelerator, type AcceleratorKind, findAccelerator } from './machine/accelerator.ts';
export { type BitPosition, type DiskFormat, type DiskOptions, flipBit } from './machine/disk.ts';
export { type Firmware, findFirmware } from './machine/firmware.ts';
export { Machine } from './machine/machine.ts';
export type { Boot, KernelBoot, MachineOptions, UefiBoot } from './machine/options.ts';
export type { Exit } from './machine/process.ts';
export { type JsonObject, type QmpClient, type QmpEvent } from './machine/qmp.ts';
export { restoreMachine, saveMachine } from './machine/snapshot.ts';
export { type StartOptions, startMachine } from './machine/start.ts';
export { startRegistry } from './registry/server.ts';
export type {
  Fault,
  FaultScope,
  RecordedRequest,
  TestImage,
  TestRegistry,
  TestRegistryAuth,
  TestRegistryOptions,
} from './registry/types.ts';
export type { Limits } from './wait.ts';
