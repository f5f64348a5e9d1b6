import type { ByteString } from '@cairn/bytes';
import { Failure } from '../error.ts';

/** net/url's Parse and String, in bytes. */
export interface Url {
  readonly scheme: ByteString;
  readonly host: ByteString;
  readonly path: ByteString;
  readonly query: ByteString;
  readonly opaque: ByteString;
  readonly fragment: ByteString;
  /** Escaped, `name:password`. */
  readonly user: ByteString;
}

export interface ParsedUrl extends Url {
  readonly hostname: ByteString;
}

function fail(source: ByteString, problem: string): Failure {
  return new Failure(`unable to parse url: parse "${source}": ${problem}`, {
    hint: 'a URL is like https://name:password@host:port/path?query#fragment',
  });
}

function cut(text: ByteString, separator: string): readonly [ByteString, ByteString | undefined] {
  const at = text.indexOf(separator);
  return at < 0 ? [text, undefined] : [text.slice(0, at), text.slice(at + separator.length)];
}

function unescape(text: ByteString, source: ByteString): ByteString {
  const wrong = /%(?![0-9a-fA-F]{2}).{0,2}/s.exec(text);
  if (wrong !== null) throw fail(source, `invalid URL escape "${wrong[0]}"`);
  return text.replaceAll(/%([0-9a-fA-F]{2})/g, (_, code: string) =>
    String.fromCharCode(Number.parseInt(code, 16)),
  );
}

export function parseUrl(source: ByteString): ParsedUrl {
  if (Array.from(source).some((char) => char < ' ' || char === '\x7f'))
    throw fail(source, 'net/url: invalid control character in URL');
  const [before, fragment = ''] = cut(source, '#');
  const scheme = /^([A-Za-z][A-Za-z0-9+.-]*):/.exec(before)?.[1] ?? '';
  if (scheme === '' && before.startsWith(':')) throw fail(source, 'missing protocol scheme');
  const rest = scheme === '' ? before : before.slice(scheme.length + 1);
  const [main, query = ''] = cut(rest, '?');
  const parts = {
    scheme: scheme.toLowerCase(),
    host: '',
    hostname: '',
    path: '',
    query,
    opaque: '',
    fragment: decode(fragment, source),
    user: '',
  };
  if (scheme !== '' && !main.startsWith('/')) return { ...parts, opaque: main };
  if (scheme === '' && !main.startsWith('/') && (main.split('/')[0] ?? '').includes(':')) {
    throw fail(source, 'first path segment in URL cannot contain colon');
  }
  if (!main.startsWith('//') || (scheme === '' && main.startsWith('///'))) {
    return { ...parts, path: decode(main, source) };
  }
  const slash = main.indexOf('/', 2);
  const authority = slash < 0 ? main.slice(2) : main.slice(2, slash);
  const path = slash < 0 ? '' : main.slice(slash);
  const at = authority.lastIndexOf('@');
  const host = authority.slice(at + 1);
  checkHost(host, source);
  return {
    ...parts,
    host: decode(host, source),
    hostname: decode(host.replace(/:[0-9]*$/, '').replace(/^\[(.*)\]$/, '$1'), source),
    path: decode(path, source),
    user: at < 0 ? '' : userText(authority.slice(0, at), source),
  };
}

function decode(text: ByteString, source: ByteString): ByteString {
  return text.includes('%') ? unescape(text, source) : text;
}

function checkHost(host: ByteString, source: ByteString): void {
  const port = /:([^:\]]*)$/.exec(host.replace(/^\[[^\]]*\]/, ''))?.[1];
  if (port !== undefined && !/^[0-9]*$/.test(port)) throw fail(source, `invalid port ":${port}" after host`);
  if (/[ "<>\\^`{|}]/.test(host)) throw fail(source, `invalid character in host name`);
}

function userText(user: ByteString, source: ByteString): ByteString {
  if (!/^[A-Za-z0-9\-._:~!$&'()*+,;=%@]*$/.test(user)) throw fail(source, 'net/url: invalid userinfo');
  const [name, password] = cut(user, ':');
  const escaped = escape(decode(name, source), USER);
  return password === undefined ? escaped : `${escaped}:${escape(decode(password, source), USER)}`;
}

const USER = /[A-Za-z0-9\-_.~$&+,;=]/;
const PATH = /[A-Za-z0-9\-_.~$&+,/:;=@]/;
const HOST = /[A-Za-z0-9\-_.~!$&'()*+,;=:[\]<>"]/;
const FRAGMENT = /[A-Za-z0-9\-_.~$&+,/:;=?@!()*]/;

function escape(text: ByteString, kept: RegExp): ByteString {
  return Array.from(text, (char) =>
    kept.test(char) ? char : `%${char.charCodeAt(0).toString(16).toUpperCase().padStart(2, '0')}`,
  ).join('');
}

export function urlText({ scheme, host, path, query, opaque, fragment, user }: Url): ByteString {
  const parts: ByteString[] = [];
  if (scheme !== '') parts.push(`${scheme}:`);
  if (opaque === '') {
    if (scheme !== '' || host !== '' || user !== '') {
      if (host !== '' || path !== '' || user !== '') parts.push('//');
      if (user !== '') parts.push(`${userText(user, user)}@`);
      parts.push(escape(host, HOST));
    }
    const escaped = escape(path, PATH);
    if (escaped !== '' && !escaped.startsWith('/') && host !== '') parts.push('/');
    if (parts.length === 0 && (escaped.split('/')[0] ?? '').includes(':')) parts.push('./');
    parts.push(escaped);
  } else {
    parts.push(opaque);
  }
  if (query !== '') parts.push(`?${query}`);
  if (fragment !== '') parts.push(`#${escape(fragment, FRAGMENT)}`);
  return parts.join('');
}
