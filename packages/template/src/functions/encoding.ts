import { type ByteString, bytesOf } from '@cairn/bytes';
import type { Value } from '../value/value.ts';
import { decodeBase32, decodeBase64, encodeBase32, encodeBase64 } from './base.ts';
import { type Context, define, type GoFunction, text } from './function.ts';
import { adler32, hexOf, sha1, sha256, sha512 } from './hash.ts';
import { fromJson, toJson, toPrettyJson } from './json.ts';

/** sprig's encodings and hashes. */
export const ENCODING: readonly GoFunction[] = [
  define('b64enc', 'string', 'to base64', (args) => encodeBase64(text(args, 0))),
  define('b64dec', 'string', 'from base64; the error as a text if it is none', (args) =>
    decodeBase64(text(args, 0)),
  ),
  define('b32enc', 'string', 'to base32', (args) => encodeBase32(text(args, 0))),
  define('b32dec', 'string', 'from base32; the error as a text if it is none', (args) =>
    decodeBase32(text(args, 0)),
  ),
  define('fromJson', 'string', 'from JSON, nil if it is none', (args, { budget }) => {
    const result = fromJson(text(args, 0), budget);
    return 'value' in result ? result.value : null;
  }),
  define('mustFromJson', 'string', 'from JSON, or an error', (args, { budget }) => {
    const result = fromJson(text(args, 0), budget);
    if ('value' in result) return result.value;
    throw result.failure;
  }),
  ...['toJson', 'mustToJson'].map((name) =>
    define(name, 'any', 'to JSON, < > & escaped', ([value], { budget }) => toJson(value, true, budget)),
  ),
  ...['toRawJson', 'mustToRawJson'].map((name) =>
    define(name, 'any', 'to JSON, < > & as they are', ([value], { budget }) => toJson(value, false, budget)),
  ),
  ...['toPrettyJson', 'mustToPrettyJson'].map((name) =>
    define(name, 'any', 'to JSON, indented by two spaces', ([value], { budget }) =>
      toPrettyJson(value, budget),
    ),
  ),
  define('sha1sum', 'string', 'the SHA-1, in hexadecimal', (args, context) => digest(sha1, args, context, 1)),
  define('sha256sum', 'string', 'the SHA-256, in hexadecimal', (args, context) =>
    digest(sha256, args, context, 1),
  ),
  define('sha512sum', 'string', 'the SHA-512, in hexadecimal', (args, context) =>
    digest(sha512, args, context, 16),
  ),
  define('adler32sum', 'string', 'the Adler-32, in decimal', (args) =>
    String(adler32(bytesOf(text(args, 0)))),
  ),
];

function digest(
  hash: (bytes: Uint8Array) => Uint8Array,
  args: readonly Value[],
  { budget }: Context,
  cost: number,
): ByteString {
  budget.spend(text(args, 0).length * cost);
  return hexOf(hash(bytesOf(text(args, 0))));
}
