import { parseDuration } from './duration.ts';
import type { Entry, Reader } from './reader.ts';
import { DEFAULT_TIMEOUT_MS, MAX_ITEMS, MAX_TIMEOUT_MS, type OwnCheck } from './types.ts';

type Fields = ReadonlyMap<string, Entry>;
type Kind = OwnCheck['kind'];
type Distributed<T> = T extends unknown ? Omit<T, 'timeoutMs' | 'at'> : never;
type Body = Distributed<OwnCheck>;

/** Which keys a check of a kind may have besides its own and `timeout`. */
const MORE: Readonly<Record<Kind, readonly string[]>> = {
  unit: [],
  tcp: [],
  http: ['status'],
  command: [],
  kubernetes: [],
};
const KINDS = Object.keys(MORE) as Kind[];
const KEYS = [...KINDS, 'status', 'timeout'];

const UNIT =
  /^[\w:.@\\][\w:.@\\-]{0,250}\.(?:service|socket|target|timer|mount|path|device|swap|slice|scope)$/;
const TCP = /^(?:\[([0-9A-Fa-f:.%\w]{2,64})\]|([\w.-]{1,253})):(\d{1,5})$/;
const MIN_TIMEOUT_MS = 1000;

const PARSERS: Readonly<Record<Kind, (reader: Reader, entry: Entry, fields: Fields) => Body>> = {
  unit(reader, entry) {
    const unit = reader.text(entry, 'unit');
    if (UNIT.test(unit)) return { kind: 'unit', unit };
    throw reader.error(entry.line, `${shown(unit)} is not a unit’s name, such as ssh.service`);
  },
  tcp(reader, entry) {
    const address = reader.text(entry, 'tcp');
    const [, v6, name, port = '0'] = TCP.exec(address) ?? [];
    const host = v6 ?? name;
    if (host !== undefined && Number(port) > 0 && Number(port) < 65_536) {
      return { kind: 'tcp', host, port: Number(port) };
    }
    throw reader.error(entry.line, `${shown(address)} is not HOST:PORT`);
  },
  http(reader, entry, fields) {
    const url = reader.text(entry, 'http');
    const parsed = URL.parse(url);
    if (parsed === null || !/^https?:$/.test(parsed.protocol)) {
      throw reader.error(entry.line, `${shown(url)} is not a URL that begins with http:// or https://`);
    }
    if (parsed.username !== '' || parsed.password !== '') {
      throw reader.error(entry.line, 'the URL of http has a user’s name or password in it');
    }
    const wanted = fields.get('status');
    const status = wanted === undefined ? 200 : reader.plain(wanted);
    if (typeof status === 'number' && Number.isInteger(status) && status >= 100 && status < 600) {
      return { kind: 'http', url, status };
    }
    throw reader.error(wanted?.line ?? entry.line, 'status is not a number from 100 to 599');
  },
  command(reader, entry) {
    const argv = reader.list(entry, 'command', MAX_ITEMS).map((item) => {
      return reader.written(item) ?? reader.text(item, 'what is in command', { mayBeEmpty: true });
    });
    if (argv.length > 0 && argv[0] !== '') return { kind: 'command', argv };
    throw reader.error(entry.line, argv.length === 0 ? 'command is empty' : 'command names no program');
  },
  kubernetes(reader, entry) {
    if (reader.plain(entry) === 'node-ready') return { kind: 'kubernetes' };
    throw reader.error(entry.line, 'kubernetes has to be node-ready');
  },
};

/** One item of `health.checks`. Throws AgentError `bad-config`. */
export function parseOwnCheck(reader: Reader, item: Entry): OwnCheck {
  const fields = reader.map(item.value, 'a check', KEYS, item.line);
  const [kind, another] = KINDS.filter((each) => fields.has(each));
  const entry = kind === undefined ? undefined : fields.get(kind);
  if (kind === undefined || entry === undefined || another !== undefined) {
    throw reader.error(item.line, `a check has exactly one of ${KINDS.join(', ')}`);
  }
  for (const [key, { line }] of fields) {
    if (key === kind || key === 'timeout' || MORE[kind].includes(key)) continue;
    throw reader.error(line, `a check of ${kind} has no ${key}`);
  }
  const timeout = fields.get('timeout');
  const timeoutMs =
    timeout === undefined
      ? DEFAULT_TIMEOUT_MS
      : parseDuration(reader, timeout, 'timeout', MIN_TIMEOUT_MS, MAX_TIMEOUT_MS);
  return { ...PARSERS[kind](reader, entry, fields), timeoutMs, at: reader.at(entry.line) };
}

function shown(text: string): string {
  return JSON.stringify(text.slice(0, 80));
}
