import { AgentError } from '../error.ts';
import { descriptionPath, RELEASES_FOLDER, ukiPath } from '../loader/places.ts';
import { digestOfFile, putFile } from './files.ts';
import type { Run } from './run.ts';
import type { RemoveFiles, VerifyUki, WriteUki } from './steps.ts';

/** The proof that a release's UKI was read back and is what its digest says. Only `verifyUki` makes one. */
class VerifiedUkiToken {
  readonly #id: string;

  constructor(id: string) {
    this.#id = id;
  }

  isOf(id: string): boolean {
    return this.#id === id;
  }
}
export type VerifiedUki = VerifiedUkiToken;

/** Files that nothing names any more, and never an entry: those are removed and flushed before. */
export async function removeFiles({ paths }: RemoveFiles, { host, esp }: Run): Promise<void> {
  if (paths.length === 0) return;
  for (const path of paths) await host.files.remove(`${esp.path}/${path}`);
  await esp.flush(RELEASES_FOLDER);
}

export async function writeUki({ id, source, uki, description }: WriteUki, run: Run): Promise<void> {
  const { files } = run.host;
  run.onProgress({ phase: 'uki', total: uki.size });
  await files.makeDirectory(`${run.esp.path}/${RELEASES_FOLDER}`);
  await put(run, descriptionPath(id), `${source}/release.json`, description);
  await put(run, ukiPath(id), `${source}/${uki.file}`, uki);
  await run.esp.flush(RELEASES_FOLDER);
}

/** A file that is there already, whole, stays: the recovery release may boot by it. */
async function put(
  run: Run,
  path: string,
  source: string,
  { sha256 }: { readonly sha256: string },
): Promise<void> {
  const { files } = run.host;
  const target = `${run.esp.path}/${path}`;
  const there = await digestOfFile(files, target, run.signal);
  if (there?.sha256 === sha256) return;
  // FAT cannot put one file in place of another at once: what is wrong goes first.
  if (there !== undefined) await files.remove(target);
  await using from = await files.open(source, 'read');
  await putFile(run, path, from);
}

/** Reads both files back from the disk: the ESP is mounted anew for it. */
export async function verifyUki({ id, uki, description }: VerifyUki, run: Run): Promise<void> {
  await run.esp.remount();
  await compare(run, ukiPath(id), uki);
  if (description !== undefined) await compare(run, descriptionPath(id), description);
  run.found.uki = new VerifiedUkiToken(id);
}

async function compare(
  { host, esp, signal }: Run,
  path: string,
  expected: { readonly size: number; readonly sha256: string },
): Promise<void> {
  const found = await digestOfFile(host.files, `${esp.path}/${path}`, signal);
  if (found?.sha256 === expected.sha256) return;
  const what =
    found === undefined ? 'is not there' : `has the SHA-256 ${found.sha256}, not ${expected.sha256}`;
  throw new AgentError('not-verified', `${path}, read back from the ESP, ${what}`, {
    hint: 'The release is damaged, which `cairn release verify` tells, or the disk is. What runs is not touched.',
  });
}
