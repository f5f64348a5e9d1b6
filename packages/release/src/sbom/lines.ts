/** A line of a text file, counted from 1, without its end. */
export interface Line {
  readonly number: number;
  readonly text: string;
}

/**
 * The lines of a text in UTF-8; bytes that are not become replacement characters. Each line is decoded by
 * itself, so that a name that is kept does not keep the whole file in memory.
 */
export function* linesOf(bytes: Uint8Array): Generator<Line> {
  const buffer = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length);
  let number = 1;
  for (let start = 0; start < buffer.length; number++) {
    const newline = buffer.indexOf(0x0a, start);
    const end = newline < 0 ? buffer.length : newline;
    yield { number, text: buffer.toString('utf8', start, end) };
    start = end + 1;
  }
}
