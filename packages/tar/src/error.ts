import { type ByteString, CairnError, toText } from '@cairn/bytes';

/**
 * - `bad-header`: what should be a header, a pax record or a sparse map is not one
 * - `truncated`: the archive, or a content given to the writer, ends too early
 * - `unsupported`: a kind of entry that is not read (multi-volume, incremental dumps, ...)
 * - `limit`: larger than the limits allow
 * - `bad-entry`: the writer was given what tar cannot hold
 * - `finished`: the writer was used after `finish`, or after an entry that failed half-way
 */
export type TarErrorCode = 'bad-header' | 'truncated' | 'unsupported' | 'limit' | 'bad-entry' | 'finished';

export class TarError extends CairnError<TarErrorCode> {
  override readonly name = 'TarError';
}

/** Which entry of an archive a message is about. */
export interface Place {
  readonly name: ByteString;
  /** Of the header, in bytes from the start of the archive. */
  readonly offset: number;
}

export function errorAt(code: TarErrorCode, place: Place, detail: string): TarError {
  return new TarError(code, `${quoted(place.name)} (header at byte ${place.offset}): ${detail}`);
}

const QUOTED_LENGTH = 200;

/** A name as a person can read it on one line, whatever bytes it has. */
export function quoted(name: ByteString): string {
  return JSON.stringify(toText(name.length > QUOTED_LENGTH ? `${name.slice(0, QUOTED_LENGTH)}...` : name));
}
