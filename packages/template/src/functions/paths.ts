import type { ByteString } from '@cairn/bytes';
import { Failure } from '../error.ts';
import { GoMap, kindName, type Value } from '../value/value.ts';
import { define, type GoFunction, map, text } from './function.ts';
import { parseUrl, urlText } from './url.ts';

/** Go's path functions on texts, by slashes; the `os` forms are the same on Linux. No file is looked at. */
const PATH_FUNCTIONS: readonly (readonly [string, string, (path: ByteString) => Value])[] = [
  ['base', 'the last part of a path', base],
  ['dir', 'all but the last part of a path', dir],
  ['clean', 'without . and .. and doubled slashes', clean],
  ['ext', 'the extension, with its dot', ext],
  ['isAbs', 'whether a path begins with a slash', (path) => path.startsWith('/')],
];

export const PATHS: readonly GoFunction[] = [
  ...PATH_FUNCTIONS.flatMap(([name, about, call]) => [
    define(name, 'string', about, (args) => call(text(args, 0))),
    define(`os${name.charAt(0).toUpperCase()}${name.slice(1)}`, 'string', `the same as ${name}`, (args) =>
      call(text(args, 0)),
    ),
  ]),
  define(
    'urlParse',
    'string',
    'a map: scheme, host, hostname, path, query, opaque, fragment, userinfo',
    (args) => {
      const { user, ...parts } = parseUrl(text(args, 0));
      return new GoMap(new Map<ByteString, Value>([...Object.entries(parts), ['userinfo', user]]));
    },
  ),
  define('urlJoin', 'map', 'the URL of such a map', (args) => {
    const dict = map(args, 0);
    const part = (key: string) => partOf(dict, key);
    return urlText({
      scheme: part('scheme'),
      host: part('host'),
      path: part('path'),
      query: part('query'),
      opaque: part('opaque'),
      fragment: part('fragment'),
      user: part('userinfo'),
    });
  }),
];

function partOf(dict: GoMap, key: string): ByteString {
  const value = dict.entries.get(key);
  if (value === undefined) return '';
  if (typeof value === 'string') return value;
  throw new Failure(`unable to parse ${key} key, must be of type string, but ${kindName(value)} found`, {
    hint: 'all parts of a URL are texts',
  });
}

function clean(path: ByteString): ByteString {
  if (path === '') return '.';
  const rooted = path.startsWith('/');
  const kept: ByteString[] = [];
  for (const part of path.split('/')) {
    if (part === '' || part === '.') continue;
    if (part !== '..') kept.push(part);
    else if (kept.length > 0 && kept.at(-1) !== '..') kept.pop();
    else if (!rooted) kept.push(part);
  }
  const joined = kept.join('/');
  return rooted ? `/${joined}` : joined === '' ? '.' : joined;
}

function base(path: ByteString): ByteString {
  if (path === '') return '.';
  const trimmed = trimSlashes(path);
  return trimmed === '' ? '/' : trimmed.slice(trimmed.lastIndexOf('/') + 1);
}

function trimSlashes(path: ByteString): ByteString {
  let end = path.length;
  while (end > 0 && path.charAt(end - 1) === '/') end--;
  return path.slice(0, end);
}

function dir(path: ByteString): ByteString {
  return clean(path.slice(0, path.lastIndexOf('/') + 1));
}

function ext(path: ByteString): ByteString {
  const name = path.slice(path.lastIndexOf('/') + 1);
  const dot = name.lastIndexOf('.');
  return dot < 0 ? '' : name.slice(dot);
}
