import { byteString, CairnError } from '@cairn/bytes';
import type { Files } from '@cairn/host';
import { architectureNamed, FRAMEWORK_PATHS } from '@cairn/release';
import { execute } from '../actions/execute.ts';
import { digestOfFile } from '../actions/files.ts';
import type { Run } from '../actions/run.ts';
import type { Plan } from '../actions/steps.ts';
import type { Survey } from '../node/survey.ts';
import { compareVersions } from '../upgrade/version.ts';

/** systemd-boot has 120 KiB. */
const LOADER_LIMIT = 4 << 20;
/** What systemd-boot says of itself, as bootctl(1) finds it out. */
const MARK = /#### LoaderInfo: systemd-boot ([!-~]+) ####/;

/**
 * Plans that the ESP's copies of the boot loader become the one that the running release has, which has proven itself: first the one
 * for removable media, to which firmware comes if it finds no other, then the one of the firmware's entry.
 *
 * @param esp where the ESP is mounted
 * @returns undefined where both are that one, or a newer one
 */
export async function planLoader(files: Files, survey: Survey, esp: string): Promise<Plan | undefined> {
  const { loader, running } = survey;
  const release = loader.releases.get(running);
  const source = FRAMEWORK_PATHS.bootLoader;
  const own = await digestOfFile(files, source);
  if (release === undefined || own === undefined) return undefined;
  const version = await versionOf(files, source);
  const { fallbackLoader, loader: entryLoader } = architectureNamed(release.architecture);
  const outdated: string[] = [];
  for (const path of [fallbackLoader, entryLoader]) {
    const found = await digestOfFile(files, `${esp}/${path}`);
    if (found?.sha256 === own.sha256) continue;
    const there = found === undefined ? undefined : await versionOf(files, `${esp}/${path}`);
    if (there !== undefined && version !== undefined && compareVersions(there, version) > 0) continue;
    outdated.push(path);
  }
  if (outdated.length === 0) return undefined;
  return {
    kind: 'boot-loader',
    summary: `bring the boot loader up to date${version === undefined ? '' : `: systemd-boot ${version}`}`,
    steps: outdated.map((path) => ({ step: 'replace-loader', path, source, loader: own })),
  };
}

async function versionOf(files: Files, path: string): Promise<string | undefined> {
  const bytes = (await files.stat(path))?.size ?? 0;
  if (bytes > LOADER_LIMIT) return undefined;
  return MARK.exec(byteString((await files.read(path, LOADER_LIMIT)) ?? new Uint8Array()))?.[1];
}

/** That it cannot be done makes no release bad: it is among the last actions, and the next release that is blessed does it again. */
export async function renewLoader(run: Run, survey: Survey): Promise<void> {
  try {
    const plan = await planLoader(run.host.files, survey, run.esp.path);
    if (plan === undefined) return;
    await run.esp.allowWrites();
    await execute(plan, run);
  } catch (error) {
    if (!(error instanceof CairnError)) throw error;
  }
}
