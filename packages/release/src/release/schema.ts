import { veritySize } from '@cairn/disk';
import { z } from 'zod';
import { ReleaseError } from '../error.ts';
import { COMMAND_LINE_LIMIT } from '../uki/command-line.ts';

/** The files of a release folder. */
export const RELEASE_FILES = {
  description: 'release.json',
  root: 'root.erofs',
  uki: 'uki.efi',
  sbom: 'sbom.spdx.json',
} as const;

const BLOCK = 4096;

const size = z.int().positive();
const sha256 = z.string().regex(/^[0-9a-f]{64}$/, 'must be 64 hexadecimal digits');
const line = z
  .string()
  .max(512)
  .regex(/^[^\p{Cc}\p{Cf}\p{Zl}\p{Zp}]+$/u, 'must be one line of text');

/** What names a release to people and sorts it. It is part of file names. */
export const VersionSchema = z
  .string()
  .regex(/^[A-Za-z0-9][A-Za-z0-9._+~-]{0,63}$/, 'must be up to 64 letters, digits, and . _ + ~ -');

/** What a person reads in the boot menu. */
export const NameSchema = line;

const DigestSchema = z.string().regex(/^sha(?:256:[0-9a-f]{64}|512:[0-9a-f]{128})$/, 'must be a digest');

/**
 * Which image something was made from. Where it came from is told only of images in registries: the path
 * of a local one is of the machine that built, and the same image must give the same bits from anywhere.
 */
const ImageSchema = z.strictObject({
  source: z.enum(['registry', 'oci-layout', 'oci-archive', 'docker-archive', 'directory', 'tar']),
  reference: line.optional(),
  digest: DigestSchema,
});

/** `release.json`: what a release is. It has no time in it, and no path of the machine that made it. */
export const ReleaseSchema = z
  .strictObject({
    formatVersion: z.literal(1),
    name: NameSchema,
    version: VersionSchema,
    /** By the names of container images. */
    architecture: line,
    image: ImageSchema,
    framework: z.strictObject({ version: line, digest: sha256 }),
    kernel: z.strictObject({ version: line, image: ImageSchema.optional() }),
    init: z.strictObject({
      path: line,
      kind: z.enum(['systemd', 'openrc', 'sysvinit', 'busybox', 'other']),
    }),
    commandLine: z
      .string()
      .max(COMMAND_LINE_LIMIT)
      .regex(/^[ -~]+$/, 'must be printable ASCII'),
    root: z.strictObject({
      file: z.literal(RELEASE_FILES.root),
      /** Of the whole file: EROFS, verity header and tree. */
      size,
      /** Of the EROFS alone. */
      dataSize: size,
      rootHash: sha256,
      hashOffset: size,
      /** Of the EROFS file system. */
      uuid: z.guid(),
    }),
    uki: z.strictObject({ file: z.literal(RELEASE_FILES.uki), size, sha256 }),
    sbom: z.strictObject({ file: z.literal(RELEASE_FILES.sbom), size, sha256, packages: z.int().min(0) }),
    /** The bytes of each of the node's root partitions. */
    slotSize: size,
  })
  .refine(({ root }) => root.dataSize % BLOCK === 0 && root.hashOffset === root.dataSize, {
    path: ['root', 'hashOffset'],
    message: 'must be the size of the data, in whole blocks',
  })
  .refine(({ root }) => root.size === root.dataSize + veritySize(root.dataSize), {
    path: ['root', 'size'],
    message: 'must be that of data, verity header and tree',
  })
  .refine(({ root, slotSize }) => root.size <= slotSize, {
    path: ['slotSize'],
    message: 'must have room for the root',
  });

/** What `release.json` says. Sizes are in bytes. */
export type Release = z.infer<typeof ReleaseSchema>;
export type ReleaseImage = z.infer<typeof ImageSchema>;

/** `release.json` of a real release has 2 KB. */
export const RELEASE_LIMIT = 1 << 20;

/** Parses `release.json`. Throws ReleaseError `bad-release` that names the field. */
export function parseRelease(bytes: Uint8Array): Release {
  if (bytes.length > RELEASE_LIMIT) {
    throw new ReleaseError(
      'bad-release',
      `release.json has ${bytes.length} bytes, more than ${RELEASE_LIMIT}`,
    );
  }
  let value: unknown;
  try {
    value = JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(bytes));
  } catch (cause) {
    throw new ReleaseError('bad-release', 'release.json is not JSON', { cause });
  }
  const result = ReleaseSchema.safeParse(value);
  if (result.success) return result.data;
  const issue = result.error.issues[0];
  const field = issue?.path.join('.') || 'release.json';
  throw new ReleaseError('bad-release', `release.json: ${field}: ${issue?.message ?? 'not understood'}`, {
    hint: 'It may be of another version of Cairn: render the release again.',
    cause: result.error,
  });
}

/** `release.json` as it is written. Throws `bad-release` for what `parseRelease` would refuse. */
export function encodeRelease(release: Release): Uint8Array {
  const bytes = new TextEncoder().encode(`${JSON.stringify(release, undefined, 2)}\n`);
  parseRelease(bytes);
  return bytes;
}
