import type { z } from 'zod';
import { OciError } from './error.ts';
import { readable } from './quote.ts';

/**
 * A JSON document's value. What it holds is not checked yet.
 *
 * @param label names the document in errors
 * @throws OciError `too-large` over `limit` bytes, `invalid-manifest` if it is not JSON in UTF-8
 */
export function parseJson(bytes: Uint8Array, label: string, limit: number): unknown {
  if (bytes.length > limit) {
    throw new OciError('too-large', `${label} has ${bytes.length} bytes, more than the ${limit} allowed`);
  }
  try {
    return JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(bytes));
  } catch (cause) {
    const detail = cause instanceof SyntaxError ? readable(cause.message) : 'it has bytes that are not UTF-8';
    throw new OciError('invalid-manifest', `${label} is not JSON: ${detail}`, { cause });
  }
}

/** @throws OciError `invalid-manifest` that names the first field which is wrong */
export function checkShape<Schema extends z.ZodType>(
  schema: Schema,
  value: unknown,
  label: string,
): z.output<Schema> {
  const result = schema.safeParse(value);
  if (result.success) return result.data;
  const issue = result.error.issues[0];
  const path = issue === undefined ? '' : fieldName(issue.path);
  const where = path === '' ? '' : `field ${path}: `;
  throw new OciError('invalid-manifest', `${label}: ${where}${issue?.message ?? 'it is not as it must be'}`);
}

/** `manifests[3].platform.os`. */
function fieldName(path: readonly PropertyKey[]): string {
  const parts = path.map((part) => (typeof part === 'number' ? `[${part}]` : `.${readable(String(part))}`));
  return parts.join('').replace(/^\./, '');
}

/** A JSON object of texts as a map: its keys are a stranger's, and a map has no inherited ones. */
export function textMap(
  record: Readonly<Record<string, string>> | null | undefined,
): ReadonlyMap<string, string> {
  return new Map(Object.entries(record ?? {}));
}
