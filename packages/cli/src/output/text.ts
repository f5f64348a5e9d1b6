/**
 * A text from an image, a registry or a file, safe for a terminal: control characters, which could move the
 * cursor or hide what is there, are shown as what they are.
 */
export function printable(text: string): string {
  return text.replaceAll(/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/gu, (character) => {
    const code = character.codePointAt(0) ?? 0;
    return code < 0x100 ? `\\x${code.toString(16).padStart(2, '0')}` : `\\u{${code.toString(16)}}`;
  });
}

/** Rows with their columns under each other; numbers of a column are right-aligned, the last column is as long as it is. */
export function table(rows: readonly (readonly (string | number)[])[]): string {
  const widths: number[] = [];
  for (const row of rows) {
    for (const [column, cell] of row.entries()) {
      widths[column] = Math.max(widths[column] ?? 0, String(cell).length);
    }
  }
  return rows
    .map((row) =>
      row
        .map((cell, column) => {
          const width = widths[column] ?? 0;
          if (typeof cell === 'number') return String(cell).padStart(width);
          return column === row.length - 1 ? cell : cell.padEnd(width);
        })
        .join('  '),
    )
    .join('\n');
}

export function indent(text: string): string {
  return text.replaceAll(/^/gm, '  ');
}
