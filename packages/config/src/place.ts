/** A text that configuration comes from: a file, what a URL gave, the kernel's command line. */
export interface Source {
  /** Its name, for what is told. */
  readonly file: string;
  readonly text: string;
}

/** Where something begins. Lines are counted only when they are asked for. */
export interface Place {
  readonly source: Source;
  /** In UTF-16 units. */
  readonly offset: number;
}

/** Both from 1; the column in UTF-16 units, as editors count. */
export interface Position {
  readonly line: number;
  readonly column: number;
}

export function positionOf({ source, offset }: Place): Position {
  const before = source.text.slice(0, offset);
  const lineStart = before.lastIndexOf('\n') + 1;
  let line = 1;
  for (let at = before.indexOf('\n'); at >= 0; at = before.indexOf('\n', at + 1)) line++;
  return { line, column: offset - lineStart + 1 };
}

/** `node.yaml:12:7` */
export function placeText(place: Place): string {
  const { line, column } = positionOf(place);
  return `${place.source.file}:${line}:${column}`;
}
