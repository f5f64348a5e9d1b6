import { type ByteSource, CairnError, chunksOf, sha256OfStream, sliceSource } from '@cairn/bytes';
import { encodeGpt, openFat32, planFat32, writeFat32 } from '@cairn/disk';
import { type Host, type OpenFile } from '@cairn/host';
import type { Watcher } from '../actions/run.ts';
import { type VerifiedSlot, verifyRoot, writeRoot } from '../actions/slot.ts';
import { RUN } from '../boot/places.ts';
import { addBootOption } from '../efi/boot-option.ts';
import { AgentError } from '../error.ts';
import { partitionsOf } from '../node/disk.ts';
import { mustRun } from '../node/programs.ts';
import { tool } from '../node/tools.ts';
import type { InstallSource } from './source.ts';
import type {
  AddBootOption,
  CheckFileSystems,
  InstallPlan,
  InstallStep,
  MakeFileSystem,
  Place,
  VerifyEsp,
  VerifyRoot,
  WipeDisk,
  WriteEsp,
  WriteRoot,
  WriteTable,
} from './steps.ts';

/** What the steps of an installation work with. */
export interface InstallRun extends Watcher {
  readonly host: Host;
  readonly device: string;
  readonly source: InstallSource;
  /** What OEM gets. */
  readonly config: Uint8Array | undefined;
  readonly onWarning: (sentence: string) => void;
  /** What has been read back and found whole: without it no table is written. */
  readonly verified: { esp: boolean; readonly slots: Map<string, VerifiedSlot> };
}

type StepOf<Name extends InstallStep['step']> = Extract<InstallStep, { readonly step: Name }>;

const EXECUTORS: {
  readonly [Name in InstallStep['step']]: (step: StepOf<Name>, run: InstallRun) => Promise<void>;
} = {
  'wipe-disk': wipeDisk,
  'write-esp': writeEsp,
  'write-root': writeSlotRoot,
  'make-file-system': makeFileSystem,
  'verify-esp': verifyEsp,
  'verify-root': verifySlotRoot,
  'write-table': writeTable,
  'check-file-systems': checkFileSystems,
  'add-boot-option': addOption,
};

/** Carries out an installation. It has no journal: what was interrupted has no table yet, and is begun again. */
export async function executeInstallation(plan: InstallPlan, run: InstallRun): Promise<void> {
  for (const step of plan.steps) {
    run.signal?.throwIfAborted();
    // The table has for each name the function of that step's type; that the two belong together is not seen by the compiler.
    await EXECUTORS[step.step](step as never, run);
  }
}

const MIB = 1 << 20;
const ZEROS = new Uint8Array(MIB);
/** What finds file systems by their first bytes must not find old ones where nothing is written now. */
const WIPED = MIB;

async function wipeDisk({ places }: WipeDisk, { host, device, onProgress }: InstallRun): Promise<void> {
  onProgress({ phase: 'wipe' });
  {
    await using disk = await host.files.open(device, 'exclusive');
    await wipeTables(disk);
    for (const { start, size } of places) await zero(disk, start, Math.min(WIPED, size));
    await disk.sync();
  }
  // Partitions that the kernel knows from before are none any more. It may be asked again when there is a table.
  await host.programs.run(tool('blockdev', ['--rereadpt', device]));
}

/** The first goes before the second: a disk that has lost only one of them is what it was, to those who look at the backup. */
async function wipeTables(disk: OpenFile): Promise<void> {
  await zero(disk, 0, MIB);
  await disk.sync();
  await zero(disk, disk.size - MIB, MIB);
  await disk.sync();
}

async function zero(disk: OpenFile, start: number, size: number): Promise<void> {
  for (let done = 0; done < size; done += MIB) {
    await disk.write(start + done, ZEROS.subarray(0, Math.min(MIB, size - done)));
  }
}

/** 1980-01-01, where FAT's time begins: the clock of a machine without a system is nothing to go by. */
const EPOCH = { seconds: 315_532_800, nanoseconds: 0 } as const;

async function writeEsp({ place, volumeId }: WriteEsp, run: InstallRun): Promise<void> {
  const { host, device, source, signal, onProgress } = run;
  onProgress({ phase: 'esp' });
  const layout = planFat32({
    size: place.size,
    label: place.label,
    volumeId,
    time: EPOCH,
    files: source.esp,
  });
  const { sectorSize, sectorsPerCluster } = layout.geometry;
  const cluster = sectorSize * sectorsPerCluster;
  const runs = [...layout.directories, ...layout.files];
  const used = Math.max(...runs.map(({ position, clusters }) => position + clusters * cluster));
  await using disk = await host.files.open(device, 'exclusive');
  // Only what is not zero is written then.
  await zero(disk, place.start, Math.ceil(used / MIB) * MIB);
  const target = partOf(disk, place);
  await writeFat32(layout, target, signal === undefined ? {} : { signal });
  await disk.sync();
}

async function writeSlotRoot({ place, root }: WriteRoot, run: InstallRun): Promise<void> {
  await using disk = await run.host.files.open(run.device, 'exclusive');
  await writeRoot(run.source.root, partOf(disk, place), root, named(run, place));
}

/** A part of a disk, as something to write to. */
function partOf(disk: OpenFile, { start }: Place): Pick<OpenFile, 'write' | 'sync'> {
  return { write: (position, chunk) => disk.write(start + position, chunk), sync: () => disk.sync() };
}

/** Progress with the partition's name. */
function named(run: InstallRun, { label }: Place): Watcher {
  return {
    signal: run.signal,
    onProgress: (progress) => run.onProgress({ ...progress, phase: `${progress.phase} ${label}` }),
  };
}

/** Made at its place on the disk, before there is a partition; the configuration is put in as it is made (mke2fs -d). */
async function makeFileSystem(step: MakeFileSystem, run: InstallRun): Promise<void> {
  const { host, device, signal, onProgress } = run;
  const { label, start, size } = step.place;
  onProgress({ phase: `make ${label}` });
  const folder = `${RUN}/install`;
  await using cleanup = new AsyncDisposableStack();
  if (step.config && run.config !== undefined) {
    cleanup.defer(() => host.files.remove(folder));
    await host.files.remove(folder);
    await host.files.makeDirectory(`${folder}/oem`);
    // It may hold secrets.
    await host.files.replace(`${folder}/oem/${CONFIG_FILE}`, run.config, 0o600);
  }
  const content = step.config ? ['-d', `${folder}/oem`] : [];
  const options = ['-q', '-F', '-t', 'ext4', '-L', label.slice(0, EXT4_LABEL), '-U', step.uuid];
  const extended = ['-E', `offset=${start},nodiscard,root_owner=0:0`];
  await mustRun(
    host,
    tool('mke2fs', [...options, ...extended, ...content, device, `${size / 1024}k`]),
    signal,
  );
  await host.files.sync(device);
}

/** Kairos's name of what an installation brings. */
const CONFIG_FILE = '90_custom.yaml';
const EXT4_LABEL = 16;

/** What is read from now on comes from the disk. */
async function dropPages({ host, device }: InstallRun): Promise<void> {
  await mustRun(host, tool('blockdev', ['--flushbufs', device]));
}

async function verifyEsp({ place }: VerifyEsp, run: InstallRun): Promise<void> {
  run.onProgress({ phase: 'verify esp' });
  await dropPages(run);
  await using disk = await run.host.files.open(run.device, 'read');
  const options = run.signal === undefined ? {} : { signal: run.signal };
  const volume = await openFat32(sliceSource(disk, place.start, place.size), options);
  for (const { path, content } of run.source.esp) {
    const [found, wanted] = [
      await digestOf(await volume.open(path, options), run),
      await digestOf(content, run),
    ];
    if (found === wanted) continue;
    throw new AgentError('not-verified', `${path}, read back from the ESP, is not what was written`, {
      hint: 'The disk is damaged.',
    });
  }
  run.verified.esp = true;
}

function digestOf(source: ByteSource, { signal }: Watcher): Promise<string> {
  return sha256OfStream(chunksOf(source, signal));
}

async function verifySlotRoot({ place, root }: VerifyRoot, run: InstallRun): Promise<void> {
  await dropPages(run);
  await using disk = await run.host.files.open(run.device, 'read');
  const slot = sliceSource(disk, place.start, place.size);
  const name = `${place.label} on ${run.device}`;
  run.verified.slots.set(place.label, await verifyRoot(slot, root, name, named(run, place)));
}

async function writeTable({ layout }: WriteTable, run: InstallRun): Promise<void> {
  const { host, device, verified, source, onProgress } = run;
  const { rootHash } = source.release.root;
  for (const label of ['cairn-a', 'cairn-recovery']) {
    if (verified.esp && verified.slots.get(label)?.isOf(rootHash)) continue;
    throw new AgentError('not-verified', `${label} was not read back: the disk is not made bootable`);
  }
  onProgress({ phase: 'table' });
  const { primary, backup } = encodeGpt(layout);
  const header = 2 * layout.sectorSize;
  {
    await using disk = await host.files.open(device, 'exclusive');
    await disk.write(backup.position, backup.bytes);
    await disk.sync();
    // The entries before the header that says how to sum them up.
    await disk.write(primary.position + header, primary.bytes.subarray(header));
    await disk.sync();
    await disk.write(primary.position, primary.bytes.subarray(0, header));
    await disk.sync();
  }
  await dropPages(run);
}

const ATTEMPTS = 50;
const PAUSE_MS = 200;

/** A disk with a file system that the kernel does not take is made unbootable again. */
async function checkFileSystems(step: CheckFileSystems, run: InstallRun): Promise<void> {
  run.onProgress({ phase: 'check' });
  try {
    const partitions = await readTableAgain(step, run);
    for (const label of step.labels) await lookInto(label, partitions.get(label) ?? '', step.config, run);
  } catch (error) {
    if (!(error instanceof CairnError)) throw error;
    await using disk = await run.host.files.open(run.device, 'change');
    await wipeTables(disk);
    throw error;
  }
}

/** udev may look at the disk just now, and then the kernel does not take a new table. */
async function readTableAgain(
  { labels }: CheckFileSystems,
  { host, device }: InstallRun,
): Promise<Map<string, string>> {
  let said = '';
  for (let attempt = 0; attempt < ATTEMPTS; attempt++) {
    said = (await host.programs.run(tool('blockdev', ['--rereadpt', device]))).stderr.trim();
    const found = await partitionsOf(host.files, device.slice('/dev/'.length).replaceAll('/', '!'));
    const partitions = new Map(found.map((partition) => [partition.label, partition.device]));
    if (labels.every((label) => partitions.has(label))) return partitions;
    await host.clock.sleep(PAUSE_MS);
  }
  throw new AgentError('failed', `the kernel does not show the partitions of ${device}: ${said}`);
}

async function lookInto(
  label: string,
  partition: string,
  config: boolean,
  { host, config: expected }: InstallRun,
): Promise<void> {
  const target = `${RUN}/install/${label}`;
  await host.files.makeDirectory(target);
  await using cleanup = new AsyncDisposableStack();
  cleanup.defer(() => host.files.remove(`${RUN}/install`));
  await mustRun(host, ['mount', '-t', 'ext4', '-o', 'ro,nodev,nosuid,noexec', partition, target]);
  cleanup.defer(async () => void (await mustRun(host, ['umount', target])));
  if (label !== 'COS_OEM' || !config || expected === undefined) return;
  const found = await host.files.read(`${target}/${CONFIG_FILE}`);
  if (found !== undefined && Buffer.compare(found, expected) === 0) return;
  throw new AgentError(
    'not-verified',
    `the configuration, read back from ${partition}, is not what was written`,
  );
}

/** The loader is where firmware looks on a disk that it does not know, too. */
async function addOption({ option, gone }: AddBootOption, run: InstallRun): Promise<void> {
  run.onProgress({ phase: 'firmware' });
  try {
    await addBootOption(run.host, option, new Set(gone));
  } catch (error) {
    if (!(error instanceof CairnError)) throw error;
    run.onWarning(
      `the firmware was not told of the new system, and boots it as it boots any disk: ${error.message}`,
    );
  }
}
