import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { test } from 'node:test';
import { createVerifier, digestOf, hexOf, OciError, parseDigest } from '@cairn/oci';

const BYTES = new TextEncoder().encode('the quick brown fox\n');

function code(expected: string) {
  return (error: unknown) => error instanceof OciError && error.code === expected;
}

test('digests are those of sha256sum and sha512sum', () => {
  for (const algorithm of ['sha256', 'sha512'] as const) {
    const printed = execFileSync(`${algorithm}sum`, { input: BYTES, encoding: 'utf8' });
    assert.equal(digestOf(BYTES, algorithm), `${algorithm}:${printed.split(' ')[0]}`);
    assert.equal(hexOf(parseDigest(digestOf(BYTES, algorithm))), printed.split(' ')[0]);
  }
});

test('what is no digest is refused', () => {
  const hex = 'a'.repeat(64);
  for (const text of [
    '',
    hex,
    'sha256:',
    `sha256:${hex}a`,
    `sha256:${hex.slice(1)}g`,
    `sha512:${hex}`,
    `md5:${hex}`,
  ]) {
    assert.throws(() => parseDigest(text), code('invalid-digest'), text);
  }
});

test('a verifier takes the right bytes in any pieces, and no others', () => {
  const expected = { digest: digestOf(BYTES), size: BYTES.length };
  for (const piece of [1, 7, BYTES.length]) {
    const verifier = createVerifier(expected);
    for (let at = 0; at < BYTES.length; at += piece) verifier.update(BYTES.subarray(at, at + piece));
    assert.equal(verifier.size, BYTES.length);
    verifier.finish();
  }
  const short = createVerifier(expected);
  short.update(BYTES.subarray(1));
  assert.throws(() => short.finish(), code('size-mismatch'));
  const long = createVerifier(expected);
  long.update(BYTES);
  assert.throws(() => long.update(new Uint8Array(1)), code('size-mismatch'));
  const wrong = createVerifier(expected);
  wrong.update(BYTES.map((byte, index) => (index === 3 ? byte ^ 1 : byte)));
  assert.throws(() => wrong.finish(), code('digest-mismatch'));
});
