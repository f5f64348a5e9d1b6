/**
 * Folders whose files are merged into one configuration: what comes later wins. Kairos's, and `/system/oem`, which is the image's.
 */
export const MERGED_FOLDERS = [
  '/system/oem',
  '/run/initramfs/live',
  '/etc/kairos',
  '/usr/local/cloud-config',
  '/oem',
] as const;

/** Folders whose files' stages are run, one folder after the other, in Kairos's order. */
export const STAGE_FOLDERS = ['/system/oem', '/oem', '/usr/local/cloud-config'] as const;

export function isConfigName(name: string): boolean {
  return /\.ya?ml$/.test(name);
}

/** In which order Go's `filepath.Walk` meets files: by the names of each folder on the way, as bytes. */
export function compareWalk(a: string, b: string): number {
  const [left, right] = [a.split('/'), b.split('/')];
  for (let index = 0; index < Math.min(left.length, right.length); index++) {
    const order = compareBytes(left[index] ?? '', right[index] ?? '');
    if (order !== 0) return order;
  }
  return left.length - right.length;
}

const ENCODER = new TextEncoder();

function compareBytes(a: string, b: string): number {
  if (a === b) return 0;
  const [left, right] = [ENCODER.encode(a), ENCODER.encode(b)];
  for (let index = 0; index < Math.min(left.length, right.length); index++) {
    const difference = (left[index] ?? 0) - (right[index] ?? 0);
    if (difference !== 0) return difference;
  }
  return left.length - right.length;
}

/**
 * Sorts paths by their folders' precedence, and in a folder as they are walked through.
 *
 * @param folders from the weakest on; what is in none of them is left out
 */
export function inOrder(paths: readonly string[], folders: readonly string[] = MERGED_FOLDERS): string[] {
  return folders.flatMap((folder) =>
    paths.filter((path) => path.startsWith(`${folder}/`) && isConfigName(path)).sort(compareWalk),
  );
}
