const SEPARATORS = ['-', '^', '.'] as const;

/**
 * Which of two versions is newer: positive for `a` (UAPI.10, Version Format Specification; `strverscmp_improved` of
 * systemd-boot).
 */
export function compareVersions(a: string, b: string): number {
  let left = a;
  let right = b;
  for (;;) {
    left = left.replace(/^[^0-9A-Za-z~^.-]+/, '');
    right = right.replace(/^[^0-9A-Za-z~^.-]+/, '');
    const tilde = order(!left.startsWith('~'), !right.startsWith('~'));
    if (tilde !== 0) return tilde;
    if (left.startsWith('~')) {
      left = left.slice(1);
      right = right.slice(1);
    }
    if (left === '' || right === '') return compareCharacters(left.slice(0, 1), right.slice(0, 1));
    for (const separator of SEPARATORS) {
      if (!left.startsWith(separator) && !right.startsWith(separator)) continue;
      const prefixed = order(!left.startsWith(separator), !right.startsWith(separator));
      if (prefixed !== 0) return prefixed;
      left = left.slice(1);
      right = right.slice(1);
    }
    const isNumber = /^[0-9]/.test(left) || /^[0-9]/.test(right);
    const segment = isNumber ? /^[0-9]*/ : /^[A-Za-z]*/;
    const one = segment.exec(left)?.[0] ?? '';
    const two = segment.exec(right)?.[0] ?? '';
    const compared = isNumber ? compareNumbers(one, two) : compareWords(one, two);
    if (compared !== 0) return compared;
    left = left.slice(one.length);
    right = right.slice(two.length);
  }
}

function compareNumbers(a: string, b: string): number {
  const missing = order(a !== '', b !== '');
  if (missing !== 0) return missing;
  const one = a.replace(/^0+/, '');
  const two = b.replace(/^0+/, '');
  return order(one.length, two.length) || compareCharacters(one, two);
}

function compareWords(a: string, b: string): number {
  const length = Math.min(a.length, b.length);
  return compareCharacters(a.slice(0, length), b.slice(0, length)) || order(a.length, b.length);
}

/** By code unit, as `strcmp` does. */
export function compareCharacters(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}

export function order(a: number | boolean, b: number | boolean): number {
  return Number(a) - Number(b);
}
