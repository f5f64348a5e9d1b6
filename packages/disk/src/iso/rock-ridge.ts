import { concatBytes, viewOf } from '@cairn/bytes';
import { setBoth32 } from './numbers.ts';

/**
 * The entries behind a directory record's name that give it POSIX's name and mode: System Use Sharing Protocol and
 * Rock Ridge, both in version 1.09 (IEEE P1281, P1282), which is what every system reads.
 */

const MODE = { directory: 0o040_555, file: 0o100_444 } as const;
const FIELDS_PX = 0x01;
const FIELDS_NM = 0x08;

const encoder = new TextEncoder();

/** RRIP, section 4.3: these texts are the standard's. */
const ER_ID = 'RRIP_1991A';
const ER_DESCRIPTION = 'THE ROCK RIDGE INTERCHANGE PROTOCOL PROVIDES SUPPORT FOR POSIX FILE SYSTEM SEMANTICS';
const ER_SOURCE =
  'PLEASE CONTACT DISC PUBLISHER FOR SPECIFICATION SOURCE.  SEE PUBLISHER IDENTIFIER IN PRIMARY VOLUME DESCRIPTOR FOR CONTACT INFORMATION.';

/** Of a file's or folder's own record. */
export function namedEntries(name: string, kind: 'file' | 'directory', links: number): Uint8Array {
  return concatBytes([
    entry('RR', Uint8Array.of(FIELDS_PX | FIELDS_NM)),
    modeEntry(kind, links),
    entry('NM', concatBytes([Uint8Array.of(0), encoder.encode(name)])),
  ]);
}

/** Of a folder's records for itself and for the one above. */
export function dotEntries(links: number): Uint8Array {
  return concatBytes([entry('RR', Uint8Array.of(FIELDS_PX)), modeEntry('directory', links)]);
}

/** Of the root's record for itself: it says that there are such entries at all, and where their description is. */
export function rootEntries(links: number, continuation: { sector: number; length: number }): Uint8Array {
  const place = new Uint8Array(24);
  const view = viewOf(place);
  setBoth32(view, 0, continuation.sector);
  setBoth32(view, 8, 0);
  setBoth32(view, 16, continuation.length);
  return concatBytes([entry('SP', Uint8Array.of(0xbe, 0xef, 0)), dotEntries(links), entry('CE', place)]);
}

/** What the continuation area holds. */
export function extensionReference(): Uint8Array {
  const lengths = Uint8Array.of(ER_ID.length, ER_DESCRIPTION.length, ER_SOURCE.length, 1);
  return entry('ER', concatBytes([lengths, encoder.encode(`${ER_ID}${ER_DESCRIPTION}${ER_SOURCE}`)]));
}

function modeEntry(kind: 'file' | 'directory', links: number): Uint8Array {
  const bytes = new Uint8Array(32);
  const view = viewOf(bytes);
  setBoth32(view, 0, MODE[kind]);
  setBoth32(view, 8, links);
  return entry('PX', bytes);
}

function entry(signature: string, payload: Uint8Array): Uint8Array {
  return concatBytes([encoder.encode(signature), Uint8Array.of(payload.length + 4, 1), payload]);
}
