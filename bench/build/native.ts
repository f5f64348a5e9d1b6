import { copyFile } from 'node:fs/promises';
import { join } from 'node:path';
import { openErofs } from '@cairn/disk';
import { type Host, runChecked } from '@cairn/host';
import {
  encodeRelease,
  FRAMEWORK_PATHS,
  loaderEntry,
  loadRelease,
  type Release,
  releaseId,
} from '@cairn/release';
import { readFileIn } from '@cairn/tree';
import { BenchError } from '../support/error.ts';
import { parseUsage, timed, type Usage } from '../support/measure.ts';
import { flushAll, OURS } from './ours.ts';
import { insidePath, inTree, NATIVE_FOLDER } from './tools.ts';

/** Below the work folder: what the native side makes, and what it takes besides the image. */
export const NATIVE = 'native';
const INPUT = 'native-input';

const ESP_SIZE = '1G';

/** The seconds of the native side's three steps. */
export interface NativeSteps {
  readonly 'mkfs.erofs': number;
  readonly veritysetup: number;
  readonly 'systemd-repart': number;
}

export interface NativeRun {
  readonly usage: Usage;
  readonly steps: NativeSteps;
}

/** The native side, ready to run: boot files and definitions are those of a release that was built before. */
export interface NativeSide {
  readonly tree: string;
  readonly tarFile: string;
  readonly work: string;
  /** Of the disk image, in bytes. */
  readonly diskSize: number;
}

/** Gives the native side what it cannot make: the UKI, which it only copies. */
export async function prepareNative(
  host: Host,
  tree: string,
  tarFile: string,
  work: string,
  signal: AbortSignal,
): Promise<NativeSide> {
  const { files } = host;
  const ours = join(work, OURS);
  const input = join(work, INPUT);
  const release = await loadRelease(files, ours);
  await using root = await files.open(join(ours, release.root.file), 'read');
  const loader = await readFileIn(
    await (await openErofs(root)).loadTree({ signal }),
    FRAMEWORK_PATHS.bootLoader,
  );
  const disk = await files.stat(join(ours, 'disk.raw'));
  if (loader === undefined || disk === undefined) throw new TypeError('our side has made no whole release');
  await files.remove(input);
  await files.makeDirectory(join(input, 'repart.d'));
  await copyFile(join(ours, release.uki.file), join(input, 'uki.efi'));
  await copyFile(join(NATIVE_FOLDER, 'pipeline.sh'), join(input, 'pipeline.sh'));
  const texts = {
    'loader.conf': 'timeout 3\nconsole-mode keep\neditor no\n',
    'entry.conf': loaderEntry(release, 1),
    'release.json': new TextDecoder().decode(encodeRelease(release)),
    'repart.d/10-esp.conf': espDefinition(release, insidePath(input)),
    'repart.d/20-cairn-a.conf': slotDefinition(release, insidePath(join(work, NATIVE, 'root.erofs'))),
  };
  await files.replace(join(input, 'boot.efi'), loader);
  for (const [name, text] of Object.entries(texts)) await files.replace(join(input, name), text);
  return { tree, tarFile, work, diskSize: disk.size };
}

function espDefinition(release: Release, input: string): string {
  const id = releaseId(release);
  const copies = [
    ['boot.efi', '/EFI/BOOT/BOOTX64.EFI'],
    ['boot.efi', '/EFI/systemd/systemd-bootx64.efi'],
    ['uki.efi', `/EFI/cairn/${id}.efi`],
    ['release.json', `/EFI/cairn/${id}.json`],
    ['loader.conf', '/loader/loader.conf'],
    ['entry.conf', '/loader/entries/cairn-1.conf'],
  ];
  const lines = copies.map(([from, to]) => `CopyFiles=${input}/${from}:${to}\n`).join('');
  return `[Partition]\nType=esp\nLabel=ESP\nFormat=vfat\nSizeMinBytes=${ESP_SIZE}\nSizeMaxBytes=${ESP_SIZE}\n${lines}`;
}

function slotDefinition({ slotSize }: Release, root: string): string {
  const sizes = `SizeMinBytes=${slotSize}\nSizeMaxBytes=${slotSize}\n`;
  return `[Partition]\nType=root-x86-64\nLabel=cairn-a\n${sizes}CopyBlocks=${root}\n`;
}

/** Makes fsync(2) and its like return at once: Debian's libeatmydata. */
const WITHOUT_FLUSHING = ['env', 'LD_PRELOAD=libeatmydata.so'];

/**
 * The native pipeline, in its tree. Only what runs there is measured, not the mounts before.
 *
 * @param flushes whether the tools wait, as they do, until their files are on the disk; `cairn build` does not
 */
export async function buildNative(
  host: Host,
  side: NativeSide,
  flushes: boolean,
  signal: AbortSignal,
): Promise<NativeRun> {
  const { tree, tarFile, work, diskSize } = side;
  const out = join(work, NATIVE);
  await host.files.remove(out);
  await host.files.makeDirectory(out);
  await flushAll(host, signal);
  const input = insidePath(join(work, INPUT));
  const arguments_ = [insidePath(tarFile), insidePath(out), `${input}/repart.d`, String(diskSize)];
  const usageFile = join(work, 'usage');
  const pipeline = [...(flushes ? [] : WITHOUT_FLUSHING), 'sh', `${input}/pipeline.sh`, ...arguments_];
  await runChecked(host.programs, inTree(tree, pipeline, timed(usageFile)), { signal });
  const usage = parseUsage((await host.files.readText(usageFile)) ?? '');
  return { usage, steps: parseSteps((await host.files.readText(join(out, 'steps'))) ?? '') };
}

/** Four times in seconds since 1970, one a line: before the first step and after each. */
export function parseSteps(text: string): NativeSteps {
  const times = text.trim().split('\n').map(Number);
  const [start, afterMkfs, afterVerity, afterRepart] = times;
  if (
    start === undefined ||
    afterMkfs === undefined ||
    afterVerity === undefined ||
    afterRepart === undefined ||
    times.some(Number.isNaN)
  ) {
    throw new BenchError('bad-measurement', `the native pipeline noted "${text.trim()}" as its steps`);
  }
  return {
    'mkfs.erofs': afterMkfs - start,
    veritysetup: afterVerity - afterMkfs,
    'systemd-repart': afterRepart - afterVerity,
  };
}
