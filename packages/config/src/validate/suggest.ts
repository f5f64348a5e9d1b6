/**
 * Edit distance in which two letters that changed places are one edit (optimal string alignment).
 *
 * @returns more than `most` for whatever is farther
 */
export function distance(a: string, b: string, most: number): number {
  if (Math.abs(a.length - b.length) > most) return most + 1;
  let before: number[] = [];
  let last = Array.from({ length: b.length + 1 }, (_, index) => index);
  for (let i = 1; i <= a.length; i++) {
    const row = [i];
    for (let j = 1; j <= b.length; j++) {
      const change = a[i - 1] === b[j - 1] ? 0 : 1;
      let least = Math.min((last[j] ?? 0) + 1, (row[j - 1] ?? 0) + 1, (last[j - 1] ?? 0) + change);
      if (a[i - 1] === b[j - 2] && a[i - 2] === b[j - 1]) least = Math.min(least, (before[j - 2] ?? 0) + 1);
      row.push(least);
    }
    before = last;
    last = row;
  }
  return last[b.length] ?? 0;
}

const LONGEST = 60;

/** The one of some names that was probably meant; undefined where none is near. */
export function nearest(name: string, names: Iterable<string>): string | undefined {
  const folded = fold(name);
  if (folded.length === 0 || folded.length > LONGEST) return undefined;
  const most = folded.length <= 3 ? 1 : folded.length <= 6 ? 2 : 3;
  let found: string | undefined;
  let least = most + 1;
  for (const each of names) {
    const far = fold(each) === folded ? 0 : distance(folded, fold(each), most);
    // Half of a short word is another word.
    if (far < least && far * 2 < Math.max(folded.length, each.length)) [found, least] = [each, far];
  }
  return found;
}

/** Case, hyphens and underlines are what is confounded most. */
function fold(name: string): string {
  return name.toLowerCase().replaceAll(/[-_ ]/g, '');
}
