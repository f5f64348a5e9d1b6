import { isMap, isScalar, LineCounter, parseDocument } from 'yaml';
import { AgentError } from '../../error.ts';
import { parseOwnCheck } from './check.ts';
import { parseDuration } from './duration.ts';
import { Reader } from './reader.ts';
import { type HealthPart, MAX_DEADLINE_MS, MAX_ITEMS, MIN_DEADLINE_MS } from './types.ts';

/** Its first lines say whose it is; all others in these folders are not ours to read. */
const HEADER = /^#(?:cloud-config|kairos-config|node-config)\s*$/;
const HEADER_LINES = 10;
/** Whether a text may have the key at all. What has not is not looked into: it may be of another dialect. */
const MAY_HAVE_HEALTH = /^["']?health["']?\s*:/m;
const UNIT_GLOB = /^[\w:.@\\*?[\]-]{1,255}$/;

/**
 * The key `health` of one configuration file; undefined where it has none, or is none of ours.
 *
 * By hand, not by a schema: what is wrong is told with the line of the file that it is on, which a schema library does not know
 * of, and it would be loaded in each boot on trial.
 *
 * @param file its path, for what is told
 * @throws AgentError `bad-config`
 */
export function parseHealth(text: string, file: string): HealthPart | undefined {
  if (!text.split('\n', HEADER_LINES).some((line) => HEADER.test(line.trimEnd()))) return undefined;
  if (!MAY_HAVE_HEALTH.test(text)) return undefined;
  const lines = new LineCounter();
  const document = parseYaml(text, file, lines);
  const reader = new Reader(file, document, lines);
  const top = document.contents;
  if (!isMap(top)) throw reader.error(1, 'what is in the file is not a map');
  const pair = top.items.find(({ key }) => isScalar(key) && key.value === 'health');
  return pair === undefined || reader.isNull(pair.value)
    ? undefined
    : healthOf(reader, pair.value, reader.lineOf(pair.key));
}

function parseYaml(text: string, file: string, lines: LineCounter) {
  let document: ReturnType<typeof parseDocument>;
  try {
    document = parseDocument(text, { lineCounter: lines, prettyErrors: false, logLevel: 'error' });
  } catch (cause) {
    // It goes deeper than the stack.
    throw new AgentError('bad-config', `${file}: it is not YAML that can be read`, { cause });
  }
  const [error] = document.errors;
  if (error === undefined) return document;
  const { line } = lines.linePos(error.pos[0]);
  throw new AgentError('bad-config', `${file}:${line}: it is not YAML: ${error.message}`, { cause: error });
}

function healthOf(reader: Reader, node: unknown, above: number): HealthPart {
  const fields = reader.map(node, 'health', ['deadline', 'allow-failed', 'checks'], above);
  const deadline = fields.get('deadline');
  const allowFailed = fields.get('allow-failed');
  const checks = fields.get('checks');
  return {
    ...(deadline === undefined
      ? {}
      : {
          deadlineMs: parseDuration(reader, deadline, 'health.deadline', MIN_DEADLINE_MS, MAX_DEADLINE_MS),
        }),
    allowFailed:
      allowFailed === undefined
        ? []
        : reader.list(allowFailed, 'health.allow-failed', MAX_ITEMS).map((item) => {
            const glob = reader.text(item, 'what is in health.allow-failed');
            if (UNIT_GLOB.test(glob)) return glob;
            throw reader.error(
              item.line,
              `${JSON.stringify(glob.slice(0, 60))} is no unit’s name, nor a pattern of one`,
            );
          }),
    checks:
      checks === undefined
        ? []
        : reader.list(checks, 'health.checks', MAX_ITEMS).map((item) => parseOwnCheck(reader, item)),
  };
}
