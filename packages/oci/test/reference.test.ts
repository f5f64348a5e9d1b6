import assert from 'node:assert/strict';
import { test } from 'node:test';
import { formatReference, OciError, parseReference, type Reference } from '@cairn/oci';
import fc from 'fast-check';

const HEX = 'a'.repeat(64);
const DIGEST = `sha256:${HEX}` as const;

function image(
  registry: string,
  repository: string,
  rest: { tag?: string; digest?: typeof DIGEST },
): Reference {
  return { kind: 'registry', registry, repository, ...rest };
}

const GOOD: readonly (readonly [string, Reference])[] = [
  ['debian', image('docker.io', 'library/debian', { tag: 'latest' })],
  ['debian:13', image('docker.io', 'library/debian', { tag: '13' })],
  ['library/debian:13', image('docker.io', 'library/debian', { tag: '13' })],
  ['docker.io/debian', image('docker.io', 'library/debian', { tag: 'latest' })],
  ['index.docker.io/debian:13', image('docker.io', 'library/debian', { tag: '13' })],
  ['grafana/grafana', image('docker.io', 'grafana/grafana', { tag: 'latest' })],
  ['ghcr.io/x/y:v1.2_3-rc', image('ghcr.io', 'x/y', { tag: 'v1.2_3-rc' })],
  [`ghcr.io/x/y@${DIGEST}`, image('ghcr.io', 'x/y', { digest: DIGEST })],
  [`ghcr.io/x/y:v1@${DIGEST}`, image('ghcr.io', 'x/y', { tag: 'v1', digest: DIGEST })],
  ['localhost/x', image('localhost', 'x', { tag: 'latest' })],
  ['localhost:5000/x:y', image('localhost:5000', 'x', { tag: 'y' })],
  ['localhost:5000', image('docker.io', 'library/localhost', { tag: '5000' })],
  ['127.0.0.1:5000/a/b/c', image('127.0.0.1:5000', 'a/b/c', { tag: 'latest' })],
  ['[::1]:5000/x', image('[::1]:5000', 'x', { tag: 'latest' })],
  ['[fd00::1]/x:1', image('[fd00::1]', 'x', { tag: '1' })],
  ['Registry/x', image('Registry', 'x', { tag: 'latest' })],
  ['a_b/c__d/e--f/g.h', image('docker.io', 'a_b/c__d/e--f/g.h', { tag: 'latest' })],
  [`x:${'t'.repeat(128)}`, image('docker.io', 'library/x', { tag: 't'.repeat(128) })],
  ['oci:/srv/images', { kind: 'oci-layout', path: '/srv/images' }],
  ['oci:images:debian-13', { kind: 'oci-layout', path: 'images', tag: 'debian-13' }],
  [
    'oci:images:docker.io/library/debian:13',
    { kind: 'oci-layout', path: 'images', tag: 'docker.io/library/debian:13' },
  ],
  ['oci-archive:a.tar', { kind: 'oci-archive', path: 'a.tar' }],
  ['oci-archive:a.tar:v1', { kind: 'oci-archive', path: 'a.tar', tag: 'v1' }],
  ['docker-archive:a.tar', { kind: 'docker-archive', path: 'a.tar' }],
  ['docker-archive:a.tar:debian:13', { kind: 'docker-archive', path: 'a.tar', tag: 'debian:13' }],
  ['dir:./root fs', { kind: 'directory', path: './root fs' }],
  ['dir:a:b', { kind: 'directory', path: 'a:b' }],
  ['tar:/tmp/root.tar', { kind: 'tar', path: '/tmp/root.tar' }],
];

test('what people write for an image is read, and written back to the same', async (t) => {
  for (const [text, expected] of GOOD) {
    await t.test(text.slice(0, 60), () => {
      assert.deepEqual(parseReference(text), expected);
      assert.deepEqual(parseReference(formatReference(expected)), expected);
    });
  }
});

const BAD: readonly (readonly [text: string, position: number, what: RegExp, hint?: RegExp])[] = [
  ['', 1, /empty/, /debian:13/],
  ['docker.io/Debian:13', 11, /upper case letter D/, /write it as docker.io\/debian:13/],
  ['deBian', 3, /upper case letter B/, /write it as debian/],
  ['debian:', 8, /tag is missing/, /leave the colon out/],
  ['debian:-x', 8, /a tag cannot have "-"/],
  ['debian:1+2', 9, /a tag cannot have "\+"/],
  [`debian:${'t'.repeat(129)}`, 8, /more than 128/],
  ['debian@', 8, /digest is missing/],
  ['debian@sha256:abc', 8, /64 hexadecimal digits, here are 3/],
  [`debian@sha256:${'A'.repeat(64)}`, 8, /lower case/],
  [`debian@md5:${HEX}`, 8, /neither sha256 nor sha512/],
  [`debian@constructor:${HEX}`, 8, /neither sha256 nor sha512/],
  ['a//b', 3, /part of the name is missing/],
  ['a/b/', 5, /part of the name is missing/],
  ['-a', 1, /starts and ends with a letter/],
  ['a/b-', 4, /starts and ends with a letter/],
  ['a/b..c', 4, /starts and ends with a letter/],
  ['a___b', 2, /starts and ends with a letter/],
  ['de bian', 3, /cannot have " "/],
  ['débian', 2, /cannot have "é"/],
  ['debian\n', 7, /cannot have "\\n"/],
  ['host_a.b/x', 5, /not a host name/],
  ['a.b:99999/x', 5, /not a port/],
  ['a.b:0/x', 5, /not a port/],
  ['a.b:/x', 1, /not a host name/],
  ['[::1/x', 1, /not a host name/],
  ['docker://debian', 1, /starts with "docker:\/\/"/, /leave it out: debian/],
  ['https://ghcr.io/x/y', 1, /starts with "https:\/\/"/, /leave it out: ghcr.io\/x\/y/],
  ['/srv/rootfs', 1, /this is a path/, /dir:PATH/],
  ['./rootfs', 1, /this is a path/, /dir:PATH/],
  [HEX, 1, /image id/, /NAME@sha256/],
  [`a/${'b'.repeat(255)}`, 1, /more than 255/],
  ['dir:', 5, /a path must follow/],
  ['tar:', 5, /a path must follow/],
  ['oci::tag', 5, /a path must follow/],
  ['oci:images:', 12, /tag is missing/],
  ['oci:images:a b', 12, /cannot be a tag/, /without a colon/],
  ['dir:a\0b', 6, /NUL/],
  ['x'.repeat(10_000), 8193, /too long/],
];

test('what is no reference is refused, with the place and a way out', async (t) => {
  for (const [text, position, what, hint] of BAD) {
    await t.test(JSON.stringify(text.slice(0, 60)), () => {
      assert.throws(
        () => parseReference(text),
        (error: unknown) => {
          assert.ok(error instanceof OciError);
          assert.equal(error.code, 'invalid-reference');
          assert.match(error.message, what);
          assert.ok(error.message.endsWith(`(character ${position})`), error.message);
          if (hint !== undefined) assert.match(error.hint ?? '', hint);
          assert.ok(error.message.length < 600);
          return true;
        },
      );
    });
  }
});

test('every reference that is made by the grammar is read back as it was', () => {
  const component = fc.stringMatching(/^[a-z0-9]{1,6}(?:(?:[._]|__|-{1,3})[a-z0-9]{1,4}){0,2}$/);
  const repository = fc.array(component, { minLength: 2, maxLength: 4 }).map((parts) => parts.join('/'));
  const registry = fc.stringMatching(/^[a-z0-9]{1,5}(?:-[a-z0-9]{1,3})?\.[a-z]{2,3}(?::[1-9][0-9]{0,3})?$/);
  const tag = fc.stringMatching(/^[a-zA-Z0-9_][a-zA-Z0-9_.-]{0,20}$/);
  const digest = fc.stringMatching(/^[0-9a-f]{64}$/).map((hex) => `sha256:${hex}` as const);
  const reference = fc
    .record(
      { kind: fc.constant('registry' as const), registry, repository, tag, digest },
      { requiredKeys: ['kind', 'registry', 'repository', 'tag'], noNullPrototype: true },
    )
    .filter(({ repository }) => !/^library\/[0-9a-f]{64}$/.test(repository));
  fc.assert(
    fc.property(reference, (given) => {
      assert.deepEqual(parseReference(formatReference(given)), given);
    }),
    { numRuns: 2000 },
  );
});
