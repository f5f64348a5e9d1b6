import { type ByteSource } from '@cairn/bytes';
import { DiskError, PARTITION_TYPE, parseGpt } from '@cairn/disk';
import { type BootEntry, compareEntries, countTry } from './boot/entry.ts';
import { type EspEntry, type EspFile, type EspView, LOADERS, readEsp } from './boot/esp.ts';
import type { KnownFile } from './disk/known.ts';
import { SLOT_LABELS, type SlotLabel, type Watched } from './disk/layout.ts';
import type { DiskModel, Fingerprint } from './disk/model.ts';
import type { SweepRelease } from './disk/release.ts';
import { SECTOR } from './disk/store.ts';

/** `nothing`: firmware finds nothing on the disk that it would start. `stuck`: it does, and nothing comes up. */
export type Boots = 'old' | 'new' | 'other' | 'recovery' | 'nothing' | 'stuck';

/** What a disk state boots. */
export interface Verdict {
  readonly boots: Boots;
  /** How many boots fail before that: each is one more cut, by a panic or by a person. */
  readonly afterTries: number;
  /** The file of the entry that boots it. */
  readonly entry: string | undefined;
  readonly slot: SlotLabel | undefined;
  /** The files in `loader/entries` then, in lower case and in order: the loader has counted. */
  readonly entries: readonly string[];
  readonly reason: string;
  /** Entries with tries left that could not boot, and why, were they to be started. */
  readonly broken: readonly string[];
}

/**
 * How firmware finds the loader. `fallback`: it knows only the path for removable media. `entry`: it has an entry for the loader,
 * and takes the fallback if that file is missing or unreadable. `both`: whichever it is, it must work.
 */
export type Firmware = 'fallback' | 'entry' | 'both';

/** What the judge knows: what is not among this does not boot. */
export interface Knowledge {
  readonly watched: Watched;
  /** In the order of the model's bits. A verdict `old` or `new` needs a release of that name. */
  readonly releases: readonly (SweepRelease & { readonly ukiFile: KnownFile })[];
  readonly loaders: readonly KnownFile[];
  readonly firmware: Firmware;
}

const BLOCK_SECTORS = 8;
const REMEMBERED = 4096;
const RECOVERY_SLOTS: readonly SlotLabel[] = ['cairn-recovery'];
const RECOVERY_ID = /^cairn-recovery(\+[0-9]+(-[0-9]+)?)?\.conf$/;
/** The entry of a release in a slot that was found good. */
const GOOD_FILE = /^(cairn-[1-9][0-9]*)\.conf$/;

/** Where an entry boots, and what. */
interface Whole {
  readonly boots: Boots;
  readonly slot: SlotLabel;
}

/** Why an entry does not boot. */
interface Fault {
  readonly text: string;
  /** The initrd finds it out, and has the loader take another entry from then on (`cairn-agent`, src/boot/doubt.ts). */
  readonly refused: boolean;
}

/** What the partition table says of the areas that are watched. */
interface Tables {
  readonly damage: string | undefined;
  readonly slots: readonly number[];
}

/** An entry, and the release whose UKI it starts. */
interface Candidate extends EspEntry {
  /** The number of the release, or why there is none. */
  readonly release: number | string;
}

/** Why nothing comes up. */
interface Failure {
  readonly boots: 'nothing' | 'stuck';
  readonly reason: string;
}

interface Esp {
  /** Why it does not come to the boot menu. */
  readonly failure: Failure | undefined;
  readonly candidates: readonly Candidate[];
  readonly names: ReadonlySet<string>;
}

/**
 * Says what a state of the disk boots, as firmware, systemd-boot 257 and Cairn's initrd would find it out. Everything that costs
 * is kept by what it depends on: tables, the ESP's metadata, the ESP, the whole.
 */
export class Judge {
  readonly #model: DiskModel;
  readonly #knowledge: Knowledge;
  readonly #tables = new Map<string, Tables>();
  readonly #views = new Map<string, EspView>();
  readonly #esps = new Map<string, Esp>();
  /** All of them: what is the same is one object. */
  readonly #verdicts = new Map<string, Verdict>();
  readonly #said = new Map<string, Verdict>();
  readonly #topBlocks: readonly number[];

  constructor(model: DiskModel, knowledge: Knowledge) {
    this.#model = model;
    this.#knowledge = knowledge;
    this.#topBlocks = knowledge.releases.map(({ hashOffset }) => hashOffset / SECTOR + BLOCK_SECTORS);
  }

  /** How many states were different in what matters. */
  get distinct(): number {
    return this.#verdicts.size;
  }

  /** The verdict on the state that the model is in. */
  async judge(): Promise<Verdict> {
    const model = this.#model;
    const tops = model.slots.flatMap((_, slot) =>
      this.#topBlocks.map((_, release) => this.#hasTop(slot, release)),
    );
    const key = `${textOf(model.tables)} ${textOf(model.esp)} ${model.wrong.join()} ${tops.map(Number).join('')}`;
    const known = this.#verdicts.get(key);
    if (known !== undefined) return known;
    const decided = await this.#decide();
    const text = JSON.stringify(decided);
    const verdict = this.#said.get(text) ?? decided;
    this.#said.set(text, verdict);
    this.#verdicts.set(key, verdict);
    return verdict;
  }

  async #decide(): Promise<Verdict> {
    const tables = await this.#tablesNow();
    if (tables.damage !== undefined) return failed({ boots: 'nothing', reason: tables.damage });
    const esp = this.#espNow();
    if (esp.failure !== undefined) return failed(esp.failure);
    const faults = new Map(
      esp.candidates.map((candidate) => [candidate, this.#whole(candidate, tables)] as const),
    );
    const broken = [...faults].flatMap(([{ entry }, whole]) =>
      'text' in whole && entry.tries?.left !== 0 ? [`${entry.fileName}: ${whole.text}`] : [],
    );
    return this.#bootUntilDone(esp, tables, broken);
  }

  /** Boots again and again, as a machine would, until something comes up or nothing can change any more. */
  #bootUntilDone(esp: Esp, tables: Tables, broken: readonly string[]): Verdict {
    let menu = [...esp.candidates];
    const names = new Set(esp.names);
    const failures: string[] = [];
    const stuck = (reason: string, afterTries: number) =>
      failed({ boots: 'stuck', reason }, afterTries, broken);
    for (let tries = 0; ; tries++) {
      menu.sort((a, b) => compareEntries(a.entry, b.entry));
      const first = menu[0];
      const before = failures.length === 0 ? '' : ` after ${failures.join('; ')}`;
      if (first === undefined) return stuck('the boot menu has no entry', tries);
      const { entry } = first;
      const whole = this.#whole(first, tables);
      if (!('text' in whole)) {
        const { boots, slot } = whole;
        const reason = `${entry.fileName} boots from ${slot}${before}`;
        const entries = namesAfterTry(names, entry);
        return { boots, afterTries: tries, entry: entry.fileName, slot, entries, reason, broken };
      }
      const failure = `${entry.fileName}: ${whole.text}`;
      if (!failures.includes(failure)) failures.push(failure);
      const others = menu.slice(1);
      const doubted = whole.refused ? spend(entry, others) : undefined;
      if (doubted !== undefined) {
        names.delete(entry.file);
        names.add(doubted.file);
        // One of that name, which a cut has left, is written again.
        menu = [{ ...first, entry: doubted }, ...others.filter((each) => each.entry.file !== doubted.file)];
        continue;
      }
      if (entry.tries === undefined || entry.tries.left === 0) {
        return stuck(`${failure}, and it is tried for ever${before}`, tries);
      }
      const next = countTry(entry);
      if (next.file !== entry.file && names.has(next.file)) {
        return stuck(`${failure}, and it is tried for ever, as ${next.fileName} exists`, tries);
      }
      names.delete(entry.file);
      names.add(next.file);
      menu = [{ ...first, entry: next }, ...menu.slice(1)];
    }
  }

  /** What an entry boots and from where, or why it does not. */
  #whole(candidate: Candidate, tables: Tables): Whole | Fault {
    const { release } = candidate;
    if (typeof release === 'string') return { text: release, refused: false };
    const isRecovery = RECOVERY_ID.test(candidate.entry.id);
    const { watched, releases } = this.#knowledge;
    const name = releases[release]?.name ?? '';
    // The initrd takes the first that has the top block, in this order; a lost slot may have its release in recovery still.
    const slot = (isRecovery ? RECOVERY_SLOTS : SLOT_LABELS)
      .flatMap((label) => tables.slots.filter((index) => watched.slots[index]?.label === label))
      .find((index) => this.#hasTop(index, release));
    if (slot === undefined) return { text: `no slot has the top block of ${name}`, refused: true };
    const label = watched.slots[slot]?.label ?? 'cairn-a';
    const wrong = this.#model.wrongIn(slot, release);
    // The kernel panics over it, and whether that is known of the next time is the firmware's affair.
    if (wrong > 0) return { text: `${label} has ${wrong} sectors that are not of ${name}`, refused: false };
    const boots = isRecovery ? 'recovery' : name === 'old' || name === 'new' ? name : 'other';
    return { boots, slot: label };
  }

  /** Whether the initrd would take a slot for a release: `framework/recipe/initrd/usr/lib/cairn/slot.sh`. */
  #hasTop(slot: number, release: number): boolean {
    const bits = this.#model.slots[slot];
    const start = this.#topBlocks[release] ?? 0;
    if (bits === undefined || start + BLOCK_SECTORS > bits.length) return false;
    for (let sector = start; sector < start + BLOCK_SECTORS; sector++) {
      if (((bits[sector] ?? 0) & (1 << release)) === 0) return false;
    }
    return true;
  }

  async #tablesNow(): Promise<Tables> {
    const key = textOf(this.#model.tables);
    const known = this.#tables.get(key);
    if (known !== undefined) return known;
    const tables = await this.#readTables();
    this.#tables.set(key, tables);
    return tables;
  }

  /** Firmware takes a table only behind a protective MBR, and the backup where the primary one is damaged. */
  async #readTables(): Promise<Tables> {
    const { watched } = this.#knowledge;
    try {
      const gpt = await parseGpt(tableSource(this.#model, watched));
      if (!gpt.protectiveMbr) return { damage: 'there is no protective MBR', slots: [] };
      const esp = gpt.partitions.find(({ type }) => type === PARTITION_TYPE.esp);
      if (esp?.start !== watched.esp.start || esp.size !== watched.esp.size) {
        return { damage: 'the partition table has no ESP, or another one', slots: [] };
      }
      const slots = watched.slots.flatMap((slot, index) => {
        const found = gpt.partitions.find(({ label }) => label === slot.label);
        return found?.start === slot.start && found.size === slot.size ? [index] : [];
      });
      return { damage: undefined, slots };
    } catch (error) {
      if (error instanceof DiskError) return { damage: error.message, slots: [] };
      throw error;
    }
  }

  #espNow(): Esp {
    const key = textOf(this.#model.esp);
    const known = this.#esps.get(key);
    if (known !== undefined) return known;
    const esp = this.#readEsp();
    remember(this.#esps, key, esp);
    return esp;
  }

  #readEsp(): Esp {
    const view = this.#viewNow();
    const failure = this.#failureOf(view);
    const known = new Map<EspFile, number>();
    const candidates = view.entries.map(({ entry, files }) => ({
      entry,
      files,
      release: this.#releaseOf(files, known),
    }));
    return { failure, candidates, names: view.names };
  }

  #viewNow(): EspView {
    const key = textOf(this.#model.metadata);
    const known = this.#views.get(key);
    if (known !== undefined) return known;
    const { content, espCell, store } = this.#model;
    const sectors = content.length - espCell;
    let sawBulk = false;
    const view = readEsp((sector) => {
      const id = content[espCell + sector];
      if (id === undefined) throw new RangeError(`sector ${sector} of an ESP of ${sectors}`);
      sawBulk ||= store.isBulk(id);
      return store.bytes(id);
    }, sectors);
    // The metadata's print leaves out sectors of large files: a folder that lies in such is another each time.
    if (!sawBulk) remember(this.#views, key, view);
    return view;
  }

  #failureOf(view: EspView): Failure | undefined {
    if (view.damage !== undefined) {
      return { boots: 'nothing', reason: `the ESP cannot be read: ${view.damage}` };
    }
    const failure = this.#loaderFailure(view);
    if (failure !== undefined || view.unclear === undefined) return failure;
    return { boots: 'stuck', reason: view.unclear };
  }

  #loaderFailure(view: EspView): Failure | undefined {
    const { firmware } = this.#knowledge;
    const fallback = this.#loaderFault(view.loaders.fallback, LOADERS.fallback);
    if (firmware !== 'entry' && fallback.kind !== 'right') return notStarted(fallback);
    if (firmware === 'fallback') return undefined;
    const entry = this.#loaderFault(view.loaders.entry, LOADERS.entry);
    if (entry.kind === 'wrong') return notStarted(entry);
    if (entry.kind === 'right' || fallback.kind === 'right') return undefined;
    return notStarted({ ...fallback, text: `${entry.text}; ${fallback.text}` });
  }

  #loaderFault(files: readonly EspFile[], path: string): LoaderFault {
    const { loaders } = this.#knowledge;
    for (const file of files) {
      if (file.damage !== undefined)
        return { kind: 'missing', text: `${path} cannot be read: ${file.damage}` };
      if (!loaders.some((loader) => this.#isFile(file, loader))) {
        return { kind: 'wrong', text: `${path} is not a boot loader that is known` };
      }
    }
    return files.length === 0 ? { kind: 'missing', text: `${path} is missing` } : { kind: 'right', text: '' };
  }

  #releaseOf(files: readonly EspFile[], known: Map<EspFile, number>): number | string {
    const { releases } = this.#knowledge;
    let found: number | undefined;
    for (const file of files) {
      if (file.damage !== undefined) return `its UKI cannot be read: ${file.damage}`;
      const release = known.get(file) ?? releases.findIndex(({ ukiFile }) => this.#isFile(file, ukiFile));
      known.set(file, release);
      if (release < 0) return 'its UKI is not that of a known release';
      if (found !== undefined && found !== release) return 'its UKI is there twice, and not the same';
      found = release;
    }
    return found ?? 'its UKI is missing';
  }

  #isFile(file: EspFile, known: KnownFile): boolean {
    if (file.damage !== undefined || file.size !== known.size) return false;
    const { content, espCell, store } = this.#model;
    let at = 0;
    for (const { sector, count } of file.extents) {
      const cell = espCell + sector;
      for (let index = 0; index < count; index++, at++) {
        const id = content[cell + index];
        if (at < known.sectors.length) {
          if (id !== known.sectors[at]) return false;
          continue;
        }
        const rest = store.bytes(id ?? 0).subarray(0, known.rest.length);
        if (Buffer.compare(rest, known.rest) !== 0) return false;
      }
    }
    return true;
  }
}

/** What the initrd makes of a good entry that it has refused, where another one can be booted. */
function spend(entry: BootEntry, others: readonly Candidate[]): BootEntry | undefined {
  const stem = GOOD_FILE.exec(entry.file)?.[1];
  const canGoOn = others.some(
    ({ entry: other }) =>
      other.tries?.left !== 0 && (RECOVERY_ID.test(other.id) || /^cairn-[1-9]/.test(other.id)),
  );
  if (stem === undefined || !canGoOn) return undefined;
  const fileName = `${stem}+0-1.conf`;
  return { ...entry, fileName, file: fileName, tries: { left: 0, done: 1, prefix: `${stem}+` } };
}

interface LoaderFault {
  readonly kind: 'right' | 'wrong' | 'missing';
  readonly text: string;
}

/** One that can be read but is not the loader is started, and nobody can say what it does. */
function notStarted({ kind, text }: LoaderFault): Failure {
  return { boots: kind === 'wrong' ? 'stuck' : 'nothing', reason: text };
}

function failed({ boots, reason }: Failure, afterTries = 0, broken: readonly string[] = []): Verdict {
  return { boots, afterTries, entry: undefined, slot: undefined, entries: [], reason, broken };
}

/** The loader renames what it counts before it starts it. */
function namesAfterTry(names: ReadonlySet<string>, entry: EspEntry['entry']): string[] {
  const after = new Set(names);
  const next = countTry(entry);
  if (!after.has(next.file)) {
    after.delete(entry.file);
    after.add(next.file);
  }
  return [...after].filter((name) => name !== '.' && name !== '..').sort();
}

/** Neighbouring states are what is asked for again: so little is lost when all is forgotten from time to time. */
function remember<T>(known: Map<string, T>, key: string, value: T): void {
  if (known.size >= REMEMBERED) known.clear();
  known.set(key, value);
}

function textOf({ a, b }: Fingerprint): string {
  return `${a},${b}`;
}

/** The ends of the disk, where the partition tables are; all else is zeros. */
function tableSource(model: DiskModel, { diskSize, head, tail }: Watched): ByteSource {
  return {
    size: diskSize,
    read(position, target) {
      const count = Math.max(0, Math.min(target.length, diskSize - position));
      for (let done = 0; done < count; ) {
        const at = position + done;
        const within = at % SECTOR;
        const part = target.subarray(done, Math.min(count, done + SECTOR - within));
        const cell = cellAt(at - within, head, tail);
        const bytes = cell === undefined ? undefined : model.store.bytes(model.content[cell] ?? 0);
        if (bytes === undefined) part.fill(0);
        else part.set(bytes.subarray(within, within + part.length));
        done += part.length;
      }
      return count;
    },
  };
}

function cellAt(position: number, head: Watched['head'], tail: Watched['tail']): number | undefined {
  if (position < head.start + head.size) return position / SECTOR;
  if (position >= tail.start) return (head.size + position - tail.start) / SECTOR;
  return undefined;
}
