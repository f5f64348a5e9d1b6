import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { realFiles, realHost } from '@cairn/host';
import { createRegistry, type RegistryReference } from '@cairn/oci';
import { renderRelease } from '@cairn/release';
import { startRegistry } from '@cairn/testkit';
import { convertedTree, sampleInput } from '../../release/test/sample.ts';
import { findRelease, pushRelease } from '../src/index.ts';

/** With a tool that others wrote: zstd(1). */
const folder = mkdtempSync(join(tmpdir(), 'cairn-transport-'));
process.once('exit', () => rmSync(folder, { recursive: true, force: true }));
const files = realFiles();
const platform = { os: 'linux', architecture: 'amd64' } as const;

test('zstd unpacks what is in the registry', async () => {
  await using from = await startRegistry();
  const out = join(folder, 'release');
  const { release } = await renderRelease(
    sampleInput(convertedTree()),
    { files },
    {
      out,
      architecture: 'amd64',
      commandLine: [],
    },
  );
  const { clock } = realHost();
  const registry = createRegistry({ fetch: globalThis.fetch, clock, plainHttp: [from.host] });
  const at = (host: string): RegistryReference => ({
    kind: 'registry',
    registry: host,
    repository: 'os',
    tag: '1',
  });
  await pushRelease(registry, files, out, at(from.host), { workFolder: join(folder, 'work') });

  const found = await findRelease(registry, at(from.host), { platform });
  assert.ok(found !== undefined);
  const packed = from.blob(found.artifact.root.digest) ?? new Uint8Array();
  const whole = execFileSync('zstd', ['-dc'], { input: packed, maxBuffer: 1 << 28 });
  assert.ok(whole.equals(readFileSync(join(out, 'root.erofs')).subarray(0, release.root.dataSize)));
});
