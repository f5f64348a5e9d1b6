import type { Format, ScalarType } from '../schema/facts.ts';
import type { ScalarShape } from '../shape.ts';
import type { ScalarTree } from '../tree.ts';
import { yesOrNo } from '../yaml/scalar.ts';
import { type Context, type Fault, isTemplate, shown, tell } from './context.ts';
import { FORMATS } from './formats.ts';
import { nearest } from './suggest.ts';

/** A value, and what is to be said of how it is written; no value where none can be taken. */
interface Reading {
  readonly value?: unknown;
  readonly fault?: Fault;
}

type Reader = (tree: ScalarTree, shape: ScalarShape, context: Context) => Reading;

/** Reads a value that is neither map, list nor null. @returns undefined where it cannot be taken */
export function readScalar(tree: ScalarTree, shape: ScalarShape, path: string, context: Context): unknown {
  const { value, fault } = READERS[shape.facts.scalar ?? 'text'](tree, shape, context);
  if (fault !== undefined) tell(context, tree.at, path, fault);
  if (typeof value === 'string' && value.includes('\0')) {
    tell(context, tree.at, path, { code: 'bad-value', message: 'there is a zero byte in it' });
    return undefined;
  }
  if (typeof value === 'string') checkText(tree, value, shape, path, context);
  return value;
}

const READERS: Readonly<Record<ScalarType, Reader>> = {
  /** go-yaml takes numbers and booleans for a text as they are written. */
  text: ({ text, value }) => ({ value: typeof value === 'string' ? value : text }),

  boolean({ value, text }, _shape, { weaklyTyped }) {
    if (typeof value === 'boolean') return { value };
    const told = yesOrNo(text);
    if (told !== undefined) return { value: told };
    const lower = text.toLowerCase();
    if (lower === 'true' || lower === 'false') {
      const meant = lower === 'true';
      if (weaklyTyped) return { value: meant };
      return {
        value: meant,
        fault: wrong(`${shown(text)} in quotes is a text, and not a boolean`, `Write ${lower}.`),
      };
    }
    if (value === 1 || value === 0) {
      return {
        value: value === 1,
        fault: wrong(`${value} is a number, and not a boolean`, `Write ${value === 1}.`),
      };
    }
    return { fault: wrong(`${shown(text)} is neither true nor false`, 'Write true or false.') };
  },

  integer(
    { value, text },
    { facts: { least = 0, most = Number.MAX_SAFE_INTEGER, typeHint } },
    { weaklyTyped },
  ) {
    const number = typeof value === 'number' ? value : /^-?\d+$/.test(text) ? Number(text) : undefined;
    if (number === undefined || !Number.isSafeInteger(number)) {
      const unit = /^(\d+)\s*(?:[KMGT]i?B?)$/i.exec(text);
      const hint =
        typeHint ??
        (unit === null
          ? 'Write a number, without quotes or a unit.'
          : 'Write a number of MiB, without a unit.');
      return { fault: wrong(`${shown(text)} is not a whole number`, hint) };
    }
    if (number < least || number > most) {
      const range = most === Number.MAX_SAFE_INTEGER ? `less than ${least}` : `not from ${least} to ${most}`;
      return { fault: { code: 'bad-value', message: `${number} is ${range}` } };
    }
    if (typeof value === 'number' || weaklyTyped) return { value: number };
    return {
      value: number,
      fault: wrong(`${shown(text)} in quotes is a text, and not a number`, `Write ${number}.`),
    };
  },

  mode({ value, text, plain }) {
    if (typeof value !== 'number') return octalMode(text);
    if (/^0o?[0-7]+$/.test(text)) return inRange(value);
    if (/^0\d+$/.test(text)) return octalMode(text);
    if (plain && /^[1-9]\d*$/.test(text)) return decimalMode(value, text);
    return inRange(value);
  },

  'octal-text': ({ text }) => octalMode(text),

  duration({ value, text }, { facts: { least = 0, most = 0 } }) {
    const milliseconds = durationOf(typeof value === 'number' ? value : text);
    if (milliseconds === undefined) {
      return {
        fault: {
          code: 'bad-value',
          message: `${shown(text)} is not a time`,
          hint: 'Write 90s, 10m or 1h30m.',
        },
      };
    }
    if (milliseconds >= least && milliseconds <= most) return { value: milliseconds };
    return {
      fault: {
        code: 'bad-value',
        message: `${shown(text)} is not between ${least / 1000} s and ${most / 60_000} min`,
      },
    };
  },
};

const MAY_BE_EMPTY: ReadonlySet<Format> = new Set<Format>([
  'path',
  'url',
  'web-url',
  'hostname',
  'user-name',
  'regex',
  'device',
  'ssh-key',
  'unit',
  'user-id',
  'condition',
  'architecture',
  'ip',
]);

const FREE_TEXT: ReadonlySet<Format> = new Set<Format>(['command', 'condition']);
const AS_WRITTEN = { severity: 'warning' } as const;

function checkText(tree: ScalarTree, text: string, shape: ScalarShape, path: string, context: Context): void {
  const { format, values, anyCase, templated, secret } = shape.facts;
  if (templated !== false && isTemplate(text)) {
    const fault = templated === true ? context.checkTemplate?.(text) : undefined;
    if (fault === undefined) return;
    // Kairos leaves a text that is no template as it is: what a program prints by a template of its own may be meant so.
    const meaning = format === undefined || FREE_TEXT.has(format) ? AS_WRITTEN : {};
    const message = `${fault.message}${'severity' in meaning ? '; it is taken as it is written' : ''}`;
    tell(context, tree.at, path, { code: 'template', ...fault, ...meaning, message });
    return;
  }
  // An empty text is one that is not set, to Kairos; a rule tells where there has to be one.
  if (format !== undefined && !(text === '' && MAY_BE_EMPTY.has(format))) {
    const fault = FORMATS[format](text);
    if (fault !== undefined) tell(context, tree.at, path, fault);
  }
  if (values === undefined || secret === true) return;
  const compared = anyCase === true ? text.toLowerCase() : text;
  if (values.includes(compared)) return;
  const near = nearest(text, values);
  tell(context, tree.at, path, {
    code: 'bad-value',
    message: `${shown(text)} is not one of ${values.filter((value) => value !== '').join(', ')}`,
    hint: near === undefined ? undefined : `Did you mean ${near}?`,
  });
}

const DURATION = /^(?:(\d{1,4})h)?(?:(\d{1,5})m(?:in)?)?(?:(\d{1,6})s)?$/;

/** `90`, `90s`, `10m`, `1h30m`: seconds unless said otherwise. @returns milliseconds */
function durationOf(value: string | number): number | undefined {
  if (typeof value === 'number') return Number.isFinite(value) ? Math.round(value * 1000) : undefined;
  if (value === '') return undefined;
  if (/^\d{1,6}$/.test(value)) return Number(value) * 1000;
  const [whole, hours = '0', minutes = '0', seconds = '0'] = DURATION.exec(value) ?? [];
  if (whole === undefined) return undefined;
  return ((Number(hours) * 60 + Number(minutes)) * 60 + Number(seconds)) * 1000;
}

const MOST_MODE = 0o7777;
/** What permissions are, by far: to tell 644, which is meant as octal, from 420, which is the same in decimal. */
const USUAL = /^[0-7]?(?:[4-7][0-7][0-7])$/;
const SENSIBLE = new Set(
  [0o400, 0o440, 0o444, 0o500, 0o550, 0o555, 0o600, 0o640, 0o644, 0o660, 0o664, 0o666].concat([
    0o700, 0o710, 0o711, 0o744, 0o750, 0o751, 0o755, 0o770, 0o775, 0o777, 0o1777, 0o2755, 0o2775, 0o4755,
  ]),
);

function octalMode(text: string): Reading {
  if (/^0?o?[0-7]{1,5}$/.test(text)) return inRange(Number.parseInt(text.replace('o', ''), 8));
  const symbolic = /^[ugoa]*[-+=]|^[-d]?[r-][w-][xsS-]/.test(text);
  return {
    fault: {
      code: 'bad-value',
      message: `${shown(text)} is not an octal mode`,
      hint: symbolic
        ? 'Write it in digits, such as 0644.'
        : 'Write a 0 and three digits from 0 to 7, such as 0644.',
    },
  };
}

function inRange(mode: number): Reading {
  if (Number.isSafeInteger(mode) && mode >= 0 && mode <= MOST_MODE) return { value: mode };
  const fault = {
    code: 'bad-value',
    message: `${mode} is more than a mode can be`,
    hint: 'Write it as 0644.',
  } as const;
  return { fault };
}

/** A number without a 0 before it is decimal to Kairos, and was hardly ever meant so. */
function decimalMode(value: number, text: string): Reading {
  if (SENSIBLE.has(value)) return { value };
  if (USUAL.test(text)) {
    const meant = Number.parseInt(text, 8);
    return {
      value: meant,
      fault: {
        code: 'bad-value',
        message: `${text} without a 0 before it is decimal, which is the mode ${value.toString(8).padStart(4, '0')}`,
        hint: `Write 0${text}.`,
      },
    };
  }
  const { value: mode, fault } = inRange(value);
  if (fault !== undefined) return { fault };
  return {
    value: mode,
    fault: {
      code: 'bad-value',
      severity: 'warning',
      message: `${text} is decimal, which is the mode ${value.toString(8).padStart(4, '0')}`,
      hint: 'Write the mode in octal, with a 0 before it.',
    },
  };
}

function wrong(message: string, hint: string): Fault {
  return { code: 'wrong-type', message, hint };
}
