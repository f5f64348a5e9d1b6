import type { Report } from './diagnostic.ts';
import type { Source } from './place.ts';
import { LIMITS, type Limits } from './yaml/limits.ts';

/** Whether a file is not too large to be read; `report` is told where it is. */
export function checkSize(file: string, size: number, report: Report, limits: Limits = LIMITS): boolean {
  if (size <= limits.bytes) return true;
  refuse(file, report, {
    code: 'limit',
    message: `it has ${size} bytes, and at most ${limits.bytes} are read`,
    hint: 'Put large contents on a server and name it in downloads.',
  });
  return false;
}

/**
 * A file's bytes as a text: UTF-8, with or without a byte order mark.
 *
 * @returns undefined where `report` was told why they are none
 */
export function decodeSource(
  file: string,
  bytes: Uint8Array,
  report: Report,
  limits: Limits = LIMITS,
): Source | undefined {
  if (!checkSize(file, bytes.length, report, limits)) return undefined;
  const [first, second] = bytes;
  const code = 'encoding';
  if ((first === 0xff && second === 0xfe) || (first === 0xfe && second === 0xff)) {
    return refuse(file, report, { code, message: 'it is UTF-16', hint: 'Save it as UTF-8.' });
  }
  if (first === 0x1f && second === 0x8b) {
    return refuse(file, report, { code, message: 'it is compressed by gzip', hint: 'Unpack it.' });
  }
  try {
    return { file, text: new TextDecoder('utf-8', { fatal: true }).decode(bytes) };
  } catch {
    return refuse(file, report, { code, message: 'it is not UTF-8 text', hint: 'Save it as UTF-8.' });
  }
}

function refuse(
  file: string,
  report: Report,
  fault: { readonly code: 'limit' | 'encoding'; readonly message: string; readonly hint: string },
): undefined {
  const place = { source: { file, text: '' }, offset: 0 };
  report({ severity: 'error', place, path: '', ...fault, bearable: false });
  return undefined;
}
