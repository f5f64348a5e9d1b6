import type { ByteSource, Content, Range } from '@cairn/bytes';
import { errorAt, type Place, TarError } from './error.ts';

/**
 * The data ranges of a sparse map (offset, length, offset, length, ...), checked: ascending, inside of the file, and
 * together as long as what is stored. Empty ranges are dropped and adjacent ones joined.
 *
 * @throws TarError `bad-header`
 */
export function rangesOf(
  numbers: readonly number[],
  realSize: number,
  stored: number,
  place: Place,
): Range[] {
  if (realSize < 0) throw errorAt('bad-header', place, `its real size is ${realSize}`);
  const ranges: Range[] = [];
  let total = 0;
  let reached = 0;
  for (let at = 0; at < numbers.length; at += 2) {
    const start = numbers[at] ?? 0;
    const length = numbers[at + 1] ?? Number.NaN;
    const end = start + length;
    if (!(start >= reached && length >= 0 && end <= realSize)) {
      throw errorAt('bad-header', place, `its sparse map is out of order or beyond its ${realSize} bytes`);
    }
    reached = end;
    total += length;
    addRange(ranges, start, end);
  }
  if (total !== stored) {
    throw errorAt(
      'bad-header',
      place,
      `its sparse map tells of ${total} bytes of data, ${stored} are stored`,
    );
  }
  return ranges;
}

/** Appends a range that starts no earlier than the last one: joined to it where they touch, dropped where empty. */
export function addRange(ranges: Range[], start: number, end: number): void {
  if (start === end) return;
  const last = ranges.at(-1);
  if (last !== undefined && last.end >= start) ranges[ranges.length - 1] = { start: last.start, end };
  else ranges.push({ start, end });
}

/** Whether the ranges leave nothing out, so that the file is not sparse at all. */
export function coversAll(ranges: readonly Range[], size: number): boolean {
  const [first] = ranges;
  return size === 0 || (first?.start === 0 && first.end === size);
}

/** A sparse file: `data` lies one range after another in `stored`, and all else is zeros. */
export function sparseContent(stored: ByteSource, size: number, data: readonly Range[]): Content {
  const offsets = new Float64Array(data.length);
  let total = 0;
  for (const [index, range] of data.entries()) {
    offsets[index] = total;
    total += range.end - range.start;
  }
  return {
    size,
    data,
    read(position, target, signal) {
      const end = Math.min(size, position + target.length);
      if (end <= position) return 0;
      target.fill(0, 0, end - position);
      return readRanges(firstAfter(data, position));

      function readRanges(first: number): number | Promise<number> {
        for (let index = first; ; index++) {
          const range = data[index];
          if (range === undefined || range.start >= end) return end - position;
          const from = Math.max(range.start, position);
          const to = Math.min(range.end, end);
          const part = target.subarray(from - position, to - position);
          const answer = stored.read((offsets[index] ?? 0) + from - range.start, part, signal);
          if (typeof answer !== 'number') {
            return answer.then((count) => {
              checkCount(count, part.length);
              return readRanges(index + 1);
            });
          }
          checkCount(answer, part.length);
        }
      }
    },
  };
}

function checkCount(count: number, wanted: number): void {
  if (count !== wanted) {
    throw new TarError('truncated', `a sparse file's data ends early: ${count} bytes instead of ${wanted}`);
  }
}

/** The index of the first range that ends after `position`. */
function firstAfter(ranges: readonly Range[], position: number): number {
  let low = 0;
  let high = ranges.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if ((ranges[middle]?.end ?? 0) > position) high = middle;
    else low = middle + 1;
  }
  return low;
}
