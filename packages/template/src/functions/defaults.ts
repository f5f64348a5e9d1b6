import { fromText, toText as toUtf16 } from '@cairn/bytes';
import { Failure } from '../error.ts';
import { kindName, typeName } from '../value/value.ts';
import { isEmpty } from './cast.ts';
import { deepEqual } from './compare.ts';
import { define, flag, type GoFunction, text } from './function.ts';

/** sprig's defaults, reflection and flow control, and `required`, which Kairos and Helm add. */
export const DEFAULTS: readonly GoFunction[] = [
  define('default', 'any ...any', 'the second, or the first if it is empty', ([fallback, given]) =>
    isEmpty(given) ? fallback : given,
  ),
  define('empty', 'any', 'whether it is nothing, zero, false or empty', ([value]) => isEmpty(value)),
  define(
    'coalesce',
    '...any',
    'the first that is not empty',
    (args) => args.find((value) => !isEmpty(value)) ?? null,
  ),
  define('all', '...any', 'whether none is empty', (args) => args.every((value) => !isEmpty(value))),
  define('any', '...any', 'whether not all are empty', (args) => args.some((value) => !isEmpty(value))),
  define('ternary', 'any any bool', 'the first if the third is true, else the second', (args) =>
    flag(args, 2) ? args[0] : args[1],
  ),
  define(
    'required',
    'string any',
    'the value, or the message as an error if it is empty or missing',
    (args) => {
      const value = args[1];
      if (value === null || value === undefined || value === '') {
        throw new Failure(text(args, 0), { hint: 'this template cannot do without a value here' });
      }
      return value;
    },
  ),
  define('fail', 'string', 'fails with the message', (args) => {
    throw new Failure(text(args, 0), { hint: 'the template itself refuses, by `fail`' });
  }),
  define('typeOf', 'any', 'the type, as Go calls it', ([value]) => typeName(value)),
  define('typeIs', 'string any', 'whether the type is this', (args) => text(args, 0) === typeName(args[1])),
  define('typeIsLike', 'string any', 'whether the type is this or a pointer to it', (args) => {
    const type = typeName(args[1]);
    return text(args, 0) === type || `*${text(args, 0)}` === type;
  }),
  define('kindOf', 'any', 'the kind, as Go calls it', ([value]) => kindName(value)),
  define('kindIs', 'string any', 'whether the kind is this', (args) => text(args, 0) === kindName(args[1])),
  define('deepEqual', 'any any', 'whether they are equal all through', ([a, b], { budget }) =>
    deepEqual(a, b, budget),
  ),
  define('env', 'string', 'a variable of the environment that the caller gives', (args, { environment }) =>
    variable(environment, text(args, 0)),
  ),
  define('expandenv', 'string', 'with $NAME and ${NAME} replaced', (args, { environment, budget }) => {
    const value = text(args, 0);
    return value.replaceAll(
      /\$(?:\{([^}]{0,255})\}|([A-Za-z_][A-Za-z0-9_]*|[*#$@!?0-9-]))/g,
      (_, braced?: string, plain?: string) => {
        const found = variable(environment, braced ?? plain ?? '');
        budget.spend(found.length);
        return found;
      },
    );
  }),
];

function variable(environment: ReadonlyMap<string, string> | undefined, name: string): string {
  if (environment === undefined) {
    throw new Failure('there is no environment here', {
      code: 'unavailable',
      hint: 'configuration must not depend on who reads it; use .Values instead',
    });
  }
  return fromText(environment.get(toUtf16(name)) ?? '');
}
