import { OciError } from './error.ts';
import type { Descriptor } from './manifest.ts';
import { listed, readable } from './quote.ts';

/** What an image says that it runs on (OCI image specification, image-index.md, "platform"). */
export interface Platform {
  readonly os: string;
  readonly architecture: string;
  readonly variant?: string;
}

/** What an image is wanted for. */
export interface TargetPlatform {
  readonly os: 'linux';
  readonly architecture: 'amd64' | 'arm64';
  /** The newest generation that the machine has: `v2` for amd64 takes `v1` too. The oldest unless given. */
  readonly variant?: string;
}

/** Names for an architecture that are not GOARCH's but in use. */
const ALIASES: ReadonlyMap<string, string> = new Map([
  ['x86_64', 'amd64'],
  ['x86-64', 'amd64'],
  ['aarch64', 'arm64'],
]);

/** The generation that an image without a variant is for. */
const FIRST_GENERATIONS: ReadonlyMap<string, number> = new Map([
  ['amd64', 1],
  ['arm64', 8],
]);

/** `linux/arm64/v8`. */
export function formatPlatform(platform: Platform): string {
  const { os, architecture, variant } = platform;
  return readable(`${os}/${architecture}${variant ? `/${variant}` : ''}`);
}

function architectureOf(platform: Platform): string {
  const name = platform.architecture.toLowerCase();
  return ALIASES.get(name) ?? name;
}

/** undefined where the variant is none that is known: such an image is never chosen. */
function generationOf(platform: Platform): number | undefined {
  const first = FIRST_GENERATIONS.get(architectureOf(platform));
  if (first === undefined || !platform.variant) return first;
  const match = /^v(\d{1,2})$/.exec(platform.variant.toLowerCase());
  return match === null ? undefined : Number(match[1]);
}

/** Whether a machine of the target platform runs what is made for `platform`. */
export function runsOn(platform: Platform, target: TargetPlatform): boolean {
  const made = generationOf(platform);
  const there = generationOf(target);
  return (
    platform.os.toLowerCase() === target.os &&
    architectureOf(platform) === target.architecture &&
    made !== undefined &&
    there !== undefined &&
    made <= there
  );
}

/** Build tools put their statements about an image beside it in the index; they are not images. */
function isAttestation(descriptor: Descriptor): boolean {
  return (
    descriptor.annotations.get('vnd.docker.reference.type') === 'attestation-manifest' ||
    (descriptor.platform?.os === 'unknown' && descriptor.platform.architecture === 'unknown')
  );
}

/**
 * The image in an index for a platform: the newest generation that runs there, and the first of equal ones. An
 * image whose platform is not said is taken where it is the only one; its configuration tells.
 *
 * @param label names the index in errors
 * @throws OciError `platform-unknown` that lists the platforms there are
 */
export function choosePlatform(
  descriptors: readonly Descriptor[],
  target: TargetPlatform,
  label: string,
): Descriptor {
  const images = descriptors.filter((descriptor) => !isAttestation(descriptor));
  let chosen: Descriptor | undefined;
  let generation = -1;
  for (const image of images) {
    if (image.platform === undefined || !runsOn(image.platform, target)) continue;
    const found = generationOf(image.platform) ?? 0;
    if (found > generation) [chosen, generation] = [image, found];
  }
  const [only, ...others] = images;
  if (chosen === undefined && only !== undefined && others.length === 0 && only.platform === undefined) {
    return only;
  }
  if (chosen === undefined) throw noSuchPlatform(images, target, label);
  return chosen;
}

function noSuchPlatform(images: readonly Descriptor[], target: TargetPlatform, label: string): OciError {
  const names = images.map(({ platform, digest }) =>
    platform === undefined ? `${digest} (its platform is not said)` : formatPlatform(platform),
  );
  const distinct = [...new Set(names)];
  return new OciError(
    'platform-unknown',
    `${label} has no image for ${formatPlatform(target)}; it has ${listed(distinct)}`,
    distinct.length === 0 ? {} : { hint: 'choose one of these, or an image that is built for this platform' },
  );
}
