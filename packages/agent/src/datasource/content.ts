import { gunzipSync } from 'node:zlib';
import { AgentError } from '../error.ts';
import { ANSWER_LIMIT } from './http.ts';

/** What user data is, by its first line: a configuration, a program to run once, or Ignition's JSON. */
export type ContentKind = 'cloud-config' | 'script' | 'ignition';

export interface Content {
  readonly kind: ContentKind;
  readonly text: string;
}

/** How deep parts may have parts. */
const DEPTH_LIMIT = 4;
const PARTS_LIMIT = 64;

/**
 * Pure: user data taken apart, as cloud-init does: gzip is unpacked, of a MIME message each part counts.
 *
 * @returns empty where there is nothing in it
 * @throws AgentError `datasource` for what is not understood
 */
export function readContent(bytes: Uint8Array, place: string): Content[] {
  const text = decode(unzipped(bytes, place), place);
  if (text.trim() === '') return [];
  if (/^(?:content-type:|mime-version:)/i.test(text)) return partsOf(text, place, 1);
  return [contentOf(text, place)];
}

function unzipped(bytes: Uint8Array, place: string): Uint8Array {
  if (bytes[0] !== 0x1f || bytes[1] !== 0x8b) return bytes;
  try {
    return gunzipSync(bytes, { maxOutputLength: ANSWER_LIMIT });
  } catch (cause) {
    throw new AgentError(
      'datasource',
      `${place} is gzip that cannot be unpacked to ${ANSWER_LIMIT} bytes at most`,
      {
        cause,
      },
    );
  }
}

function decode(bytes: Uint8Array, place: string): string {
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(bytes);
  } catch (cause) {
    throw new AgentError('datasource', `${place} is neither UTF-8 nor gzip`, { cause });
  }
}

function contentOf(text: string, place: string): Content {
  const [first = ''] = text.split('\n', 1);
  if (/^#(?:cloud-config|kairos-config|node-config)\s*$/.test(first)) return { kind: 'cloud-config', text };
  if (first.startsWith('#!')) return { kind: 'script', text };
  if (/^\s*\{/.test(text) && /"ignition"\s*:/.test(text)) return { kind: 'ignition', text };
  throw new AgentError('datasource', `${place} begins with ${JSON.stringify(first.slice(0, 40))}`, {
    hint: 'Its first line has to be #cloud-config, or #! with a program.',
  });
}

interface Message {
  readonly headers: ReadonlyMap<string, string>;
  readonly body: string;
}

/** RFC 2045 and 2046, as far as such messages go: parts of text, plain or base64. */
function partsOf(text: string, place: string, depth: number): Content[] {
  const { headers, body } = parseMessage(text);
  const type = headers.get('content-type') ?? 'text/plain';
  const [, boundary] = /;\s*boundary="?([^";]+)"?/i.exec(type) ?? [];
  if (!/^multipart\//i.test(type)) return leafOf({ headers, body }, type, place);
  if (boundary === undefined)
    throw new AgentError('datasource', `${place} is a MIME message without a boundary`);
  if (depth > DEPTH_LIMIT) throw new AgentError('datasource', `${place} has parts in parts in parts`);
  const parts = body.split(`--${boundary}`).slice(1);
  if (parts.length > PARTS_LIMIT)
    throw new AgentError('datasource', `${place} has more than ${PARTS_LIMIT} parts`);
  return parts
    .filter((part) => !part.startsWith('--'))
    .flatMap((part) => partsOf(part.replace(/^\r?\n/, ''), place, depth + 1));
}

function leafOf({ headers, body }: Message, type: string, place: string): Content[] {
  const encoding = headers.get('content-transfer-encoding')?.toLowerCase();
  const text = encoding === 'base64' ? decode(Buffer.from(body, 'base64'), place) : body;
  if (text.trim() === '') return [];
  if (/^text\/cloud-config\b/i.test(type) && !text.startsWith('#')) {
    return [{ kind: 'cloud-config', text: `#cloud-config\n${text}` }];
  }
  return [contentOf(text, `a part of ${place}`)];
}

function parseMessage(text: string): Message {
  // A part without headers begins with the empty line.
  const end = /^\r?\n|\r?\n\r?\n/.exec(text) ?? { index: text.length, 0: '' };
  const head = text.slice(0, end.index);
  const body = text.slice(end.index + end[0].length);
  const headers = new Map<string, string>();
  for (const line of head.replaceAll(/\r?\n[ \t]+/g, ' ').split(/\r?\n/)) {
    const colon = line.indexOf(':');
    if (colon > 0) headers.set(line.slice(0, colon).trim().toLowerCase(), line.slice(colon + 1).trim());
  }
  return { headers, body };
}
