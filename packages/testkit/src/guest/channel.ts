import type { Duplex } from 'node:stream';
import type { Console } from '../console/console.ts';

/** Text to and from the agent in the guest. */
export interface Channel {
  send(text: string): void;
  /** Calls `listener` with each piece of text to come, until the returned function is called. */
  onText(listener: (text: string) => void): () => void;
  /** How many bytes of output are asked for at a time, at most. */
  readonly pieceLimit: number;
}

/** The virtio-serial port: fast, and nobody else writes to it. */
export function portChannel(stream: Duplex): Channel {
  const listeners = new Set<(text: string) => void>();
  stream.setEncoding('latin1');
  stream.on('data', (text: string) => {
    for (const listener of listeners) listener(text);
  });
  return {
    send: (text) => void stream.write(text),
    onText(listener) {
      listeners.add(listener);
      return () => void listeners.delete(listener);
    },
    pieceLimit: 1 << 20,
  };
}

/** The console: always there, but slow, and the kernel and the init write between our lines. */
export function consoleChannel(console: Console): Channel {
  return {
    send: (text) => console.send(text),
    onText: (listener) => console.onText(listener),
    pieceLimit: 1 << 15,
  };
}
