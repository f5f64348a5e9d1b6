import { type ByteSource, byteString, concatBytes, readExactly, viewOf } from '@cairn/bytes';
import { SECTOR } from './format.ts';
import { malformed } from './malformed.ts';

/** What Rock Ridge says of a name. */
export interface RockRidge {
  readonly name: string | undefined;
  readonly mode: number | undefined;
}

/** A long name takes one or two continuation areas; more than this many are a loop. */
const MAX_AREAS = 8;
const MAX_AREA_SIZE = SECTOR;
const NAME_CONTINUES = 0x01;
/** It stands for `.` or `..`, or for the machine's name. */
const NAME_SPECIAL = 0x26;

interface Entry {
  readonly signature: string;
  readonly payload: Uint8Array;
}

/** How many bytes come before the entries of all records but the root's own (SUSP, section 5.3); undefined where there are none. */
export function skippedBytes(systemUse: Uint8Array): number | undefined {
  const first = entriesOf(systemUse)[0];
  const isMarked = first?.signature === 'SP' && first.payload[0] === 0xbe && first.payload[1] === 0xef;
  return isMarked ? first.payload[2] : undefined;
}

/** Reads the entries behind a record's name, and those that they continue in. Throws `iso-malformed`. */
export async function readEntries(
  source: ByteSource,
  systemUse: Uint8Array,
  signal?: AbortSignal,
): Promise<RockRidge> {
  const nameParts: Uint8Array[] = [];
  let nameEnded = false;
  let mode: number | undefined;
  let area: Uint8Array | undefined = systemUse;
  for (let count = 0; area !== undefined; count++) {
    if (count > MAX_AREAS) throw malformed('the continuations of a record do not end');
    let next: Entry | undefined;
    for (const entry of entriesOf(area)) {
      if (entry.signature === 'CE') next = entry;
      else if (entry.signature === 'PX' && entry.payload.length >= 4)
        mode = viewOf(entry.payload).getUint32(0, true);
      else if (entry.signature === 'NM' && entry.payload.length > 0 && !nameEnded) {
        const flags = entry.payload[0] ?? 0;
        if ((flags & NAME_SPECIAL) === 0) nameParts.push(entry.payload.subarray(1));
        nameEnded = (flags & NAME_CONTINUES) === 0;
      }
    }
    area = next && (await continuation(source, next.payload, signal));
  }
  return { name: nameParts.length === 0 ? undefined : textOf(concatBytes(nameParts)), mode };
}

async function continuation(
  source: ByteSource,
  payload: Uint8Array,
  signal?: AbortSignal,
): Promise<Uint8Array> {
  if (payload.length < 24) throw malformed('a continuation has no place');
  const view = viewOf(payload);
  const position = view.getUint32(0, true) * SECTOR + view.getUint32(8, true);
  const length = view.getUint32(16, true);
  if (length > MAX_AREA_SIZE || position + length > source.size) {
    throw malformed(`a record cannot continue with ${length} bytes at ${position}`);
  }
  return readExactly(source, position, length, signal);
}

/** Entries up to the end, a terminator, or what is no entry: padding is zeros. */
function entriesOf(bytes: Uint8Array): Entry[] {
  const entries: Entry[] = [];
  for (let position = 0; position + 4 <= bytes.length; ) {
    const length = bytes[position + 2] ?? 0;
    const signature = byteString(bytes.subarray(position, position + 2));
    if (length < 4 || position + length > bytes.length || signature === 'ST') break;
    entries.push({ signature, payload: bytes.subarray(position + 4, position + length) });
    position += length;
  }
  return entries;
}

function textOf(bytes: Uint8Array): string {
  try {
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes);
  } catch {
    return byteString(bytes);
  }
}
