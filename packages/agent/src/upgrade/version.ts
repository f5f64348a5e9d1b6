/**
 * Compares two versions (UAPI.10, Version Format Specification): below 0 where `a` is the older one, 0 where neither is.
 * systemd-boot orders its entries by the same rules.
 */
export function compareVersions(a: string, b: string): number {
  let left = a;
  let right = b;
  for (;;) {
    left = left.replace(INVALID, '');
    right = right.replace(INVALID, '');
    for (const mark of ['~', '', '-', '^', '.']) {
      // Except for what a tilde begins, more is newer.
      if (mark === '') {
        if (left === '' || right === '') return sign(left.length - right.length);
      } else if (left.startsWith(mark) || right.startsWith(mark)) {
        if (!left.startsWith(mark)) return 1;
        if (!right.startsWith(mark)) return -1;
        left = left.slice(1);
        right = right.slice(1);
      }
    }
    const isNumber = /^\d/.test(left) || /^\d/.test(right);
    const segment = isNumber ? /^\d*/ : /^[A-Za-z]*/;
    const one = segment.exec(left)?.[0] ?? '';
    const other = segment.exec(right)?.[0] ?? '';
    const order = isNumber ? compareNumbers(one, other) : compareWords(one, other);
    if (order !== 0) return order;
    left = left.slice(one.length);
    right = right.slice(other.length);
  }
}

const INVALID = /^[^A-Za-z0-9~^.-]+/;

/** A number is newer than none; leading zeros do not count. */
function compareNumbers(a: string, b: string): number {
  if (a === '' || b === '') return sign(a.length - b.length);
  const one = a.replace(/^0+/, '');
  const other = b.replace(/^0+/, '');
  return one.length === other.length ? compareWords(one, other) : sign(one.length - other.length);
}

function compareWords(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}

function sign(value: number): number {
  return Math.sign(value);
}

/** What a release says that a comparison of versions needs. */
export interface Versioned {
  readonly version: string;
  readonly image: { readonly digest: string };
}

/**
 * Whether a release is older than another. A version that was made of the image's digest says nothing of age: what is before
 * the digest counts, and where that is nothing, or the same, neither is older.
 */
export function isOlder(release: Versioned, than: Versioned): boolean {
  const [ours, theirs] = [datedPart(release), datedPart(than)];
  if (ours === undefined || theirs === undefined) return false;
  return compareVersions(ours, theirs) < 0;
}

function datedPart({ version, image }: Versioned): string | undefined {
  const digest = image.digest.slice(image.digest.indexOf(':') + 1).slice(0, 8);
  if (version === digest) return undefined;
  return version.endsWith(`-${digest}`) ? version.slice(0, -digest.length - 1) : version;
}
