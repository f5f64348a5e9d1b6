import type { ByteString } from '@cairn/bytes';
import type { Budget } from '../limits.ts';

/** goutils' Wrap and Abbreviate, which count bytes. */

export function wrap(
  value: ByteString,
  length: number,
  separator: ByteString,
  breakWords: boolean,
  budget: Budget,
): ByteString {
  const newLine = separator === '' ? '\n' : separator;
  const width = Math.max(1, length);
  const lines: ByteString[] = [];
  let offset = 0;
  while (value.length - offset > width) {
    budget.spend(newLine.length + 1);
    if (value.charAt(offset) === ' ') {
      offset++;
      continue;
    }
    const space = value.slice(offset, offset + width + 1).lastIndexOf(' ');
    if (space >= 0) {
      lines.push(value.slice(offset, offset + space));
      offset += space + 1;
    } else if (breakWords) {
      lines.push(value.slice(offset, offset + width));
      offset += width;
    } else {
      const next = value.indexOf(' ', offset + width);
      if (next < 0) break;
      lines.push(value.slice(offset, next));
      offset = next + 1;
    }
  }
  return lines.map((line) => line + newLine).join('') + value.slice(offset);
}

export function abbreviate(value: ByteString, left: number, width: number): ByteString {
  if (width < 4 || (left > 0 && width < 7) || value.length <= width) return value;
  let offset = Math.min(left, value.length);
  if (value.length - offset < width - 3) offset = value.length - (width - 3);
  if (offset <= 4) return `${value.slice(0, width - 3)}...`;
  if (offset + width - 3 < value.length) return `...${abbreviate(value.slice(offset), 0, width - 3)}`;
  return `...${value.slice(value.length - (width - 3))}`;
}
