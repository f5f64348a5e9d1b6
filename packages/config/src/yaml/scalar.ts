import type { ScalarValue } from '../tree.ts';

const NULLS = new Set(['', '~', 'null', 'Null', 'NULL']);
const BOOLEANS = new Map([
  ['true', true],
  ['True', true],
  ['TRUE', true],
  ['false', false],
  ['False', false],
  ['FALSE', false],
]);
const FLOAT = /^[-+]?(?:\.[0-9]+|[0-9]+(?:\.[0-9]*)?)(?:[eE][-+]?[0-9]+)?$/;
const INTEGER = /^([-+]?)(?:0b([01]+)|0x([0-9A-Fa-f]+)|0o?([0-7]+)|(0|[1-9][0-9]*))$/;
const INFINITY = /^[-+]?\.(?:inf|Inf|INF)$/;

/**
 * What a plain scalar is, as go-yaml v3 resolves it, which Kairos reads its configuration with: `0644` is octal, `yes` is a text
 * (and true where a boolean is asked for), `1_000` is a number.
 */
export function resolvePlain(text: string): ScalarValue {
  if (NULLS.has(text)) return null;
  const boolean = BOOLEANS.get(text);
  if (boolean !== undefined) return boolean;
  return numberOf(text) ?? text;
}

function numberOf(text: string): number | undefined {
  const first = text.charCodeAt(0);
  const mayBe = first === 0x2b || first === 0x2d || first === 0x2e || (first >= 0x30 && first <= 0x39);
  if (!mayBe) return undefined;
  const digits = text.replaceAll('_', '');
  const [, sign, binary, hex, octal, decimal] = INTEGER.exec(digits) ?? [];
  const magnitude =
    decimal !== undefined
      ? Number(decimal)
      : octal !== undefined
        ? Number.parseInt(octal, 8)
        : hex !== undefined
          ? Number.parseInt(hex, 16)
          : binary !== undefined
            ? Number.parseInt(binary, 2)
            : undefined;
  if (magnitude !== undefined) return sign === '-' ? -magnitude : magnitude;
  if (FLOAT.test(digits)) return Number(digits);
  if (INFINITY.test(text)) return text.startsWith('-') ? -Infinity : Infinity;
  return /^\.(?:nan|NaN|NAN)$/.test(text) ? Number.NaN : undefined;
}

const YES = new Set(['y', 'Y', 'yes', 'Yes', 'YES', 'on', 'On', 'ON']);
const NO = new Set(['n', 'N', 'no', 'No', 'NO', 'off', 'Off', 'OFF']);

/** A YAML 1.1 boolean, which go-yaml takes where a boolean is asked for, in quotes too. */
export function yesOrNo(text: string): boolean | undefined {
  if (YES.has(text)) return true;
  return NO.has(text) ? false : undefined;
}
