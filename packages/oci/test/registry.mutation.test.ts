import assert from 'node:assert/strict';
import { test } from 'node:test';
import { formatReference, OciError, parseReference } from '@cairn/oci';
import { parseChallenges } from '../src/registry/challenge.ts';
import { parseDockerConfig } from '../src/registry/docker-config.ts';
import { pick, type Random, tryInputs } from './mutation.ts';

const INPUTS = 100_000;
/** Far above what parsing one short text needs; a parser that keeps something of every input goes beyond it. */
const GROWTH_LIMIT = 8 << 20;

/** A text that was right once, changed in one to six places. */
function mutate(random: Random, seeds: readonly string[], pieces: readonly string[]): string {
  let text = pick(random, seeds);
  for (let changes = 1 + random(6); changes > 0; changes--) {
    const at = random(text.length + 1);
    const end = Math.min(text.length, at + random(8));
    switch (random(6)) {
      case 0:
        text = text.slice(0, at) + text.slice(end);
        break;
      case 1:
        text = text.slice(0, at) + pick(random, pieces) + text.slice(at);
        break;
      case 2:
        text = text.slice(0, at) + pick(random, pieces).repeat(1 + random(40)) + text.slice(end);
        break;
      case 3:
        text =
          text.slice(0, at) + String.fromCharCode(random(random(4) === 0 ? 65_536 : 128)) + text.slice(end);
        break;
      case 4:
        text = text.slice(0, at) + text.slice(at, end).repeat(1 + random(20)) + text.slice(end);
        break;
      default:
        text = text.slice(0, at) + pick(random, seeds).slice(random(10)) + text.slice(end);
    }
  }
  return text.slice(0, 20_000);
}

interface Subject {
  readonly name: string;
  readonly seeds: readonly string[];
  readonly pieces: readonly string[];
  /** Throws OciError, or whatever shows that the parser is wrong. */
  check(text: string): void;
}

const SUBJECTS: readonly Subject[] = [
  {
    name: 'references',
    seeds: [
      'debian:13',
      'ghcr.io/owner/name:v1.2.3',
      `localhost:5000/a/b__c/d--e@sha256:${'0f'.repeat(32)}`,
      `[::1]:5000/x:latest@sha512:${'0f'.repeat(64)}`,
      'oci:/srv/images:debian-13',
      'docker-archive:a.tar:docker.io/library/debian:13',
      'dir:./rootfs',
    ],
    pieces: [
      ':',
      '/',
      '@',
      '.',
      '-',
      '_',
      '__',
      '[',
      ']',
      'A',
      'a',
      '0',
      'sha256:',
      'oci:',
      '//',
      '\0',
      'é',
      '%2f',
    ],
    check(text) {
      const reference = parseReference(text);
      assert.deepEqual(parseReference(formatReference(reference)), reference);
    },
  },
  {
    name: 'WWW-Authenticate',
    seeds: [
      'Bearer realm="https://auth.docker.io/token",service="registry.docker.io",scope="repository:a/b:pull,push"',
      'Basic realm="x", charset="UTF-8"',
      'Negotiate, NTLM TlRMTVNTUAAB==, Digest qop="auth, auth-int", nonce=7c',
    ],
    pieces: [
      '"',
      '\\',
      '\\"',
      ',',
      ' ',
      '\t',
      '=',
      ' = ',
      ', ',
      'Basic ',
      'realm=',
      '"x"',
      '==',
      '\r\n',
      '\u0000',
    ],
    check(text) {
      const challenges = parseChallenges(text);
      let size = 0;
      for (const { scheme, parameters } of challenges) {
        size += scheme.length;
        for (const [name, value] of parameters) size += name.length + value.length;
      }
      assert.ok(size <= text.length, 'more came out than went in');
    },
  },
  {
    name: 'Docker configurations',
    seeds: [
      '{"auths":{"https://index.docker.io/v1/":{"auth":"YWRhOnBhc3M="},"quay.io/org":{"identitytoken":"t"}}}',
      '{"credsStore":"secretservice","credHelpers":{"gcr.io":"gcloud"},"auths":{"ghcr.io":{}}}',
      '{"auths":{"a":{"username":"u","password":"p"},"b":null}}',
    ],
    pieces: [
      '"',
      '{',
      '}',
      '[',
      ']',
      ',',
      ':',
      'null',
      '0',
      '1e999',
      '"auths":',
      '"__proto__":{}',
      '"auth":"',
      '\\u0000',
      'YTo=',
      '=',
      '{"a":',
    ],
    check(text) {
      const { logins, helpers } = parseDockerConfig(text, 'config.json');
      assert.ok(logins.size + helpers.size <= text.length);
    },
  },
];

for (const subject of SUBJECTS) {
  test(`${INPUTS} mutated inputs: ${subject.name}`, async () => {
    const result = await tryInputs(
      INPUTS,
      (random) => mutate(random, subject.seeds, subject.pieces),
      (text) => {
        try {
          subject.check(text);
          return true;
        } catch (error) {
          if (error instanceof OciError) return false;
          throw error;
        }
      },
      (text) => JSON.stringify(text),
    );
    assert.equal(result.inputs, INPUTS);
    assert.ok(
      result.accepted > INPUTS / 1000,
      `only ${result.accepted} accepted: the mutations are too wild`,
    );
    assert.ok(result.accepted < INPUTS * 0.9, `${result.accepted} accepted: the mutations are too tame`);
    assert.ok(result.grown < GROWTH_LIMIT, `memory grew by ${result.grown} bytes`);
  });
}

test('long inputs made to be slow are not', () => {
  const n = 100_000;
  const hostile: readonly (readonly [(text: string) => unknown, string])[] = [
    [parseReference, 'a-'.repeat(4000)],
    [parseReference, `${'a'.repeat(8000)}.`],
    [parseReference, `oci:x:${'a-'.repeat(4000)}`],
    [parseReference, `${'a.'.repeat(4000)}/x`],
    [parseReference, `${'a-'.repeat(4000)}/x:y`],
    [parseChallenges, `Bearer ${'a'.repeat(n)}`],
    [parseChallenges, `Bearer realm="${'\\'.repeat(n)}`],
    [parseChallenges, `Bearer ${'a=b,'.repeat(n / 4)}`],
    [parseChallenges, 'a '.repeat(n / 2)],
    [parseChallenges, 'a, '.repeat(n / 3)],
    [parseChallenges, `Bearer a${' '.repeat(n)}x`],
    [parseChallenges, `Bearer ${', '.repeat(n / 2)}`],
    [parseChallenges, `Bearer ${'='.repeat(n)}x`],
    [(text) => parseDockerConfig(text, 'x'), '['.repeat(n)],
    [(text) => parseDockerConfig(text, 'x'), '{"a":'.repeat(n / 5)],
    [(text) => parseDockerConfig(text, 'x'), `{"auths":{"a":{"auth":"${'='.repeat(n)}"}}}`],
  ];
  for (const [parse, text] of hostile) {
    const started = performance.now();
    try {
      parse(text);
    } catch (error) {
      assert.ok(error instanceof OciError, `${text.slice(0, 20)}: ${String(error)}`);
    }
    const took = performance.now() - started;
    assert.ok(took < 1000, `${text.slice(0, 20)}... took ${took} ms`);
  }
});
