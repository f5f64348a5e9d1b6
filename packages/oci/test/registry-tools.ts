import { randomBytes } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type Clock, realFiles, realHost } from '@cairn/host';
import {
  type BlobIdentity,
  type BlobStore,
  createRegistry,
  digestOf,
  openBlobStore,
  type Registry,
  type RegistryNotice,
  type RegistryOptions,
  type RegistryReference,
} from '@cairn/oci';
import { startRegistry, type TestRegistry, type TestRegistryOptions } from '@cairn/testkit';

/** A folder of a test's own; it goes with the test. */
export async function scratchFolder(): Promise<AsyncDisposable & { readonly path: string }> {
  const path = await mkdtemp(join(tmpdir(), 'cairn-oci-'));
  return { path, [Symbol.asyncDispose]: () => rm(path, { recursive: true, force: true }) };
}

/** Sleeps as told but notes down how long; pauses between retries are cut to a millisecond. */
export function hurriedClock(): Clock & { readonly pauses: number[] } {
  const real = realHost().clock;
  const pauses: number[] = [];
  return {
    ...real,
    pauses,
    sleep(milliseconds, signal) {
      // What watches for stalls sleeps with a signal that ends it; only pauses are told apart by their length.
      if (milliseconds >= STALL_MS - 1) return real.sleep(milliseconds, signal);
      pauses.push(milliseconds);
      return real.sleep(1, signal);
    },
  };
}

/** Above every pause of the tests, so that a sleep of this length is the watch for stalls. */
export const STALL_MS = 100_000;

export interface Bench extends AsyncDisposable {
  readonly server: TestRegistry;
  readonly client: Registry;
  readonly store: BlobStore;
  readonly folder: string;
  readonly notices: RegistryNotice[];
  readonly clock: Clock & { readonly pauses: number[] };
  reference(text?: { repository?: string; tag?: string }): RegistryReference;
}

/** A test registry, a client for it, and an empty blob store. */
export async function setUp(
  serverOptions: TestRegistryOptions = {},
  clientOptions: Partial<RegistryOptions> = {},
): Promise<Bench> {
  const server = await startRegistry(serverOptions);
  const scratch = await scratchFolder();
  const notices: RegistryNotice[] = [];
  const clock = hurriedClock();
  const client = createRegistry({
    fetch: globalThis.fetch,
    clock,
    stallMs: STALL_MS,
    plainHttp: serverOptions.tls === true ? [] : [server.host],
    onNotice: (notice) => notices.push(notice),
    ...clientOptions,
  });
  return {
    server,
    client,
    clock,
    notices,
    store: openBlobStore(realFiles(), scratch.path),
    folder: scratch.path,
    reference: ({ repository = 'team/app', tag = 'v1' } = {}) => ({
      kind: 'registry',
      registry: server.host,
      repository,
      tag,
    }),
    async [Symbol.asyncDispose]() {
      await server.close();
      await scratch[Symbol.asyncDispose]();
    },
  };
}

/** Random bytes, and what identifies them. */
export function randomBlob(size: number): BlobIdentity & { readonly bytes: Uint8Array } {
  const bytes = randomBytes(size);
  return { bytes, size, digest: digestOf(bytes) };
}
