import type { Report } from './diagnostic.ts';
import type { Source } from './place.ts';
import { LIMITS, type Limits } from './yaml/limits.ts';

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
  const refuse = (code: 'limit' | 'encoding', message: string, hint: string) => {
    const place = { source: { file, text: '' }, offset: 0 };
    report({ severity: 'error', code, place, path: '', message, hint, bearable: false });
    return undefined;
  };
  if (bytes.length > limits.bytes) {
    return refuse(
      'limit',
      `it has ${bytes.length} bytes, and at most ${limits.bytes} are read`,
      'Put large contents on a server and name it in downloads.',
    );
  }
  const [first, second] = bytes;
  if ((first === 0xff && second === 0xfe) || (first === 0xfe && second === 0xff)) {
    return refuse('encoding', 'it is UTF-16', 'Save it as UTF-8.');
  }
  if (first === 0x1f && second === 0x8b) return refuse('encoding', 'it is compressed by gzip', 'Unpack it.');
  try {
    return { file, text: new TextDecoder('utf-8', { fatal: true }).decode(bytes) };
  } catch {
    return refuse('encoding', 'it is not UTF-8 text', 'Save it as UTF-8.');
  }
}
