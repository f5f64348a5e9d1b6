import { type ChildProcess, spawn } from 'node:child_process';
import { rmSync } from 'node:fs';
import { rm } from 'node:fs/promises';
import { createServer, type Server, type Socket } from 'node:net';
import { TestkitError } from '../error.ts';
import { type Channel, portChannel } from '../guest/channel.ts';
import type { SocketName } from './options.ts';
import { findProgram, lookUpProgram } from './program.ts';
import { QmpClient } from './qmp.ts';

/** How a machine ended, as of a process. */
export interface Exit {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
}

/**
 * A QEMU that runs, with the connections that it made to us. Its console has to be read, or `gone` never
 * comes.
 */
export interface QemuProcess {
  readonly pid: number;
  /** Fulfilled at the moment when `gone` is aborted. */
  readonly exited: Promise<Exit>;
  /** Aborted when QEMU has ended and its console has been read to the end; the reason is a TestkitError. */
  readonly gone: AbortSignal;
  readonly console: Socket;
  readonly port: Channel;
  readonly qmp: QmpClient;
  /** SIGKILL: what a power cut is. */
  kill(): Promise<Exit>;
}

const SOCKET_NAMES = ['console', 'port', 'monitor'] as const satisfies readonly SocketName[];
const DEADLY_SIGNALS = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const;
const DIAGNOSTICS_LIMIT = 4096;

/**
 * Starts QEMU and waits until it has connected to all the sockets and its monitor answers.
 *
 * The process ends with ours: by handlers for its end and for deadly signals, and by the kernel
 * (PR_SET_PDEATHSIG, set by setpriv where that is installed) if ours is killed.
 *
 * @param folder removed too if this process ends before QEMU does
 * @throws TestkitError `program-missing`, `machine-failed` with what QEMU said
 */
export async function startQemu(
  args: readonly string[],
  sockets: Readonly<Record<SocketName, string>>,
  folder: string,
  signal?: AbortSignal,
): Promise<QemuProcess> {
  const qemu = findProgram('qemu-system-x86_64');
  const setpriv = lookUpProgram('setpriv');
  signal?.throwIfAborted();
  await Promise.all(SOCKET_NAMES.map((name) => rm(sockets[name], { force: true })));
  const doors = {
    console: openDoor(sockets.console),
    port: openDoor(sockets.port),
    monitor: openDoor(sockets.monitor),
  };
  const child =
    setpriv === undefined
      ? spawn(qemu, args, { stdio: ['ignore', 'ignore', 'pipe'] })
      : spawn(setpriv, ['--pdeathsig', 'KILL', '--', qemu, ...args], { stdio: ['ignore', 'ignore', 'pipe'] });
  const release = endWithUs(child, folder);
  const diagnostics = collectDiagnostics(child);
  const { promise: exited, resolve, reject } = Promise.withResolvers<Exit>();
  child.once('error', reject).once('close', (code, signal) => resolve({ code, signal }));
  // The waits below see a failure; without this it would also count as unhandled when it comes before them.
  exited.then(release, release);

  const failed = exited.then((exit): never => {
    const said = diagnostics();
    throw new TestkitError('machine-failed', `QEMU did not start (${describeExit(exit)}): ${said}`, {
      hint: `its command line: qemu-system-x86_64 ${args.join(' ')}`,
    });
  });
  const aborted = Promise.withResolvers<never>();
  const onAbort = (): void => aborted.reject(signal?.reason);
  signal?.addEventListener('abort', onAbort, { once: true });
  try {
    const connect = async (): Promise<QemuProcess> => {
      const [console, port, monitor] = await Promise.all([
        doors.console.connected,
        doors.port.connected,
        doors.monitor.connected,
      ]);
      const { gone, ended } = announceEnd(exited, console, diagnostics);
      const qmp = await QmpClient.connect(monitor, gone, { signal });
      return {
        pid: child.pid ?? 0,
        exited: ended,
        gone,
        console,
        port: portChannel(port),
        qmp,
        kill() {
          child.kill('SIGKILL');
          return ended;
        },
      };
    };
    // Some of what QEMU refuses, it refuses only after it has connected.
    return await Promise.race([connect(), failed, aborted.promise]);
  } catch (error) {
    child.kill('SIGKILL');
    await exited.catch(() => undefined);
    throw error;
  } finally {
    signal?.removeEventListener('abort', onAbort);
    for (const door of Object.values(doors)) door.server.close();
  }
}

export function describeExit(exit: Exit): string {
  return exit.signal === null ? `exit code ${exit.code}` : `signal ${exit.signal}`;
}

/** A socket that takes one connection. */
function openDoor(path: string): { readonly server: Server; readonly connected: Promise<Socket> } {
  const { promise, resolve, reject } = Promise.withResolvers<Socket>();
  const server = createServer((socket) => {
    // A connection that breaks is the end of QEMU, which `gone` announces; without a listener Node would
    // throw.
    socket.on('error', () => undefined);
    resolve(socket);
  });
  server.once('error', reject).listen(path);
  return { server, connected: promise };
}

/**
 * The last of what QEMU wrote to its standard error, without its remarks on processor features it does not
 * emulate.
 */
function collectDiagnostics(child: ChildProcess): () => string {
  let text = '';
  child.stderr?.setEncoding('utf8').on('data', (chunk: string) => {
    text = (text + chunk).slice(-DIAGNOSTICS_LIMIT);
  });
  return () =>
    text
      .split('\n')
      .filter((line) => line !== '' && !line.includes('warning: TCG doesn'))
      .join('\n') || 'it said nothing';
}

/** The end of QEMU, once its console has been read to the end. */
function announceEnd(
  exited: Promise<Exit>,
  console: Socket,
  diagnostics: () => string,
): { readonly gone: AbortSignal; readonly ended: Promise<Exit> } {
  const controller = new AbortController();
  // Not by `once` of node:events, which fails when the connection is reset before it closes.
  const drained = Promise.withResolvers<void>();
  console.once('close', () => drained.resolve());
  const end = async (): Promise<Exit> => {
    const exit = await exited;
    await drained.promise;
    const sentence = `the machine has ended (${describeExit(exit)}; QEMU: ${diagnostics()})`;
    controller.abort(new TestkitError('machine-exited', sentence));
    return exit;
  };
  return { gone: controller.signal, ended: end() };
}

/** Kills the process and removes its folder when this process ends, until the returned function is called. */
function endWithUs(child: ChildProcess, folder: string): () => void {
  const end = (): void => {
    child.kill('SIGKILL');
    rmSync(folder, { recursive: true, force: true });
  };
  const onSignal = (signal: NodeJS.Signals): void => {
    end();
    release();
    // Whoever else listens decides what the signal does; when nobody does, it does what it does by default.
    if (process.listenerCount(signal) === 0) process.kill(process.pid, signal);
  };
  const release = (): void => {
    process.off('exit', end);
    for (const signal of DEADLY_SIGNALS) process.off(signal, onSignal);
  };
  process.on('exit', end);
  for (const signal of DEADLY_SIGNALS) process.on(signal, onSignal);
  return release;
}
