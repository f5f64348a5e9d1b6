import { toText } from '@cairn/bytes';
import { type Directory, lookup, type RegularFile, readFileIn } from '@cairn/tree';
import { z } from 'zod';
import { ReleaseError } from '../error.ts';

/** Where the framework layer puts what a build and a boot need. */
export const FRAMEWORK_PATHS = {
  description: '/usr/lib/cairn/framework.json',
  initrd: '/usr/lib/cairn/initrd.zst',
  stub: '/usr/lib/cairn/stub.efi',
  bootLoader: '/usr/lib/cairn/boot.efi',
} as const;

const FrameworkSchema = z.object({
  formatVersion: z.literal(1),
  version: z.string().min(1),
  architecture: z.string().min(1),
  digest: z.string().regex(/^[0-9a-f]{64}$/, 'must be 64 hexadecimal digits'),
});

/** What the framework layer says of itself. Fields that a later one adds are left out. */
export type Framework = Readonly<z.infer<typeof FrameworkSchema>>;

/** The framework of an image; undefined where the image is not converted. Throws `bad-image` if its description cannot be read. */
export async function readFramework(root: Directory, signal?: AbortSignal): Promise<Framework | undefined> {
  const path = FRAMEWORK_PATHS.description;
  const bytes = await readFileIn(root, path, { limit: 1 << 16, signal });
  return bytes === undefined ? undefined : parseFramework(bytes);
}

export function parseFramework(bytes: Uint8Array): Framework {
  let value: unknown;
  try {
    value = JSON.parse(new TextDecoder().decode(bytes));
  } catch (cause) {
    throw new ReleaseError('bad-image', `${FRAMEWORK_PATHS.description} is not JSON`, { cause });
  }
  const result = FrameworkSchema.safeParse(value);
  if (!result.success) {
    const [issue] = result.error.issues;
    throw new ReleaseError(
      'bad-image',
      `${FRAMEWORK_PATHS.description}: ${issue?.path.join('.') || 'it'}: ${issue?.message ?? 'not understood'}`,
      { hint: 'Convert the image again, with this version of Cairn.', cause: result.error },
    );
  }
  return result.data;
}

/** A file that the framework layer brings. Throws `not-converted` where it is missing. */
export function frameworkFile(root: Directory, path: string): RegularFile {
  const inode = lookup(root, path)?.inode;
  if (inode?.kind === 'file') return inode;
  throw new ReleaseError('not-converted', `the image has no ${toText(path)}`, { hint: CONVERT_HINT });
}

export const CONVERT_HINT = 'Convert it first: `cairn convert IMAGE -o oci:DIR`.';
