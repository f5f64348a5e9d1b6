import { HostError } from './error.ts';

/** What can be asked of the network, by those that look whether something answers. */
export interface Network {
  /** Fulfilled when a TCP connection was made, which is closed at once. Throws HostError `io`, `timeout`. */
  connect(host: string, port: number, timeoutMs: number): Promise<void>;
  /** The status of a GET, without following where it leads. Throws HostError `io`, `timeout`. */
  httpStatus(url: string, timeoutMs: number): Promise<number>;
}

/** The network of the machine this runs on. */
export function realNetwork(): Network {
  return { connect, httpStatus };
}

async function connect(host: string, port: number, timeoutMs: number): Promise<void> {
  // Loaded where it is wanted: most of what uses the host does not.
  const { connect: open } = await import('node:net');
  const { promise, resolve, reject } = Promise.withResolvers<void>();
  const socket = open({ host, port });
  socket.setTimeout(timeoutMs, () => reject(timeout(`${host}:${port}`, timeoutMs)));
  socket.once('connect', () => resolve());
  socket.once('error', (cause) => reject(new HostError('io', reasonOf(cause), { cause })));
  // Looking a name up is not covered by the socket's own time.
  const timer = setTimeout(() => reject(timeout(`${host}:${port}`, timeoutMs)), timeoutMs);
  try {
    await promise;
  } finally {
    clearTimeout(timer);
    socket.destroy();
  }
}

async function httpStatus(url: string, timeoutMs: number): Promise<number> {
  try {
    const response = await fetch(url, { redirect: 'manual', signal: AbortSignal.timeout(timeoutMs) });
    await response.body?.cancel();
    return response.status;
  } catch (cause) {
    if (cause instanceof Error && cause.name === 'TimeoutError') throw timeout(url, timeoutMs);
    const inner = cause instanceof Error && cause.cause instanceof Error ? cause.cause : cause;
    throw new HostError('io', reasonOf(inner), { cause });
  }
}

function timeout(what: string, timeoutMs: number): HostError {
  return new HostError('timeout', `${what} did not answer within ${timeoutMs / 1000} s`);
}

/** Several addresses of a name make several errors, whose own message is empty. */
function reasonOf(cause: unknown): string {
  if (cause instanceof AggregateError) return cause.errors.map(reasonOf).join('; ');
  return cause instanceof Error ? cause.message : String(cause);
}
