/** What stands between % and the verb. */
export interface Flags {
  minus: boolean;
  plus: boolean;
  sharp: boolean;
  /** `%#v`: as Go source. */
  asGo: boolean;
  space: boolean;
  zero: boolean;
  width: number | undefined;
  precision: number | undefined;
}

export function noFlags(): Flags {
  return {
    minus: false,
    plus: false,
    sharp: false,
    asGo: false,
    space: false,
    zero: false,
    width: undefined,
    precision: undefined,
  };
}
