import assert from 'node:assert/strict';
import { test } from 'node:test';
import { realHost } from '@cairn/host';
import { createRegistry, digestOf, OciError } from '@cairn/oci';
import { type Fault, startRegistry } from '@cairn/testkit';
import { randomBlob, STALL_MS, setUp } from './registry-tools.ts';

const MANIFEST = 'application/vnd.oci.image.manifest.v1+json';
const INDEX = 'application/vnd.oci.image.index.v1+json';

function code(expected: string, message = /(?:)/, hint = /(?:)/) {
  return (error: unknown) => {
    assert.ok(error instanceof OciError, String(error));
    assert.equal(error.code, expected, error.message);
    assert.match(error.message, message);
    assert.match(error.hint ?? '', hint);
    return true;
  };
}

test('a tag is resolved without fetching the manifest, and fetched with its digest checked', async () => {
  await using bench = await setUp();
  const image = bench.server.putImage('team/app', 'v1', { layers: [randomBlob(100).bytes] });
  const bytes = bench.server.manifest('team/app', 'v1');
  assert.ok(bytes !== undefined);
  const expected = { digest: image.manifest, size: bytes.length, mediaType: MANIFEST };
  assert.deepEqual(await bench.client.resolve(bench.reference()), expected);
  assert.deepEqual(
    bench.server.requests.map((request) => request.method),
    ['HEAD'],
  );
  const { tag: _tag, ...untagged } = bench.reference();
  const byDigest = { ...untagged, digest: image.manifest };
  for (const reference of [bench.reference(), byDigest, { ...byDigest, tag: 'other' }]) {
    const { bytes: fetched, ...descriptor } = await bench.client.manifest(reference);
    assert.deepEqual(descriptor, expected);
    assert.deepEqual(Buffer.from(fetched), Buffer.from(bytes));
  }
});

test('what the registry does not say of a manifest is found out by fetching it', async () => {
  for (const fault of [
    { kind: 'status', status: 405 },
    { kind: 'header', name: 'docker-content-digest', value: 'nonsense' },
    { kind: 'no-length' },
  ] as const) {
    await using bench = await setUp();
    const image = bench.server.putImage('team/app', 'v1', { layers: [] });
    bench.server.addFault({ ...fault, path: /manifests/, method: 'HEAD' });
    assert.equal((await bench.client.resolve(bench.reference())).digest, image.manifest, fault.kind);
  }
});

test('a manifest that is not what it should be is refused', async (t) => {
  const wrong: readonly (readonly [string, Fault, string])[] = [
    ['wrong bytes', { kind: 'wrong-bytes', path: /manifests/ }, 'digest-mismatch'],
    [
      'a header with another digest',
      { kind: 'header', name: 'docker-content-digest', value: `sha256:${'0'.repeat(64)}`, path: /manifests/ },
      'digest-mismatch',
    ],
  ];
  for (const [what, fault, expected] of wrong) {
    await t.test(what, async () => {
      await using bench = await setUp();
      bench.server.putImage('team/app', 'v1', { layers: [] });
      bench.server.addFault(fault);
      await assert.rejects(bench.client.manifest(bench.reference()), code(expected));
    });
  }
  await t.test('wrong bytes for a digest, without a header', async () => {
    await using bench = await setUp();
    const image = bench.server.putImage('team/app', 'v1', { layers: [] });
    bench.server.addFault({ kind: 'status', status: 200, body: '{}', path: /manifests/ });
    await assert.rejects(
      bench.client.manifest({ ...bench.reference(), digest: image.manifest }),
      code('digest-mismatch', new RegExp(digestOf(new TextEncoder().encode('{}')))),
    );
  });
  for (const [what, fault] of [
    ['with its length said', undefined],
    ['without its length', { kind: 'no-length', path: /manifests/ }],
  ] as const) {
    await t.test(`more than 4 MiB ${what}`, async () => {
      await using bench = await setUp();
      bench.server.putManifest('team/app', { blank: ' '.repeat(4 << 20) }, MANIFEST, 'v1');
      if (fault !== undefined) bench.server.addFault(fault);
      await assert.rejects(bench.client.manifest(bench.reference()), code('too-large', /4194304 bytes/));
    });
  }
});

test('names, tags and blobs that are not there are told apart, with the tags that are', async () => {
  await using bench = await setUp();
  for (const tag of ['12', '13', '13.1', 'latest']) bench.server.putImage('team/app', tag, { layers: [] });
  const missing = bench.reference({ tag: '13.2' });
  for (const attempt of [() => bench.client.manifest(missing), () => bench.client.resolve(missing)]) {
    await assert.rejects(
      attempt,
      code('tag-unknown', /team\/app:13\.2/, /^tags it has: 13\.1, 13, 12, latest$/),
    );
  }
  await assert.rejects(
    bench.client.manifest(bench.reference({ repository: 'team/none' })),
    code('name-unknown', /team\/none/),
  );
  await assert.rejects(
    bench.client.pullBlob(bench.reference(), randomBlob(10), bench.store),
    code('blob-unknown', /blob sha256/),
  );
});

test('all tags are listed, page by page', async () => {
  await using bench = await setUp({ pageSize: 3 });
  const tags = Array.from({ length: 10 }, (_, index) => `v${index}`);
  for (const tag of tags) bench.server.putManifest('team/app', { tag }, MANIFEST, tag);
  assert.deepEqual(await Array.fromAsync(bench.client.listTags(bench.reference())), tags);
  assert.equal(bench.server.served(/tags/).requests, 4);
  bench.server.addFault({ kind: 'cut', afterBytes: 5, path: /tags/, times: 2 });
  assert.equal((await Array.fromAsync(bench.client.listTags(bench.reference()))).length, 10);
});

test('a next page at another host is not asked for', async () => {
  await using bench = await setUp({ pageSize: 1 });
  for (const tag of ['a', 'b']) bench.server.putManifest('team/app', { tag }, MANIFEST, tag);
  bench.server.addFault({
    kind: 'header',
    name: 'link',
    value: '<http://127.0.0.1:1/v2/team/app/tags/list>; rel="next"',
    path: /tags/,
  });
  await assert.rejects(
    Array.fromAsync(bench.client.listTags(bench.reference())),
    code('protocol', /127\.0\.0\.1:1/),
  );
});

test('referrers are listed by the API, page by page, and by the tag that stands in for it', async () => {
  for (const referrers of [true, false]) {
    await using bench = await setUp({ referrers, pageSize: 2 });
    const { client } = bench;
    const image = bench.server.putImage('team/app', 'v1', { layers: [] });
    assert.deepEqual(await client.referrers(bench.reference(), image.manifest), []);
    const { tag: _tag, ...untagged } = bench.reference();
    const subject = { mediaType: MANIFEST, digest: image.manifest, size: 1 };
    const pushed: string[] = [];
    for (const [index, artifactType] of ['a/sig', 'a/sbom', 'a/sig', 'a/sig', 'a/sig'].entries()) {
      const manifest = {
        schemaVersion: 2,
        mediaType: MANIFEST,
        artifactType,
        layers: [],
        subject,
        annotations: { index: String(index) },
      };
      const bytes = new TextEncoder().encode(JSON.stringify(manifest));
      pushed.push((await client.pushManifest(untagged, bytes, MANIFEST)).digest);
    }
    const all = await client.referrers(bench.reference(), image.manifest);
    assert.deepEqual(
      all.map((referrer) => referrer.digest),
      pushed,
      `API: ${referrers}`,
    );
    assert.deepEqual(all[1]?.annotations, { index: '1' });
    const signatures = await client.referrers(bench.reference(), image.manifest, { artifactType: 'a/sig' });
    assert.equal(signatures.length, 4);
    const standIn = image.manifest.replace(':', '-');
    assert.deepEqual(bench.server.tags('team/app'), referrers ? ['v1'] : [standIn, 'v1']);
  }
});

test('lists without end are left', async () => {
  let asked = 0;
  const headers = { link: '</v2/team/app/tags/list?more>; rel="next"' };
  await using bench = await setUp(
    {},
    {
      fetch: async () => {
        asked++;
        return new Response('{"tags":["x"]}', { headers });
      },
    },
  );
  await assert.rejects(
    Array.fromAsync(bench.client.listTags(bench.reference())),
    code('protocol', /1000 pages/),
  );
  assert.equal(asked, 1000);
});

test('lists that are none are refused', async () => {
  await using bench = await setUp();
  const image = bench.server.putImage('team/app', 'v1', { layers: [] });
  for (const body of ['', 'null', '[]', '{"tags": 5}', '{"tags": [5]}']) {
    bench.server.addFault({ kind: 'status', status: 200, body, path: /tags/ });
    await assert.rejects(Array.fromAsync(bench.client.listTags(bench.reference())), code('protocol'), body);
  }
  bench.server.putManifest(
    'team/app',
    { manifests: [{ digest: 'sha256:1' }] },
    INDEX,
    image.manifest.replace(':', '-'),
  );
  bench.server.addFault({ kind: 'status', status: 404, path: /referrers/ });
  await assert.rejects(bench.client.referrers(bench.reference(), image.manifest), code('protocol'));
});

test('what may pass is tried again with pauses that double; what may not is said at once', async (t) => {
  const cases: readonly (readonly [what: string, fault: Fault, expected: string, tries: number])[] = [
    ['408', { kind: 'status', status: 408, path: /v1/, times: 99 }, 'server-error', 6],
    ['429', { kind: 'status', status: 429, path: /v1/, times: 99 }, 'rate-limited', 6],
    ['500', { kind: 'status', status: 500, path: /v1/, times: 99 }, 'server-error', 6],
    ['503', { kind: 'status', status: 503, path: /v1/, times: 99 }, 'server-error', 6],
    ['no answer', { kind: 'reset', path: /v1/, times: 99 }, 'unreachable', 6],
    ['403', { kind: 'status', status: 403, path: /v1/, times: 99 }, 'denied', 1],
    ['400', { kind: 'status', status: 400, path: /v1/, times: 99 }, 'protocol', 1],
    ['410', { kind: 'status', status: 410, path: /v1/, times: 99 }, 'protocol', 1],
  ];
  for (const [what, fault, expected, tries] of cases) {
    await t.test(what, async () => {
      await using bench = await setUp({}, { random: () => 0.5 });
      bench.server.putImage('team/app', 'v1', { layers: [] });
      bench.server.addFault(fault);
      await assert.rejects(bench.client.manifest(bench.reference()), code(expected));
      assert.equal(bench.server.served(/v1/).requests, tries);
      assert.deepEqual(bench.clock.pauses, [375, 750, 1500, 3000, 6000].slice(0, tries - 1));
      assert.equal(bench.notices.filter((notice) => notice.kind === 'retry').length, tries - 1);
    });
  }
  await t.test('twice, and then it works', async () => {
    await using bench = await setUp();
    const image = bench.server.putImage('team/app', 'v1', { layers: [] });
    bench.server.addFault({ kind: 'status', status: 502, path: /v1/, times: 2 });
    assert.equal((await bench.client.manifest(bench.reference())).digest, image.manifest);
    for (const [index, pause] of bench.clock.pauses.entries()) {
      assert.ok(pause >= 250 * 2 ** index && pause <= 500 * 2 ** index, String(pause));
    }
  });
});

test('Retry-After is waited for, in seconds or as a date, but no longer than a minute', async () => {
  await using bench = await setUp({}, { random: () => 0 });
  bench.server.putImage('team/app', 'v1', { layers: [] });
  const status = { kind: 'status', status: 429, path: /v1/ } as const;
  bench.server.addFault({ ...status, retryAfter: '7' });
  bench.server.addFault({ ...status, retryAfter: new Date(Date.now() + 20_000).toUTCString() });
  bench.server.addFault({ ...status, retryAfter: 'soon' });
  await bench.client.manifest(bench.reference());
  const [seconds = 0, date = 0, neither = 0] = bench.clock.pauses;
  assert.equal(seconds, 7000);
  assert.ok(date > 17_000 && date <= 20_000, String(date));
  assert.equal(neither, 1000);
  bench.server.addFault({ ...status, retryAfter: '3600' });
  await assert.rejects(
    bench.client.manifest(bench.reference()),
    code('rate-limited', /too many/, /in 3600 s/),
  );
});

test('a pause ends when the caller does not want to wait any longer', async () => {
  const given = new AbortController();
  await using bench = await setUp(
    {},
    {
      clock: realHost().clock,
      backoffMs: 60_000,
      onNotice: () => setTimeout(() => given.abort(new Error('enough')), 20),
    },
  );
  bench.server.addFault({ kind: 'status', status: 500, path: /v1/, times: 99 });
  await assert.rejects(bench.client.manifest(bench.reference(), { signal: given.signal }), /enough/);
});

test('refusals are shown without what would rewrite a terminal', async () => {
  await using bench = await setUp();
  const message = `\u001b[2Jfree\u202e ${'x'.repeat(5000)}`;
  const body = JSON.stringify({ errors: [{ code: 'UNSUPPORTED', message }] });
  bench.server.addFault({ kind: 'status', status: 400, body, path: /v1/ });
  await assert.rejects(bench.client.manifest(bench.reference()), (error: unknown) => {
    assert.ok(error instanceof OciError);
    assert.doesNotMatch(error.message, /[\p{Cc}\p{Cf}]/u);
    assert.ok(error.message.length < 400);
    return true;
  });
});

test('mirrors are asked first, and what they do not have comes from the registry', async (t) => {
  const layer = randomBlob(300_000);
  async function benchWithMirror(folder = '') {
    const mirror = await startRegistry();
    const bench = await setUp();
    const client = createRegistry({
      fetch: globalThis.fetch,
      clock: bench.clock,
      stallMs: STALL_MS,
      plainHttp: [bench.server.host, mirror.host],
      mirrors: { [bench.server.host]: [`${mirror.host}${folder}`] },
      onNotice: (notice) => bench.notices.push(notice),
    });
    const image = bench.server.putImage('team/app', 'v1', { layers: [layer.bytes] });
    return { bench, mirror, client, image };
  }
  await t.test('all from the mirror, below its folder', async () => {
    const { bench, mirror, client, image } = await benchWithMirror('/hub');
    mirror.putImage('hub/team/app', 'v1', { layers: [layer.bytes] });
    assert.equal((await client.resolve(bench.reference())).digest, image.manifest);
    await client.pullBlob(bench.reference(), layer, bench.store);
    assert.equal(bench.server.requests.length, 0);
    assert.equal(mirror.served().bytes, layer.size);
    await Promise.all([bench[Symbol.asyncDispose](), mirror.close()]);
  });
  await t.test('a mirror that lacks it', async () => {
    const { bench, mirror, client, image } = await benchWithMirror();
    assert.equal((await client.manifest(bench.reference())).digest, image.manifest);
    await client.pullBlob(bench.reference(), layer, bench.store);
    assert.equal(bench.server.served(/blobs/).bytes, layer.size);
    assert.deepEqual(
      bench.notices.map((notice) => notice.kind),
      ['mirror-failed', 'mirror-failed'],
    );
    await Promise.all([bench[Symbol.asyncDispose](), mirror.close()]);
  });
  await t.test('a mirror that breaks off: the registry gives only the rest', async () => {
    const { bench, mirror, client } = await benchWithMirror();
    mirror.putBlob('team/app', layer.bytes);
    mirror.addFault({ kind: 'cut', afterBytes: 100_000, path: /blobs/ });
    mirror.addFault({ kind: 'status', status: 500, path: /blobs/, times: 9 });
    await client.pullBlob(bench.reference(), layer, bench.store);
    assert.equal(bench.server.served(/blobs/).bytes, layer.size - 100_000);
    await Promise.all([bench[Symbol.asyncDispose](), mirror.close()]);
  });
  await t.test('a mirror that lies about a blob', async () => {
    for (const kind of ['wrong-bytes', 'extra-byte'] as const) {
      const { bench, mirror, client } = await benchWithMirror();
      mirror.putBlob('team/app', layer.bytes);
      mirror.addFault({ kind, path: /blobs/, times: 99 });
      await client.pullBlob(bench.reference(), layer, bench.store);
      assert.equal(bench.server.served(/blobs/).bytes, layer.size);
      await Promise.all([bench[Symbol.asyncDispose](), mirror.close()]);
    }
  });
  await t.test('a mirror that is not there is asked once', async () => {
    const { bench, mirror, client, image } = await benchWithMirror();
    await mirror.close();
    assert.equal((await client.manifest(bench.reference())).digest, image.manifest);
    await client.pullBlob(bench.reference(), layer, bench.store);
    assert.deepEqual(
      bench.notices.map((notice) => notice.kind),
      ['retry', 'mirror-failed'],
    );
    await bench[Symbol.asyncDispose]();
  });
  await t.test('a mirror that knows of no referrers does not decide that there are none', async () => {
    const { bench, mirror, client, image } = await benchWithMirror();
    mirror.putImage('team/app', 'v1', { layers: [layer.bytes] });
    const subject = { mediaType: MANIFEST, digest: image.manifest, size: 1 };
    const signature = bench.server.putManifest(
      'team/app',
      { schemaVersion: 2, layers: [], subject },
      MANIFEST,
    );
    const found = await client.referrers(bench.reference(), image.manifest);
    assert.deepEqual(
      found.map((referrer) => referrer.digest),
      [signature],
    );
    await Promise.all([bench[Symbol.asyncDispose](), mirror.close()]);
  });
  await t.test('a mirror that says another digest than was asked for', async () => {
    const { bench, mirror, client, image } = await benchWithMirror();
    mirror.putImage('team/app', 'v1', { layers: [layer.bytes] });
    const value = `sha256:${'0'.repeat(64)}`;
    mirror.addFault({ kind: 'header', name: 'docker-content-digest', value, path: /manifests/, times: 9 });
    const byDigest = { ...bench.reference(), digest: image.manifest };
    assert.equal((await client.resolve(byDigest)).digest, image.manifest);
    assert.equal((await client.manifest(byDigest)).digest, image.manifest);
    assert.equal(bench.server.served(/manifests/).requests, 2);
    await Promise.all([bench[Symbol.asyncDispose](), mirror.close()]);
  });
  await t.test('a mirror that is none', async () => {
    const { bench, mirror } = await benchWithMirror();
    const client = createRegistry({
      fetch: globalThis.fetch,
      clock: bench.clock,
      mirrors: { [bench.server.host]: ['https://mirror.example'] },
    });
    await assert.rejects(
      client.resolve(bench.reference()),
      code('invalid-reference', /mirror/, /without a scheme/),
    );
    await Promise.all([bench[Symbol.asyncDispose](), mirror.close()]);
  });
});
