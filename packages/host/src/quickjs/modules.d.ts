/** What is used here of QuickJS's own modules (QuickJS manual, "Standard library"), by names that Node's modules do not have. */
declare module 'quickjs:os' {
  /** As of stat(2); times in milliseconds. */
  interface Status {
    readonly mode: number;
    readonly size: number;
    readonly uid: number;
    readonly gid: number;
    readonly dev: number;
    readonly mtime: number;
  }
  interface ExecOptions {
    readonly env: Readonly<Record<string, string>>;
    readonly stdin: number;
    readonly stdout: number;
    readonly stderr: number;
  }
  const O_RDONLY: number;
  const O_WRONLY: number;
  const O_RDWR: number;
  const O_CREAT: number;
  const O_EXCL: number;
  const S_IFMT: number;
  const S_IFREG: number;
  const S_IFDIR: number;
  const S_IFLNK: number;
  const S_IFBLK: number;
  const S_IFIFO: number;
  /** Numbers below 0 are errors: the negated errno. So they are in all functions here. */
  function open(path: string, flags: number, mode?: number): number;
  function close(handle: number): number;
  function seek(handle: number, offset: number, whence: number): number;
  function read(handle: number, buffer: ArrayBufferLike, offset: number, length: number): number;
  function write(handle: number, buffer: ArrayBufferLike, offset: number, length: number): number;
  function remove(path: string): number;
  function rename(from: string, to: string): number;
  function mkdir(path: string, mode: number): number;
  /** The second is the errno, 0 where all is well. So it is in all that give a pair. */
  function stat(path: string): [Status | null, number];
  function lstat(path: string): [Status | null, number];
  function readlink(path: string): [string, number];
  function readdir(path: string): [string[], number];
  /** Waits for the end: the exit code, or the negated signal. 127 where the program could not be started. */
  function exec(argv: readonly string[], options: ExecOptions): number;
  /** Milliseconds that only go forward. */
  function now(): number;
  function getpid(): number;
}

declare module 'quickjs:std' {
  interface File {
    fileno(): number;
    close(): number;
  }
  const SEEK_SET: number;
  const SEEK_END: number;
  function tmpfile(): File;
  function strerror(errno: number): string;
  function getenv(name: string): string | undefined;
  function getenviron(): Record<string, string>;
  function exit(code: number): never;
}

/** The script and its arguments. */
declare var scriptArgs: readonly string[];
