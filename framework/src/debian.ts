import type { Host } from '@cairn/host';
import { runChecked } from '@cairn/host';

/** A fixed time for all that is built here, so that the same packages give the same bits: 2025-08-09, Debian 13's day. */
export const BUILD_TIME = 1754697600;

/** Debian 13: one release for every image, whatever distribution that image is of. */
export const SUITE = 'trixie';

export const ARCHITECTURE = 'amd64';

/** The environment of the tools that unpack packages: nothing of the caller's locale, zone or umask tells in the result. */
export function cleanEnvironment(host: Host): Record<string, string> {
  const kept = [
    'PATH',
    'http_proxy',
    'https_proxy',
    'no_proxy',
    'HTTP_PROXY',
    'HTTPS_PROXY',
    'NO_PROXY',
    'TMPDIR',
  ];
  const own = Object.fromEntries(
    kept.flatMap((name) => (host.environment[name] === undefined ? [] : [[name, host.environment[name]]])),
  );
  return {
    PATH: '/usr/sbin:/usr/bin:/sbin:/bin',
    ...own,
    LC_ALL: 'C.UTF-8',
    TZ: 'UTC',
    SOURCE_DATE_EPOCH: String(BUILD_TIME),
  };
}

export interface PackageTreeOptions {
  readonly packages: readonly string[];
  /** `extract` unpacks and runs nothing of the packages; `minbase` makes a configured system. */
  readonly variant: 'extract' | 'minbase';
  readonly suite?: string;
  /** Commands that mmdebstrap runs before there is anything in the tree, which is `$1`. */
  readonly setupHooks?: readonly string[];
  /** Commands that it runs once the packages are unpacked: the last with the variant `extract`. */
  readonly extractHooks?: readonly string[];
  /** Commands that it runs at the end, with the variant `minbase` only. */
  readonly customizeHooks?: readonly string[];
  /** For apt.conf(5). */
  readonly aptOptions?: readonly string[];
  readonly signal?: AbortSignal;
}

/** Makes a tree of Debian packages with their dependencies, as a tar file: mmdebstrap(1), with the machine's own package sources. */
export async function makePackageTree(
  host: Host,
  tarFile: string,
  options: PackageTreeOptions,
): Promise<void> {
  await runChecked(
    host.programs,
    [
      'mmdebstrap',
      '--quiet',
      `--variant=${options.variant}`,
      `--architectures=${ARCHITECTURE}`,
      `--include=${options.packages.join(',')}`,
      ...(options.aptOptions ?? []).map((option) => `--aptopt=${option}`),
      ...(options.setupHooks ?? []).map((hook) => `--setup-hook=${hook}`),
      ...(options.extractHooks ?? []).map((hook) => `--extract-hook=${hook}`),
      ...(options.customizeHooks ?? []).map((hook) => `--customize-hook=${hook}`),
      '--format=tar',
      options.suite ?? SUITE,
      tarFile,
    ],
    {
      environment: cleanEnvironment(host),
      ...(options.signal === undefined ? {} : { signal: options.signal }),
    },
  );
}
