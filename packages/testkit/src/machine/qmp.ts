import type { Duplex } from 'node:stream';
import { TestkitError } from '../error.ts';
import { anySignal, type Limits, seconds, settle } from '../wait.ts';

export type JsonObject = Readonly<Record<string, unknown>>;

export type QmpMessage =
  | { readonly kind: 'greeting' }
  | { readonly kind: 'return'; readonly id: unknown; readonly value: unknown }
  | { readonly kind: 'error'; readonly id: unknown; readonly class: string; readonly description: string }
  | QmpEvent;

export interface QmpEvent {
  readonly kind: 'event';
  readonly name: string;
  readonly data: JsonObject;
}

export interface EventOptions extends Limits {
  /** Only events whose data passes. */
  readonly where?: (data: JsonObject) => boolean;
}

const DEFAULT_TIMEOUT_MS = 30_000;
/** Far above any answer to what is asked here. */
const LINE_LIMIT = 4 << 20;

/**
 * One line from QEMU's monitor (QEMU Machine Protocol Specification, section 2).
 *
 * @throws TestkitError `qmp-protocol`
 */
export function parseQmpMessage(line: string): QmpMessage {
  const message = parseJson(line);
  if (isObject(message)) {
    if (isObject(message['QMP'])) return { kind: 'greeting' };
    if ('return' in message) return { kind: 'return', id: message['id'], value: message['return'] };
    const error = message['error'];
    if (isObject(error) && typeof error['desc'] === 'string') {
      return { kind: 'error', id: message['id'], class: String(error['class']), description: error['desc'] };
    }
    if (typeof message['event'] === 'string') {
      const data = message['data'];
      return { kind: 'event', name: message['event'], data: isObject(data) ? data : {} };
    }
  }
  throw new TestkitError('qmp-protocol', `not a message of QEMU's monitor: ${line.slice(0, 200)}`);
}

/** Cuts a stream of text into lines. @throws TestkitError `qmp-protocol` for a line beyond 4 MiB */
export function makeLineSplitter(): (chunk: string) => string[] {
  let pending = '';
  return (chunk) => {
    const lines = (pending + chunk).split('\n');
    pending = lines.pop() ?? '';
    if (pending.length > LINE_LIMIT) {
      throw new TestkitError('qmp-protocol', `a line of QEMU's monitor is longer than ${LINE_LIMIT} bytes`);
    }
    return lines.map((line) => line.trim()).filter((line) => line !== '');
  };
}

export function isObject(value: unknown): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function parseJson(line: string): unknown {
  try {
    return JSON.parse(line) as unknown;
  } catch {
    return undefined;
  }
}

/** QEMU's monitor: commands with their answers, and events. */
export class QmpClient {
  readonly #stream: Duplex;
  readonly #gone: AbortSignal;
  readonly #listeners = new Set<(message: QmpMessage) => void>();
  /** Aborted when what comes is not the protocol. */
  readonly #broken = new AbortController();
  #lastId = 0;

  private constructor(stream: Duplex, gone: AbortSignal) {
    this.#stream = stream;
    this.#gone = gone;
    const split = makeLineSplitter();
    stream.setEncoding('utf8');
    stream.on('data', (chunk: string) => {
      try {
        for (const line of split(chunk)) {
          const message = parseQmpMessage(line);
          for (const listener of this.#listeners) listener(message);
        }
      } catch (error) {
        this.#broken.abort(error);
        stream.destroy();
      }
    });
  }

  /**
   * Shakes hands on a fresh connection.
   *
   * @param gone aborted, with an error as its reason, when QEMU has ended
   */
  static async connect(stream: Duplex, gone: AbortSignal, limits: Limits = {}): Promise<QmpClient> {
    const client = new QmpClient(stream, gone);
    await client.#next((message) => (message.kind === 'greeting' ? true : undefined), 'its greeting', limits);
    await client.execute('qmp_capabilities', undefined, limits);
    return client;
  }

  /**
   * Runs a command of the QEMU QMP Reference Manual and gives what it returns.
   *
   * @throws TestkitError `qmp-error` when QEMU refuses, `timeout`, `machine-exited`
   */
  async execute(command: string, args?: JsonObject, limits: Limits = {}): Promise<unknown> {
    const id = ++this.#lastId;
    const answer = this.#next(
      (message) =>
        (message.kind === 'return' || message.kind === 'error') && message.id === id ? message : undefined,
      `the answer to ${command}`,
      limits,
    );
    this.#stream.write(`${JSON.stringify({ execute: command, arguments: args, id })}\n`);
    const message = await answer;
    if (message.kind === 'return') return message.value;
    throw new TestkitError('qmp-error', `QEMU refused ${command}: ${message.description}`);
  }

  /** The next event of a name, from now on. Ask before you cause it. */
  async waitForEvent(name: string, options: EventOptions = {}): Promise<QmpEvent> {
    const matches = (message: QmpMessage): message is QmpEvent =>
      message.kind === 'event' && message.name === name && (options.where?.(message.data) ?? true);
    return this.#next((message) => (matches(message) ? message : undefined), `the event ${name}`, options);
  }

  /** Calls `listener` for each event to come, until the returned function is called. */
  onEvent(listener: (event: QmpEvent) => void): () => void {
    const filtered = (message: QmpMessage): void => {
      if (message.kind === 'event') listener(message);
    };
    this.#listeners.add(filtered);
    return () => void this.#listeners.delete(filtered);
  }

  async #next<T>(pick: (message: QmpMessage) => T | undefined, what: string, limits: Limits): Promise<T> {
    const timeoutMs = limits.timeoutMs ?? DEFAULT_TIMEOUT_MS;
    return settle<T>(
      (resolve) => {
        const listener = (message: QmpMessage): void => {
          const picked = pick(message);
          if (picked !== undefined) resolve(picked);
        };
        this.#listeners.add(listener);
        return () => void this.#listeners.delete(listener);
      },
      {
        timeoutMs,
        signal: anySignal(this.#gone, this.#broken.signal, limits.signal),
        expired: () =>
          new TestkitError('timeout', `QEMU's monitor did not give ${what} within ${seconds(timeoutMs)}`),
      },
    );
  }
}
