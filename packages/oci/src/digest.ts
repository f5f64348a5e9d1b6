import { createHash, hash } from 'node:crypto';
import { OciError } from './error.ts';

/** An algorithm and a hash in lower case hexadecimal (OCI image specification, descriptor.md, "Digests"). */
export type Digest = `sha256:${string}` | `sha512:${string}`;

export type DigestAlgorithm = 'sha256' | 'sha512';

/** What identifies a blob: every OCI descriptor is one. */
export interface BlobIdentity {
  readonly digest: Digest;
  /** In bytes. */
  readonly size: number;
}

/** Checks a stream against a descriptor as it goes by. */
export interface Verifier {
  /** How many bytes went by. */
  readonly size: number;
  /** Throws OciError `size-mismatch` as soon as there are more bytes than the descriptor says. */
  update(chunk: Uint8Array): void;
  /** To be called once, at the end. Throws OciError `size-mismatch` or `digest-mismatch`. */
  finish(): void;
}

const HEX_LENGTHS: Readonly<Record<string, number>> = { sha256: 64, sha512: 128 };

export function isDigest(text: string): text is Digest {
  return digestFault(text) === undefined;
}

/** @throws OciError `invalid-digest` */
export function parseDigest(text: string): Digest {
  if (isDigest(text)) return text;
  throw new OciError('invalid-digest', `"${text.slice(0, 150)}" is not a digest: ${digestFault(text)}`, {
    hint: 'a digest is sha256: and 64 hexadecimal digits in lower case',
  });
}

/** What is wrong with a text that should be a digest; undefined if nothing is. */
export function digestFault(text: string): string | undefined {
  const colon = text.indexOf(':');
  if (colon < 0) return 'there is no algorithm and colon before it';
  const algorithm = text.slice(0, colon);
  const expected = Object.hasOwn(HEX_LENGTHS, algorithm) ? HEX_LENGTHS[algorithm] : undefined;
  if (expected === undefined) return 'its algorithm is neither sha256 nor sha512';
  const length = text.length - colon - 1;
  if (length !== expected) return `${algorithm} has ${expected} hexadecimal digits, here are ${length}`;
  const stranger = /[^0-9a-f]/.exec(text.slice(colon + 1));
  if (stranger === null) return undefined;
  return `character ${colon + 2 + stranger.index} is not a hexadecimal digit in lower case`;
}

export function algorithmOf(digest: Digest): DigestAlgorithm {
  return digest.startsWith('sha512:') ? 'sha512' : 'sha256';
}

/** The hexadecimal part of a digest. */
export function hexOf(digest: Digest): string {
  return digest.slice(digest.indexOf(':') + 1);
}

export function digestOf(bytes: Uint8Array, algorithm: DigestAlgorithm = 'sha256'): Digest {
  return `${algorithm}:${hash(algorithm, bytes, 'hex')}`;
}

/** A verifier of the bytes that `expected` identifies; `label` names them in errors, instead of the digest. */
export function createVerifier(expected: BlobIdentity, label = `blob ${expected.digest}`): Verifier {
  const algorithm = algorithmOf(expected.digest);
  const state = createHash(algorithm);
  let size = 0;
  return {
    get size() {
      return size;
    },
    update(chunk) {
      size += chunk.length;
      if (size > expected.size) {
        throw new OciError(
          'size-mismatch',
          `${label}: there are more than the ${expected.size} bytes it must have`,
        );
      }
      state.update(chunk);
    },
    finish() {
      if (size !== expected.size) {
        throw new OciError(
          'size-mismatch',
          `${label}: there are ${size} bytes, it must have ${expected.size}`,
        );
      }
      const found = `${algorithm}:${state.digest('hex')}`;
      if (found !== expected.digest) {
        throw new OciError('digest-mismatch', `${label}: its bytes are wrong, their digest is ${found}`, {
          hint: 'they were changed on the way or where they are kept',
        });
      }
    },
  };
}
