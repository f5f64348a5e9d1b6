import { Duplex, type Readable, type Writable } from 'node:stream';

/** One stream that is read from the one and written to the other. */
export function duplexOf(readable: Readable, writable: Writable): Duplex {
  const duplex = new Duplex({
    read: () => void readable.resume(),
    write: (chunk: Uint8Array, _, done) => void writable.write(chunk, done),
  });
  readable.on('data', (chunk: Uint8Array) => duplex.push(chunk) || readable.pause());
  readable.on('end', () => duplex.push(null));
  return duplex;
}
