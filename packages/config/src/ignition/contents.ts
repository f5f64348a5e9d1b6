import { createHash } from 'node:crypto';
import type { At, IgnitionReader, Keys } from './reader.ts';

/** What a file is to hold: bytes that are in the configuration itself, or a URL. */
export type Contents =
  | { readonly kind: 'inline'; readonly text: string }
  | { readonly kind: 'base64'; readonly text: string; readonly gzip: boolean }
  | { readonly kind: 'url'; readonly url: string };

const RESOURCE: Keys = {
  source: 'read',
  inline: 'read',
  compression: 'read',
  verification: 'read',
  local: {
    refused: 'files beside the configuration are not here',
    hint: 'Make it whole first, with Butane: butane --files-dir DIR.',
  },
  httpHeaders: { refused: 'headers of the request cannot be given', hint: 'Use a URL that needs none.' },
};
const VERIFICATION: Keys = { hash: 'read' };

/** Of `contents`: undefined where there is none, or where it was told what is wrong. */
export function readContents(reader: IgnitionReader, value: At | undefined): Contents | undefined {
  if (value === undefined) return undefined;
  const fields = reader.map(value, RESOURCE);
  if (fields === undefined) return undefined;
  const inline = reader.scalar(fields.get('inline'));
  if (inline !== undefined) return { kind: 'inline', text: inline.text };
  const source = reader.scalar(fields.get('source'));
  if (source === undefined) return undefined;
  const compression = reader.scalar(fields.get('compression'))?.text ?? '';
  const { at } = source;
  const path = fields.get('source')?.path ?? value.path;
  const verification = fields.get('verification');
  const hashAt = verification && reader.map(verification, VERIFICATION)?.get('hash');
  const hash = reader.scalar(hashAt)?.text;
  if (compression !== '' && compression !== 'gzip') {
    reader.error(at, path, `there is no compression ${JSON.stringify(compression)}`, 'Use gzip, or none.');
    return undefined;
  }
  if (/^https?:\/\//.test(source.text)) {
    if (hash !== undefined || compression !== '') {
      const what = hash === undefined ? 'unpacked' : 'held against its hash';
      reader.error(
        at,
        path,
        `what is fetched from a URL cannot be ${what} here`,
        'Put it into the configuration as data:.',
      );
      return undefined;
    }
    return { kind: 'url', url: source.text };
  }
  const bytes = dataOf(source.text);
  if (bytes === undefined) {
    const scheme = /^[a-z][a-z0-9+.-]*:/i.exec(source.text)?.[0];
    reader.error(
      at,
      path,
      scheme === undefined ? 'the source is no URL' : `nothing is fetched by ${scheme} here`,
      'Use data:, http: or https:.',
    );
    return undefined;
  }
  if (hash !== undefined && hash !== '' && !isHash(bytes, hash)) {
    reader.error(at, path, `its content has not the hash ${hash.slice(0, 24)}…`, undefined, false);
    return undefined;
  }
  return { kind: 'base64', text: Buffer.from(bytes).toString('base64'), gzip: compression === 'gzip' };
}

/** Pure: what a data URL has in it (RFC 2397); undefined for what is none. */
export function dataOf(url: string): Uint8Array | undefined {
  const [, parameters, data] = /^data:([^,]*),([\s\S]*)$/.exec(url) ?? [];
  if (parameters === undefined || data === undefined) return undefined;
  const decoded = percentDecoded(data);
  if (!/;base64$/i.test(parameters)) return decoded;
  const text = Buffer.from(decoded).toString('latin1').replaceAll(/\s/g, '');
  return /^[A-Za-z0-9+/_-]*={0,2}$/.test(text) ? Buffer.from(text, 'base64') : undefined;
}

/** Byte by byte: what is encoded need not be UTF-8. */
function percentDecoded(text: string): Uint8Array {
  const bytes = Buffer.from(text, 'utf8');
  const out: number[] = [];
  for (let at = 0; at < bytes.length; at++) {
    const digits = bytes.subarray(at + 1, at + 3).toString('latin1');
    if (bytes[at] === 0x25 && /^[0-9a-f]{2}$/i.test(digits)) {
      out.push(Number.parseInt(digits, 16));
      at += 2;
    } else out.push(bytes[at] ?? 0);
  }
  return Uint8Array.from(out);
}

/** `sha512-` or `sha256-` and hexadecimal digits. */
function isHash(bytes: Uint8Array, hash: string): boolean {
  const [, algorithm, digits = ''] = /^(sha512|sha256)-([0-9a-f]+)$/i.exec(hash) ?? [];
  if (algorithm === undefined) return false;
  return createHash(algorithm.toLowerCase()).update(bytes).digest('hex') === digits.toLowerCase();
}
