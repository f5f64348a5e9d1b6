import type { ByteString } from '@cairn/bytes';
import type { Budget } from '../limits.ts';
import type { Value } from '../value/value.ts';
import { Printer } from './printer.ts';

/** `fmt.Sprint` of one value: what a template prints. */
export function formatValue(value: Value, budget: Budget): ByteString {
  if (typeof value === 'string') return value;
  const printer = new Printer(budget);
  printer.value(value, 'v');
  return printer.text();
}

/** What an action prints: a missing entry is `<no value>`. */
export function printedValue(value: Value, budget: Budget): ByteString {
  return value === undefined || value === null ? '<no value>' : formatValue(value, budget);
}

/** `fmt.Sprint`: a space between two operands of which neither is a string. */
export function sprint(values: readonly Value[], budget: Budget): ByteString {
  const printer = new Printer(budget);
  for (const [index, value] of values.entries()) {
    if (index > 0 && typeof value !== 'string' && typeof values[index - 1] !== 'string') printer.write(' ');
    printer.value(value, 'v');
  }
  return printer.text();
}

/** `fmt.Sprintln`: always a space. */
export function sprintln(values: readonly Value[], budget: Budget): ByteString {
  const printer = new Printer(budget);
  for (const [index, value] of values.entries()) {
    if (index > 0) printer.write(' ');
    printer.value(value, 'v');
  }
  printer.write('\n');
  return printer.text();
}
