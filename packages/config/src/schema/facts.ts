import { z } from 'zod';

/** What a text has to be; templates are not looked into. */
export type Format =
  | 'path'
  | 'url'
  | 'web-url'
  | 'hostname'
  | 'user-name'
  | 'regex'
  | 'device'
  | 'encoding'
  | 'ssh-key'
  | 'unit'
  | 'health-unit'
  | 'health-url'
  | 'unit-glob'
  | 'user-id'
  | 'entity'
  | 'condition'
  | 'command'
  | 'architecture'
  | 'tcp'
  | 'ip'
  | 'partition-name';

/** Checks of what stands in a map together; `validate/rules` has them. */
export type RuleName =
  | 'config'
  | 'power'
  | 'install'
  | 'user'
  | 'step'
  | 'file'
  | 'write-file'
  | 'directory'
  | 'download'
  | 'git'
  | 'entity'
  | 'layout'
  | 'override'
  | 'datasource'
  | 'unpack'
  | 'health-check'
  | 'kubernetes'
  | 'stages'
  | 'extra-partition'
  | 'p2p';

export type ScalarType = 'text' | 'boolean' | 'integer' | 'mode' | 'octal-text' | 'duration';

/** What zod does not know of a schema: what the validator, the JSON Schema and the documents need besides. */
export interface Facts {
  readonly scalar?: ScalarType;
  readonly format?: Format;
  /** Of an integer, or of a duration in milliseconds. */
  readonly least?: number;
  readonly most?: number;
  /** What a text may be; without regard to case where `anyCase`. */
  readonly values?: readonly string[];
  readonly anyCase?: boolean;
  /** What to write where it is of another type. */
  readonly typeHint?: string;
  /** Is not shown in messages. */
  readonly secret?: boolean;
  /** Go templates are rendered in it. `false`: they are not, and what looks like one is held against the format. */
  readonly templated?: boolean;
  /** Of a list. */
  readonly mostItems?: number;
  /** A list that may be one text with commas. */
  readonly commas?: boolean;
  /** Keys of a map that are usual; another one that is near is told. */
  readonly usualKeys?: readonly string[];
  /** Of a map’s keys. */
  readonly keys?: Format | 'variable' | 'stage';
  /** Other spellings of keys that mean the same. */
  readonly same?: Readonly<Record<string, string>>;
  /** Keys that people write and that mean nothing, with the way out. */
  readonly instead?: Readonly<Record<string, string>>;
  /** Its keys may be written with points: `partitions.oem.size`. */
  readonly dotted?: boolean;
  /** Keys that are not listed are passed on. */
  readonly open?: boolean;
  readonly rule?: RuleName;
  /** Without one of these, where it is there and cannot be read, the whole must not be used: a step without its condition. */
  readonly needs?: readonly string[];
  /** With a key that is not known it cannot be read. */
  readonly closed?: boolean;
  /** Understood, and changes nothing here: why. */
  readonly noEffect?: string;
}

export const facts = z.registry<Facts>();

/** Adds to what is known of a schema; it stays the same schema. */
export function knowing<S extends z.ZodType>(schema: S, more: Facts): S {
  const known = facts.get(schema) ?? {};
  facts.remove(schema);
  facts.add(schema, { ...known, ...more });
  return schema;
}

/** A key that is understood and changes nothing here. */
export function idle<S extends z.ZodType>(schema: S, why: string): S {
  return knowing(schema, { noEffect: why });
}
