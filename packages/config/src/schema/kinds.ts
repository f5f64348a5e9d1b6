import { z } from 'zod';
import { type Facts, knowing } from './facts.ts';

/** The kinds of values that configurations have. All of them are made here, so that each has its facts. */

export function text(about: string, more: Facts = {}): z.ZodString {
  return knowing(z.string().describe(about), { scalar: 'text', ...more });
}

export function choice(about: string, values: readonly string[], more: Facts = {}): z.ZodString {
  return text(about, { values, ...more });
}

export function boolean(about: string): z.ZodBoolean {
  return knowing(z.boolean().describe(about), { scalar: 'boolean' });
}

export function integer(
  about: string,
  least = 0,
  most = Number.MAX_SAFE_INTEGER,
  more: Facts = {},
): z.ZodNumber {
  return knowing(z.number().describe(about), { scalar: 'integer', least, most, ...more });
}

/** Permissions: bits as a number, however they are written. */
export function mode(about: string): z.ZodNumber {
  return knowing(z.number().describe(about), { scalar: 'mode' });
}

/** Permissions that are octal without a 0 before them too, as in cloud-init. */
export function octalText(about: string): z.ZodNumber {
  return knowing(z.number().describe(about), { scalar: 'octal-text' });
}

/** `90s`, `10m`, `1h`: milliseconds. */
export function duration(about: string, least: number, most: number): z.ZodNumber {
  return knowing(z.number().describe(about), { scalar: 'duration', least, most });
}

export function list<S extends z.ZodType>(about: string, item: S, more: Facts = {}): z.ZodArray<S> {
  return knowing(z.array(item).describe(about), more);
}

export function texts(about: string, more: Facts = {}, item: Facts = {}): z.ZodArray<z.ZodString> {
  return list(about, text('', item), more);
}

export function mapOf<S extends z.ZodType>(
  about: string,
  value: S,
  more: Facts = {},
): z.ZodRecord<z.ZodString, S> {
  return knowing(z.record(z.string(), value).describe(about), more);
}

/** Texts by names; numbers and booleans are taken as they are written. */
export function textMap(about: string, more: Facts = {}): z.ZodRecord<z.ZodString, z.ZodString> {
  return mapOf(about, text(''), more);
}

/** Every key may be left out; a rule tells which may not. */
// oxlint-disable-next-line typescript/explicit-module-boundary-types -- zod's own type of it is the point.
export function object<F extends z.ZodRawShape>(about: string, fields: F, more: Facts = {}) {
  return knowing(z.object(fields).partial().describe(about), more);
}

/** An object whose further keys are handed on. */
// oxlint-disable-next-line typescript/explicit-module-boundary-types -- as above.
export function openObject<F extends z.ZodRawShape>(about: string, fields: F, more: Facts = {}) {
  return knowing(z.looseObject(fields).partial().describe(about), { open: true, ...more });
}

/** What is handed on as it is. */
export function anything(about: string): z.ZodUnknown {
  return z.unknown().describe(about);
}
