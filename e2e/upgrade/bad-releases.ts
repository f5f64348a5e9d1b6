import { join } from 'node:path';
import { zstdCompressSync, zstdDecompressSync } from 'node:zlib';
import { type Host, runChecked } from '@cairn/host';
import { buildRelease, ensureFramework } from '../support/build.ts';
import { ensureImage } from '../support/images.ts';
import { type VariantFile, varyTar } from '../support/variants.ts';

/** A release that cannot be lived with, and what the node has to say of it afterwards. */
export interface BadRelease {
  readonly name: string;
  readonly files: Readonly<Record<string, VariantFile>>;
  /** Files of the initrd that are others. */
  readonly initrd?: Readonly<Record<string, string>>;
  readonly args?: readonly string[];
  readonly reason: RegExp;
  /** How many of its three tries are left to it; one unless given: that the loader counts to three need be seen once only. */
  readonly tries?: 1 | 3;
}

/** A unit that systemd starts, as soon as it can or once all is up. */
function unit(when: 'early' | 'late', ...lines: readonly string[]): Record<string, VariantFile> {
  const order = when === 'early' ? ['DefaultDependencies=no'] : ['After=multi-user.target cairn-up.service'];
  const target = when === 'early' ? 'sysinit.target' : 'multi-user.target';
  return {
    '/usr/lib/systemd/system/bad.service': {
      content: ['[Unit]', ...order, '[Service]', 'Type=oneshot', ...lines, ''].join('\n'),
    },
    [`/usr/lib/systemd/system/${target}.wants/bad.service`]: { linkTo: '../bad.service' },
  };
}

/** Bad before their init runs, or as soon as it does. */
export const BAD_EARLY: readonly BadRelease[] = [
  {
    name: 'panics',
    files: unit('early', "ExecStart=/bin/sh -c 'echo c >/proc/sysrq-trigger'"),
    reason: /^kernel panic: sysrq triggered crash/,
  },
  {
    name: 'init-missing',
    files: { '/usr/lib/systemd/systemd': { content: '#!/not/there\n', mode: 0o755 } },
    reason: /^kernel panic: Attempted to kill init!/,
    tries: 3,
  },
  {
    name: 'initrd-hangs',
    files: {},
    initrd: {
      'usr/lib/cairn/slot.sh': 'find_slot() { while :; do sleep 1; done; }\nload_modules() { :; }\n',
    },
    args: ['--cmdline', 'console=ttyS0 cairn.initrd-limit=1'],
    reason: /^none of its boots came as far as the initrd’s end: the kernel or the initrd failed/,
  },
];

/** Bad once they are up. */
export const BAD_LATE: readonly BadRelease[] = [
  {
    name: 'unit-fails',
    files: unit('late', 'ExecStart=/bin/false'),
    reason: /bad\.service/,
  },
  {
    name: 'userland-hangs',
    // The processes stay, and none of them runs any more: systemd feeds no watchdog.
    files: unit('early', "ExecStart=/bin/sh -c 'echo 1 >/sys/fs/cgroup/init.scope/cgroup.freeze'"),
    reason: /and then no more was heard of it/,
  },
  {
    name: 'own-check-fails',
    files: {
      '/system/oem/health.yaml': { content: '#cloud-config\nhealth:\n  deadline: 30s\n' },
      '/etc/cairn/health.d/10-licence': {
        content: '#!/bin/sh\necho "the licence server does not answer" >&2\nexit 1\n',
        mode: 0o755,
      },
    },
    reason: /10-licence.*the licence server does not answer/,
  },
];

/** Newer than the good one, which has the version 0. */
export function badVersion({ name }: BadRelease): string {
  return `1-${name}`;
}

/** Builds a bad release as a folder of this name. */
export async function buildBadRelease(host: Host, folder: string, bad: BadRelease): Promise<void> {
  const tar = join(folder, `${bad.name}.tar`);
  await varyTar(
    host,
    await ensureImage(host, 'debian-13'),
    { '/etc/bad': { content: bad.name }, ...bad.files },
    tar,
  );
  const framework = bad.initrd === undefined ? undefined : await varyInitrd(host, folder, bad.initrd);
  await buildRelease(host, { tar }, join(folder, bad.name), {
    args: ['--version', badVersion(bad), ...(bad.args ?? [])],
    ...(framework === undefined ? {} : { framework }),
  });
  await host.files.remove(tar);
  await host.files.remove(join(folder, bad.name, 'disk.raw'));
}

/** The framework with an initrd in which later files hide earlier ones, as the kernel unpacks them. */
async function varyInitrd(
  host: Host,
  folder: string,
  files: Readonly<Record<string, string>>,
): Promise<string> {
  const name = 'usr/lib/cairn/initrd.zst';
  const layer = join(folder, 'framework.tar');
  const packed = await host.files.read(await ensureFramework(host), 1 << 26);
  await host.files.replace(layer, zstdDecompressSync(packed ?? new Uint8Array()));
  const tree = join(folder, 'initrd-files');
  for (const [path, content] of Object.entries(files)) {
    await host.files.makeDirectory(join(tree, path, '..'));
    await host.files.replace(join(tree, path), content);
  }
  await runChecked(host.programs, ['tar', '-xf', layer, '-C', folder, name]);
  const archive = await runChecked(
    host.programs,
    ['cpio', '--create', '--format=newc', '--quiet', '--directory', tree],
    { input: `${Object.keys(files).join('\n')}\n` },
  );
  const initrd = (await host.files.read(join(folder, name), 1 << 26)) ?? new Uint8Array();
  const whole = Buffer.concat([initrd, zstdCompressSync(archive)]);
  const varied = join(folder, 'framework-varied.tar');
  await varyTar(host, layer, { [`/${name}`]: { content: whole } }, varied);
  return varied;
}
