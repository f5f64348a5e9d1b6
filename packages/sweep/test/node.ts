import { execFileSync } from 'node:child_process';
import { closeSync, mkdtempSync, openSync, readSync, rmSync, truncateSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import {
  type ByteSource,
  type ByteTarget,
  memorySource,
  memoryTarget,
  offsetTarget,
  sha256Hex,
} from '@cairn/bytes';
import {
  type DiskLayout,
  deriveUuid,
  encodeGpt,
  PARTITION_TYPE,
  planDisk,
  planFat32,
  VerityWriter,
  writeFat32,
} from '@cairn/disk';
import { LogWriter, type SweepInput, type SweepRelease } from '../src/index.ts';
import { mulberry32 } from '../src/random.ts';

/** A small node: a disk as Cairn lays it out, whose ESP is changed by mtools, and the log of all that was changed. */

export const MIB = 1 << 20;
const DATA_BLOCKS = 64;
const SECTOR = 512;

export interface TestRelease extends SweepRelease {
  readonly id: string;
  readonly rootBytes: Uint8Array;
  readonly ukiBytes: Uint8Array;
}

export function noise(size: number, seed: number): Uint8Array {
  const random = mulberry32(seed);
  const words = new Uint32Array(Math.ceil(size / 4)).map(() => random());
  return new Uint8Array(words.buffer).slice(0, size);
}

export async function makeRelease(name: string, seed: number): Promise<TestRelease> {
  const data = noise(DATA_BLOCKS * 4096, seed);
  const target = memoryTarget();
  const verity = new VerityWriter(target, data.length, { uuid: new Uint8Array(16).fill(seed) });
  await verity.write(0, data);
  const { rootHash, hashOffset } = await verity.finish();
  const rootBytes = target.bytes().slice();
  // Not whole sectors, so that the end of the last one is looked at too.
  const ukiBytes = noise(40_100, seed + 1000);
  return {
    name,
    rootHash,
    id: rootHash.slice(0, 32),
    hashOffset,
    rootBytes,
    ukiBytes,
    root: memorySource(rootBytes),
    uki: memorySource(ukiBytes),
  };
}

export const LOADER = noise(9000, 77);

export const LABELS = ['ESP', 'cairn-a', 'cairn-b', 'cairn-recovery', 'COS_PERSISTENT'] as const;

export function layoutDisk(): DiskLayout {
  return planDisk({
    diskUuid: deriveUuid('sweep', 'disk'),
    partitions: LABELS.map((label, index) => ({
      label,
      type:
        index === 0
          ? PARTITION_TYPE.esp
          : index < 4
            ? PARTITION_TYPE.rootX86_64
            : PARTITION_TYPE.linuxGeneric,
      uuid: deriveUuid('sweep', label),
      size: index === 0 ? 36 * MIB : MIB,
    })),
  });
}

export function entryText(release: TestRelease, generation: number, sortKey = 'cairn'): string {
  return `title Test ${release.name}\nsort-key ${sortKey}\nversion ${generation}\nefi /EFI/cairn/${release.id}.efi\n`;
}

const PAGE = 1 << 16;

/** A disk of which only what was written to takes memory. */
export class SparseDisk implements ByteSource, ByteTarget {
  readonly size: number;
  readonly #pages = new Map<number, Uint8Array>();

  constructor(size: number) {
    this.size = size;
  }

  write(position: number, chunk: Uint8Array): void {
    for (let done = 0; done < chunk.length; ) {
      const { page, within } = {
        page: Math.floor((position + done) / PAGE),
        within: (position + done) % PAGE,
      };
      const part = chunk.subarray(done, done + PAGE - within);
      const bytes = this.#pages.get(page) ?? new Uint8Array(PAGE);
      bytes.set(part, within);
      this.#pages.set(page, bytes);
      done += part.length;
    }
  }

  read(position: number, target: Uint8Array): number {
    const count = Math.max(0, Math.min(target.length, this.size - position));
    for (let done = 0; done < count; ) {
      const within = (position + done) % PAGE;
      const part = target.subarray(done, Math.min(count, done + PAGE - within));
      const bytes = this.#pages.get(Math.floor((position + done) / PAGE));
      if (bytes === undefined) part.fill(0);
      else part.set(bytes.subarray(within, within + part.length));
      done += part.length;
    }
    return count;
  }

  slice(start: number, end: number): Uint8Array {
    const bytes = new Uint8Array(end - start);
    this.read(start, bytes);
    return bytes;
  }

  fill(value: number, start: number, end: number): void {
    this.write(start, new Uint8Array(end - start).fill(value));
  }
}

/** A file of the ESP when it is made. */
export interface EspContent {
  readonly path: string;
  readonly bytes: Uint8Array | string;
}

export interface NodeRequest {
  readonly esp: readonly EspContent[];
  /** What the slots hold. */
  readonly slots: Readonly<Record<string, TestRelease>>;
}

/** A node with `old` (generation 5) running from cairn-a, `other` (generation 4) in cairn-b, and `old` as recovery. */
export function usualNode(old: TestRelease, other: TestRelease): NodeRequest {
  return {
    slots: { 'cairn-a': old, 'cairn-b': other, 'cairn-recovery': old },
    esp: [
      { path: 'EFI/BOOT/BOOTX64.EFI', bytes: LOADER },
      { path: 'EFI/systemd/systemd-bootx64.efi', bytes: LOADER },
      { path: `EFI/cairn/${old.id}.efi`, bytes: old.ukiBytes },
      { path: `EFI/cairn/${old.id}.json`, bytes: '{}' },
      { path: `EFI/cairn/${other.id}.efi`, bytes: other.ukiBytes },
      { path: `EFI/cairn/${other.id}.json`, bytes: '{}' },
      { path: 'loader/loader.conf', bytes: 'timeout 3\nconsole-mode keep\neditor no\n' },
      { path: 'loader/entries/cairn-4.conf', bytes: entryText(other, 4) },
      { path: 'loader/entries/cairn-5.conf', bytes: entryText(old, 5) },
      { path: 'loader/entries/cairn-recovery.conf', bytes: entryText(old, 0, 'cairn-recovery') },
    ],
  };
}

export interface TestDisk {
  readonly layout: DiskLayout;
  readonly disk: SparseDisk;
}

export async function makeDisk(request: NodeRequest): Promise<TestDisk> {
  const layout = layoutDisk();
  const disk = new SparseDisk(layout.size);
  const { primary, backup } = encodeGpt(layout);
  for (const part of [primary, backup]) disk.write(part.position, part.bytes);
  const [esp] = layout.partitions;
  if (esp === undefined) throw new TypeError('there is no ESP');
  const fat = planFat32({
    size: esp.size,
    label: 'ESP',
    volumeId: 1,
    time: { seconds: 0, nanoseconds: 0 },
    files: request.esp.map(({ path, bytes }) => ({
      path,
      content: memorySource(typeof bytes === 'string' ? new TextEncoder().encode(bytes) : bytes),
    })),
  });
  await writeFat32(fat, offsetTarget(disk, esp.start));
  for (const [label, release] of Object.entries(request.slots))
    disk.write(startOf(layout, label), release.rootBytes);
  return { layout, disk };
}

export function startOf(layout: DiskLayout, label: string): number {
  const found = layout.partitions.find((partition) => partition.label === label);
  if (found === undefined) throw new TypeError(`there is no ${label}`);
  return found.start;
}

/** Of the ESP, only the front is ever used: FATs and a few hundred KiB. The rest need not be read again and again. */
const USED = 2 * MIB;

/** Writes are at most so many sectors, as of a block layer that merges little: more of them, more cuts. */
const MAX_SECTORS = 16;

/** Changes a disk, and logs what reached it as a kernel would send it: sectors, and flushes. */
export class Recorder implements Disposable {
  readonly layout: DiskLayout;
  readonly base: SparseDisk;
  readonly #folder = mkdtempSync(join(tmpdir(), 'cairn-sweep-'));
  readonly #image = join(this.#folder, 'esp.img');
  readonly #log = memoryTarget();
  readonly writer = new LogWriter(this.#log);
  readonly #esp: Uint8Array;
  readonly #known: Map<string, readonly Row[]>;
  #history = '';

  /** `known`: what mtools did to the same disk before. */
  constructor({ layout, disk }: TestDisk, known = new Map<string, readonly Row[]>()) {
    this.layout = layout;
    this.base = disk;
    const [esp] = layout.partitions;
    const start = esp?.start ?? 0;
    this.#esp = disk.slice(start, start + USED);
    this.#known = known;
  }

  get start(): number {
    return this.layout.partitions[0]?.start ?? 0;
  }

  /** Runs one of mtools on the ESP, and logs the sectors that it changed. What was run before in the same order is not run again. */
  async mtools(program: string, args: readonly string[], content: Uint8Array | string = ''): Promise<void> {
    this.#history = sha256Hex(JSON.stringify([this.#history, program, args, sha256Hex(content)]));
    let rows = this.#known.get(this.#history);
    if (rows === undefined) {
      writeFileSync(this.#image, this.#esp);
      truncateSync(this.#image, this.layout.partitions[0]?.size);
      writeFileSync(join(this.#folder, 'file'), content);
      execFileSync(program, ['-i', this.#image, ...args], {
        cwd: this.#folder,
        env: { ...process.env, MTOOLS_SKIP_CHECK: '1', TZ: 'UTC', LC_ALL: 'C.UTF-8' },
        stdio: ['ignore', 'ignore', 'inherit'],
      });
      rows = differences(this.#esp, this.#read());
      this.#known.set(this.#history, rows);
    }
    await this.#write(rows);
  }

  async #write(rows: readonly Row[]): Promise<void> {
    for (const { position, bytes } of rows) {
      await this.writer.write(this.start + position, bytes);
      this.#esp.set(bytes, position);
    }
  }

  async copyIn(path: string, bytes: Uint8Array | string): Promise<void> {
    await this.mtools('mcopy', ['-o', 'file', `::/${path}`], bytes);
  }

  async rename(from: string, to: string): Promise<void> {
    await this.mtools('mren', [`::/${from}`, `::/${to}`]);
  }

  async remove(path: string): Promise<void> {
    await this.mtools('mdel', [`::/${path}`]);
  }

  /** Overwrites what is at a place on the ESP. */
  async overwrite(position: number, bytes: Uint8Array): Promise<void> {
    this.#history = sha256Hex(`${this.#history} ${position} ${sha256Hex(bytes)}`);
    await this.#write([{ position, bytes }]);
  }

  /** Where on the ESP some bytes lie. */
  find(bytes: Uint8Array): number {
    return Buffer.from(this.#esp).indexOf(bytes);
  }

  async flush(): Promise<void> {
    await this.writer.flush();
  }

  async writeSlot(label: string, position: number, bytes: Uint8Array): Promise<void> {
    await this.writer.write(startOf(this.layout, label) + position, bytes);
  }

  async input(releases: readonly TestRelease[]): Promise<SweepInput> {
    await this.writer.finish();
    return {
      base: this.base,
      log: memorySource(this.#log.bytes()),
      releases,
      loaders: [memorySource(LOADER)],
    };
  }

  get log(): Uint8Array {
    return this.#log.bytes();
  }

  /** The ESP as it is now. */
  esp(): SparseDisk {
    const esp = new SparseDisk(this.layout.partitions[0]?.size ?? 0);
    esp.write(0, this.#esp);
    return esp;
  }

  #read(): Uint8Array {
    const bytes = new Uint8Array(USED);
    const file = openSync(this.#image, 'r');
    readSync(file, bytes, 0, USED, 0);
    closeSync(file);
    return bytes;
  }

  [Symbol.dispose](): void {
    rmSync(this.#folder, { recursive: true, force: true });
  }
}

/** Sectors that were changed. */
export interface Row {
  readonly position: number;
  readonly bytes: Uint8Array;
}

const COMPARED = 1 << 16;

/** Rows of sectors that differ, in order. */
function differences(before: Uint8Array, after: Uint8Array): Row[] {
  const rows: { start: number; end: number }[] = [];
  for (let at = 0; at < after.length; ) {
    if (at % COMPARED === 0 && same(before, after, at, COMPARED)) {
      at += COMPARED;
      continue;
    }
    if (!same(before, after, at, SECTOR)) {
      const last = rows.at(-1);
      if (last?.end === at && at - last.start < MAX_SECTORS * SECTOR) last.end += SECTOR;
      else rows.push({ start: at, end: at + SECTOR });
    }
    at += SECTOR;
  }
  return rows.map(({ start, end }) => ({ position: start, bytes: after.slice(start, end) }));
}

function same(a: Uint8Array, b: Uint8Array, at: number, size: number): boolean {
  return Buffer.compare(a.subarray(at, at + size), b.subarray(at, at + size)) === 0;
}
