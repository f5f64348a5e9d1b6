import type { ByteSource, ByteTarget } from '@cairn/bytes';

/** A file or block device that is open. Its `size` is what it was when opened, or what was written since. After `close` all else throws. */
export interface OpenFile extends ByteSource, ByteTarget, AsyncDisposable {
  /** Everything written so far is on the disk when this is fulfilled: fsync(2). */
  sync(): Promise<void>;
  /** Makes it exactly this long; bytes added are a hole. */
  truncate(size: number): Promise<void>;
  close(): Promise<void>;
}

export interface FileStat {
  readonly kind: 'file' | 'directory' | 'symlink' | 'block-device' | 'other';
  readonly size: number;
  readonly mode: number;
  readonly uid: number;
  readonly gid: number;
  /** Milliseconds since 1970. */
  readonly modified: number;
  /** Which file system it lies on: two paths with different ones are on different mounts. */
  readonly device: number;
}

/**
 * How a file is opened: to read it, to change one that exists, to make a new one (it must not exist), or, for a block device,
 * to change it while nobody else has it: `busy` where it is mounted or part of another device (open(2), O_EXCL).
 */
export type OpenMode = 'read' | 'change' | 'create' | 'exclusive';

/** In bytes. */
export interface Space {
  readonly total: number;
  readonly free: number;
  /** Files take whole ones of these. */
  readonly blockSize: number;
}

/** The files of a machine. Every method throws HostError with the path in its message. */
export interface Files {
  /** Throws `wrong-kind` for what is neither a file nor a block device. */
  open(path: string, mode: OpenMode): Promise<OpenFile>;
  /** Follows links; undefined where there is nothing. */
  stat(path: string): Promise<FileStat | undefined>;
  /** Does not follow a last link. */
  lstat(path: string): Promise<FileStat | undefined>;
  /** A whole small file; undefined where there is none. Throws `too-large` over `limit` bytes (16 MiB unless told). */
  read(path: string, limit?: number): Promise<Uint8Array | undefined>;
  readText(path: string, limit?: number): Promise<string | undefined>;
  readLink(path: string): Promise<string | undefined>;
  /** Puts a whole file in place so that a reader, or the next boot, sees the old or the new one and never a part: write beside, fsync, rename, fsync of the folder. A cut of power may leave a `PATH.*.new`, which nothing reads; `mode` is less the umask. */
  replace(path: string, content: Uint8Array | string, mode?: number): Promise<void>;
  /** As `replace`, but flushed to no disk: for what is in memory. */
  write(path: string, content: Uint8Array | string, mode?: number): Promise<void>;
  /** The names in a folder, in byte order; empty where there is none. */
  list(path: string): Promise<string[]>;
  /** With its parents; nothing happens if it is there. */
  makeDirectory(path: string, mode?: number): Promise<void>;
  symlink(target: string, path: string): Promise<void>;
  setOwner(path: string, uid: number, gid: number): Promise<void>;
  setMode(path: string, mode: number): Promise<void>;
  /** Flushes a file or folder: fsync(2). For a folder that is what puts its names on the disk. */
  sync(path: string): Promise<void>;
  /** Of the file system that a path lies on: statfs(2). */
  space(path: string): Promise<Space>;
  rename(from: string, to: string): Promise<void>;
  /** With all below it; nothing happens if it is not there. */
  remove(path: string): Promise<void>;
}

export interface RunOptions {
  /** Asks the program to end (SIGTERM), and kills it after 5 s. Its end is waited for, then the signal's reason is thrown. */
  readonly signal?: AbortSignal;
  readonly input?: Uint8Array | string;
  readonly directory?: string;
  /** The whole environment of the program; unless given, only PATH and LC_ALL=C.UTF-8. */
  readonly environment?: Readonly<Record<string, string>>;
  /** Kills the program after so long, and waits no longer, whatever it has started itself. */
  readonly timeoutMs?: number;
}

export interface RunResult {
  readonly exitCode: number;
  readonly stdout: string;
  readonly stderr: string;
}

/** Other programs, by argument list, never through a shell. */
export interface Programs {
  /** Runs to the end, whatever its exit code. Throws `not-found`, `denied`, `timeout`, `killed`, or `too-large` over 64 MiB of output. */
  run(argv: readonly string[], options?: RunOptions): Promise<RunResult>;
  /**
   * The program's standard output as it comes; throws as `run` does, and `failed` with the end of stderr if it does not
   * exit with 0. A reader that stops early ends the program.
   */
  stream(argv: readonly string[], options?: RunOptions): AsyncIterable<Uint8Array>;
}

export interface Clock {
  /** Milliseconds since 1970. */
  now(): number;
  /** Milliseconds that only go forward, for measuring. */
  monotonic(): number;
  sleep(milliseconds: number, signal?: AbortSignal): Promise<void>;
}

/** The one door to the machine. Tests put a fake behind it, and every fault is injected here. */
export interface Host {
  readonly files: Files;
  readonly programs: Programs;
  readonly clock: Clock;
  readonly environment: Readonly<Record<string, string | undefined>>;
}

/** Of a machine's files what the engine of the initrd has as well. */
export type EarlyFiles = Omit<Files, 'open' | 'symlink' | 'space'> & {
  open(path: string, mode: 'read'): Promise<ByteSource & AsyncDisposable>;
};

/** Programs without any options. */
export interface EarlyPrograms {
  run(argv: readonly string[]): Promise<RunResult>;
}

/** What a boot has of the machine, in the initrd. Every Host is one. */
export interface EarlyHost {
  readonly files: EarlyFiles;
  readonly programs: EarlyPrograms;
  readonly clock: Omit<Clock, 'sleep'>;
}
