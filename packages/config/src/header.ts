import type { Report } from './diagnostic.ts';
import type { Source } from './place.ts';

export const HEADERS = ['#cloud-config', '#kairos-config', '#node-config'] as const;
/** Kairos looks for it in so many lines: comments, and a line for jinja, may come before. */
const HEADER_LINES = 10;
const NEARLY = /^#+\s*(?:cloud|kairos|node)[\s_-]*(?:config|init)\b.*$/i;

export function hasHeader(text: string): boolean {
  return text
    .split('\n', HEADER_LINES)
    .some((line) => (HEADERS as readonly string[]).includes(line.trimEnd()));
}

/**
 * Tells where the header is not there, or nearly there.
 *
 * @param bare what is in the file has a meaning without it: Kairos runs `stages` of any file in its folders
 */
export function checkHeader(source: Source, bare: boolean, report: Report): void {
  if (hasHeader(source.text)) return;
  const lines = source.text.split('\n');
  let offset = 0;
  for (const [index, line] of lines.entries()) {
    const text = line.trimEnd();
    const exact = (HEADERS as readonly string[]).includes(text);
    if (exact || (index < HEADER_LINES && NEARLY.test(text))) {
      report({
        severity: 'error',
        code: 'header',
        place: { source, offset },
        path: '',
        message: exact
          ? `the header is on line ${index + 1}, and only the first ${HEADER_LINES} lines are looked at`
          : `${JSON.stringify(text.slice(0, 60))} is not the header`,
        hint: exact ? 'Move it to the first line.' : 'Write #cloud-config, alone on its line.',
        bearable: bare,
      });
      return;
    }
    offset += line.length + 1;
  }
  report({
    severity: bare ? 'warning' : 'error',
    code: 'header',
    place: { source, offset: 0 },
    path: '',
    message: bare
      ? 'there is no header: only name and stages are read of such a file'
      : 'there is no header, so this is not read as a configuration',
    hint: 'Begin the file with the line #cloud-config.',
    bearable: bare,
  });
}
