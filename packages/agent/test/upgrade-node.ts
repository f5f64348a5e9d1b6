import {
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  truncateSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { memorySource, sha256Hex } from '@cairn/bytes';
import { verifyVerity } from '@cairn/disk';
import { type Host, realFiles } from '@cairn/host';
import { loaderEntry, type Release, renderRelease } from '@cairn/release';
import { type FakeHost, type FakeProgram, fakeHost } from '@cairn/testkit';
import { makeFile, place } from '@cairn/tree';
import { convertedTree, sampleInput } from '../../release/test/sample.ts';
import { loadLoader } from '../src/loader/load.ts';
import { bootOrder } from '../src/loader/order.ts';
import { fakeNode } from './fake-node.ts';

/** A release in a folder, and its root hash's first digits. */
export interface TestRelease {
  readonly folder: string;
  readonly release: Release;
  readonly id: string;
}

const FOLDER = mkdtempSync(join(tmpdir(), 'cairn-upgrade-'));
process.once('exit', () => rmSync(FOLDER, { recursive: true, force: true }));

/** By version: files of tests that share a process share these too. */
const MADE = new Map<string, Promise<TestRelease>>();

/** A small, real release, made once. The image's digest is made of the version. */
export function makeRelease(version: string): Promise<TestRelease> {
  const made = MADE.get(version) ?? renderTestRelease(version);
  MADE.set(version, made);
  return made;
}

async function renderTestRelease(version: string): Promise<TestRelease> {
  const folder = join(FOLDER, `release-${version}`);
  const root = convertedTree();
  place(root, '/usr/share/big', makeFile(new Uint8Array(300_000).fill(version.charCodeAt(0))));
  place(root, '/usr/share/version', makeFile(version));
  const input = sampleInput(root);
  const image = { ...input.image, digest: `sha256:${sha256Hex(version)}` };
  const { release } = await renderRelease(
    { root, image },
    { files: realFiles() },
    {
      architecture: 'amd64',
      out: folder,
      commandLine: ['console=ttyS0'],
      version,
    },
  );
  return { folder, release, id: release.root.rootHash.slice(0, 32) };
}

export const SLOT_SIZE = 2 << 20;
/** What is mounted at /run/cairn/esp lies here, for the machine of the test. */
const ESP_FOLDER = 'esp';

export interface InSlot extends TestRelease {
  /** The name of its entry; none unless given. */
  readonly entry?: string;
}

/** The machines that are there: they take memory. */
const NODES: string[] = [];

export function removeNodes(): void {
  for (const root of NODES.splice(0)) rmSync(root, { recursive: true, force: true });
}

/** A node that has booted a slot, as a folder. */
export function makeNode(slots: {
  readonly a?: InSlot;
  readonly b?: InSlot;
  readonly recovery?: InSlot;
}): string {
  const root = fakeNode({ commandLine: '' });
  mkdirSync(join(root, 'oem'), { recursive: true });
  mkdirSync(join(root, ESP_FOLDER, 'loader/entries'), { recursive: true });
  mkdirSync(join(root, ESP_FOLDER, 'EFI/cairn'), { recursive: true });
  for (const [index, inSlot] of [slots.a, slots.b, slots.recovery].entries()) {
    const device = join(root, `/dev/vda${index + 2}`);
    rmSync(device, { force: true });
    if (inSlot === undefined) writeFileSync(device, '');
    else cpSync(join(inSlot.folder, 'root.erofs'), device);
    truncateSync(device, SLOT_SIZE);
    if (inSlot !== undefined) putOnEsp(root, inSlot);
  }
  boot(root, 'cairn-a', slots.a?.release ?? (slots.b ?? slots.recovery)?.release);
  NODES.push(root);
  return root;
}

function putOnEsp(root: string, { folder, release, id, entry }: InSlot): void {
  const esp = join(root, ESP_FOLDER);
  cpSync(join(folder, 'uki.efi'), join(esp, `EFI/cairn/${id}.efi`));
  cpSync(join(folder, 'release.json'), join(esp, `EFI/cairn/${id}.json`));
  if (entry === undefined) return;
  const generation = Number(/\d+/.exec(entry)?.[0] ?? 0);
  const text = loaderEntry(release, generation);
  const isRecovery = entry.startsWith('cairn-recovery');
  writeFileSync(
    join(esp, 'loader/entries', entry),
    isRecovery ? text.replace('sort-key cairn', 'sort-key cairn-recovery') : text,
  );
}

/** As if the machine had booted a release from a slot: what lies in memory is gone. */
export function boot(root: string, slot: string, release: Release | undefined): void {
  rmSync(join(root, 'run/cairn'), { recursive: true, force: true });
  put(root, '/proc/cmdline', `roothash=${release?.root.rootHash ?? '0'.repeat(64)} ro\n`);
  put(root, '/proc/self/mountinfo', '30 1 254:0 / / ro - erofs /dev/mapper/root ro\n');
  put(root, '/proc/self/stat', `77 (node) S ${'0 '.repeat(18)}5000 0\n`);
  put(root, '/proc/77/stat', `77 (node) S ${'0 '.repeat(18)}5000 0\n`);
  put(
    root,
    '/run/cairn/boot.json',
    JSON.stringify({
      formatVersion: 1,
      rootHash: release?.root.rootHash,
      slot,
      disk: '/dev/vda',
      persistent: true,
      firstBoot: false,
      problems: [],
      took: 1,
    }),
  );
}

function put(root: string, path: string, content: string): void {
  mkdirSync(dirname(join(root, path)), { recursive: true });
  writeFileSync(join(root, path), content);
}

/** The process that was 77 has ended, and the next one is another. */
export function endProcess(root: string): void {
  rmSync(join(root, 'proc/77'), { recursive: true, force: true });
  for (const name of ['self', '78'])
    put(root, `/proc/${name}/stat`, `78 (node) S ${'0 '.repeat(18)}6000 0\n`);
}

/** mount(8) and its kin for a machine that is a folder. */
function programsOf(root: string): Readonly<Record<string, FakeProgram>> {
  const point = join(root, '/run/cairn/esp');
  const table = join(root, '/proc/self/mountinfo');
  const LINE = '90 30 253:1 / /run/cairn/esp rw - vfat /dev/vda1 rw\n';
  const isMounted = () => readFileSync(table, 'utf8').includes(LINE);
  return {
    mount: (argv) => {
      if (argv.includes('vfat')) {
        if (isMounted()) return { exitCode: 32, stderr: 'already mounted' };
        rmSync(point, { recursive: true });
        symlinkSync(join(root, ESP_FOLDER), point);
        writeFileSync(table, readFileSync(table, 'utf8') + LINE);
      }
      return {};
    },
    umount: () => {
      if (!isMounted()) return { exitCode: 32, stderr: 'not mounted' };
      rmSync(point);
      mkdirSync(point);
      writeFileSync(table, readFileSync(table, 'utf8').replace(LINE, ''));
      return {};
    },
    blockdev: () => ({}),
    sync: () => ({}),
    systemctl: () => ({}),
  };
}

export function hostOf(root: string, programs: Readonly<Record<string, FakeProgram>> = {}): FakeHost {
  return fakeHost({ root, programs: { ...programsOf(root), ...programs } });
}

/** The ESP's files, by path below it. */
export function espFiles(root: string): string[] {
  return readdirSync(join(root, ESP_FOLDER), { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name).slice(join(root, ESP_FOLDER).length + 1))
    .sort();
}

export function entriesOf(root: string): string[] {
  return readdirSync(join(root, ESP_FOLDER, 'loader/entries')).sort();
}

/** As the loader counts: it renames the entry that it boots. */
export function renameEntry(root: string, from: string, to: string): void {
  const folder = join(root, ESP_FOLDER, 'loader/entries');
  writeFileSync(join(folder, to), readFileSync(join(folder, from)));
  rmSync(join(folder, from));
}

/**
 * What the next boot takes, as firmware, loader and initrd would: the first entry whose UKI is there, with the bytes that a
 * release has, and the slot whose top hash block fits, every block of it verified. Undefined where there is no such thing.
 */
export async function whatBoots(root: string, releases: readonly TestRelease[]): Promise<string | undefined> {
  const esp = join(root, ESP_FOLDER);
  const [entry] = bootOrder(await loadLoader(realFiles(), esp));
  if (entry?.id === undefined) return undefined;
  const uki = sha256Hex(readFileSync(join(esp, `EFI/cairn/${entry.id}.efi`)));
  const found = releases.find(({ id, release }) => id === entry.id && release.uki.sha256 === uki);
  if (found === undefined) return undefined;
  const { rootHash, hashOffset } = found.release.root;
  const slots = entry.name.kind === 'recovery' ? ['vda4'] : ['vda2', 'vda3'];
  for (const slot of slots) {
    const bytes = readFileSync(join(root, 'dev', slot));
    if (sha256Hex(bytes.subarray(hashOffset + 4096, hashOffset + 8192)) !== rootHash) continue;
    await verifyVerity(memorySource(bytes), rootHash, { hashOffset });
    return found.release.version;
  }
  return undefined;
}

/** All that lies on the machine's disk. */
export function diskDigest(root: string): string {
  const parts = ['dev/vda2', 'dev/vda3', 'dev/vda4'].map((path) => sha256Hex(readFileSync(join(root, path))));
  for (const path of espFiles(root)) parts.push(path, sha256Hex(readFileSync(join(root, ESP_FOLDER, path))));
  const oem = join(root, 'oem/.cairn');
  if (existsSync(oem))
    for (const name of readdirSync(oem).sort()) parts.push(name, sha256Hex(readFileSync(join(oem, name))));
  return sha256Hex(parts.join('\n'));
}

/** A source that is the test's folder, seen from the machine. */
export function sourceIn(root: string, { folder }: TestRelease): string {
  const name = `/source-${folder.split('/').at(-1)}`;
  rmSync(join(root, name), { recursive: true, force: true });
  cpSync(folder, join(root, name), { recursive: true });
  return name;
}

export function withSpace(host: Host, free: number): Host {
  return {
    ...host,
    files: { ...host.files, space: async () => ({ total: 1 << 30, free, blockSize: 4096 }) },
  };
}
