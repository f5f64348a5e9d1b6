/** A table: the first column is names, all others are figures. */
export interface Table {
  readonly headings: readonly string[];
  readonly rows: readonly (readonly string[])[];
}

/** What a benchmark has to say, part by part. */
export type ReportPart =
  | { readonly kind: 'heading'; readonly text: string }
  | { readonly kind: 'paragraph'; readonly text: string }
  | ({ readonly kind: 'table' } & Table);

export type ReportStyle = 'text' | 'markdown';

/** For a terminal, or as Markdown that docs/benchmarks.md takes as it is. */
export function formatReport(parts: readonly ReportPart[], style: ReportStyle): string {
  return `${parts.map((part) => formatPart(part, style)).join('\n\n')}\n`;
}

function formatPart(part: ReportPart, style: ReportStyle): string {
  switch (part.kind) {
    case 'heading':
      return style === 'markdown' ? `## ${part.text}` : `${part.text}\n${'='.repeat(part.text.length)}`;
    case 'paragraph':
      return part.text;
    default:
      return style === 'markdown' ? markdownTable(part) : textTable(part);
  }
}

function markdownTable({ headings, rows }: Table): string {
  const rule = headings.map((_, column) => (column === 0 ? '---' : '---:'));
  const line = (cells: readonly string[]) =>
    `| ${headings.map((_, column) => cells[column] ?? '').join(' | ')} |`;
  return [headings, rule, ...rows].map(line).join('\n');
}

function textTable({ headings, rows }: Table): string {
  const lines = [headings, ...rows];
  const widths = headings.map((_, column) => Math.max(...lines.map((cells) => cells[column]?.length ?? 0)));
  const format = (cells: readonly string[]) =>
    widths
      .map((width, column) => {
        const cell = cells[column] ?? '';
        return column === 0 ? cell.padEnd(width) : cell.padStart(width);
      })
      .join('  ')
      .trimEnd();
  return [format(headings), widths.map((width) => '-'.repeat(width)).join('  '), ...rows.map(format)].join(
    '\n',
  );
}
