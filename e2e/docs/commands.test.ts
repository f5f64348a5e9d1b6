import assert from 'node:assert/strict';
import { existsSync, globSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { Writable } from 'node:stream';
import { suite, test } from 'node:test';
import { runCli } from '@cairn/cli';
import { realHost } from '@cairn/host';

/** The documents are held against the program: every command line, option, script, path and link in them is real. */

const REPOSITORY = join(import.meta.dirname, '../..');
const DOCUMENTS = ['README.md', 'CONTRIBUTING.md', ...globSync('docs/*.md', { cwd: REPOSITORY }).sort()];
const REFERENCE = 'docs/commands.md';
/** What npm does without a script of ours. */
const NPM_COMMANDS = new Set(['install']);
/** What stands for something else in a text: ARGUMENTS, COMMAND. */
const PLACEHOLDER = /^[A-Z]+$/;
const SOURCE_PATH = /^(?:packages|framework|e2e|bench|scripts|docs|\.ci)\/[\w./-]+$/;

/** What `--help` says of a command. */
interface CommandHelp {
  /** By every name, short and long: whether a value follows. */
  readonly options: ReadonlyMap<string, boolean>;
  readonly subcommands: readonly string[];
  readonly argumentsLeast: number;
  readonly argumentsMost: number;
}

async function helpText(path: readonly string[]): Promise<string> {
  const chunks: string[] = [];
  const stdout = new Writable({
    write(chunk: Buffer, _encoding, done) {
      chunks.push(chunk.toString());
      done();
    },
  });
  const { signal } = new AbortController();
  const exitCode = await runCli([...path, '--help'], { host: realHost(), signal, stdout, stderr: stdout });
  assert.equal(exitCode, 0, `cairn ${path.join(' ')} --help`);
  return chunks.join('');
}

function parseHelp(text: string): CommandHelp {
  const options = new Map<string, boolean>();
  for (const [, short, long, value] of text.matchAll(/^ {2}(?:(-\w), )?(--[a-z-]+)( <)?/gm)) {
    for (const name of [short, long]) if (name !== undefined) options.set(name, value !== undefined);
  }
  const list = /^Commands:\n((?: +.*\n)+)/m.exec(text)?.[1] ?? '';
  const usage = /^Usage: (.*)$/m.exec(text)?.[1] ?? '';
  const required = [...usage.matchAll(/<\w+>/g)].length;
  const optional = [...usage.matchAll(/\[(?!options|command)\w+\]/g)].length;
  const repeated = /\[\w+\.\.\.\]/.test(usage);
  return {
    options,
    subcommands: [...list.matchAll(/^ {2}([\w-]+)/gm)].flatMap(([, name]) => name ?? []),
    argumentsLeast: required,
    argumentsMost: repeated ? Infinity : required + optional,
  };
}

/** All commands by their words: '' is the program, 'image ls' a command of a command. */
async function readCommands(path: readonly string[] = []): Promise<Map<string, CommandHelp>> {
  const help = parseHelp(await helpText(path));
  const commands = new Map([[path.join(' '), help]]);
  for (const name of help.subcommands) {
    for (const [key, value] of await readCommands([...path, name])) commands.set(key, value);
  }
  return commands;
}

interface Document {
  readonly path: string;
  /** Without its code blocks. */
  readonly prose: string;
  /** Each of them one line, of the blocks marked `sh`. */
  readonly commandLines: readonly string[];
}

function readDocument(path: string): Document {
  const text = readFileSync(join(REPOSITORY, path), 'utf8');
  const blocks = [...text.matchAll(/^```(\w*)\n([^]*?)^```$/gm)];
  const commandLines = blocks
    .filter(([, language]) => language === 'sh')
    .flatMap(([, , code = '']) => code.replaceAll(/\\\n\s*/g, '').split('\n'))
    .filter((line) => line !== '' && !line.startsWith('#'));
  return { path, prose: text.replaceAll(/^```[^]*?^```$/gm, ''), commandLines };
}

/** The words of a command line as a shell would cut it, up to the first command's end; `&&` and pipes end one. */
function wordsOf(line: string): string[] {
  const words = line.match(/(?:"[^"]*"|'[^']*'|[^\s"'])+/g) ?? [];
  const end = words.findIndex((word) => /^(?:[|#;>&]|&&|2>.*)$/.test(word));
  return (end < 0 ? words : words.slice(0, end)).map((word) => word.replaceAll(/["']/g, ''));
}

/** Checks the words that follow `cairn`; in prose a line may be only the beginning of one. */
function checkCairn(
  commands: ReadonlyMap<string, CommandHelp>,
  words: readonly string[],
  whole: boolean,
): void {
  const path: string[] = [];
  for (const word of words) {
    if (!commands.has([...path, word].join(' '))) break;
    path.push(word);
  }
  const name = path.join(' ');
  const help = commands.get(name);
  assert.ok(help !== undefined);
  const rest = words.slice(path.length);
  if (!whole && PLACEHOLDER.test(rest[0] ?? '')) return;
  assert.ok(
    help.subcommands.length === 0 || rest.length === 0 || rest[0]?.startsWith('-'),
    `no command ${rest[0]}`,
  );
  let given = 0;
  for (let index = 0; index < rest.length; index++) {
    const [option = '', inline] = rest[index]?.split('=', 2) ?? [];
    if (!option.startsWith('-')) {
      given++;
      continue;
    }
    const takesValue = help.options.get(option);
    assert.notEqual(takesValue, undefined, `cairn ${name} has no ${option}`);
    if (takesValue && inline === undefined) index++;
  }
  if (!whole || rest.includes('--help')) return;
  assert.ok(
    given >= help.argumentsLeast && given <= help.argumentsMost,
    `cairn ${name} has ${given} arguments`,
  );
}

interface Program {
  readonly commands: ReadonlyMap<string, CommandHelp>;
  /** Of package.json. */
  readonly scripts: ReadonlySet<string>;
}

function checkLine(line: string, { commands, scripts }: Program, whole: boolean): void {
  const [program, ...words] = wordsOf(line);
  if (program === 'cairn') checkCairn(commands, words, whole);
  if (program === 'node' || program === 'sh') {
    const file = words.find((word) => !word.startsWith('-')) ?? '';
    assert.ok(existsSync(join(REPOSITORY, file)), `there is no ${file}`);
  }
  if (program !== 'npm') return;
  const separator = words.indexOf('--');
  const own = (separator < 0 ? words : words.slice(0, separator)).filter((word) => !word.startsWith('-'));
  const script = own[0] === 'run' ? (own[1] ?? '') : (own[0] ?? '');
  assert.ok(scripts.has(script) || NPM_COMMANDS.has(script), `package.json has no script ${script}`);
  if (script === 'cairn' && separator >= 0) checkCairn(commands, words.slice(separator + 1), whole);
}

/** The name by which a heading is linked to. */
function anchorOf(heading: string): string {
  return heading
    .toLowerCase()
    .replaceAll(/[^\p{L}\p{N}\s_-]/gu, '')
    .trim()
    .replaceAll(/\s/g, '-');
}

function anchorsIn(path: string): string[] {
  return [...readDocument(path).prose.matchAll(/^#+ (.*)$/gm)].map(([, heading = '']) => anchorOf(heading));
}

function checkLink(from: string, link: string): void {
  const [file = '', anchor] = link.split('#', 2);
  const path = file === '' ? from : join(dirname(from), file);
  assert.ok(existsSync(join(REPOSITORY, path)), `${link} leads nowhere`);
  if (anchor !== undefined) assert.ok(anchorsIn(path).includes(anchor), `${path} has no heading #${anchor}`);
}

const commands = await readCommands();
const { scripts } = JSON.parse(readFileSync(join(REPOSITORY, 'package.json'), 'utf8')) as {
  readonly scripts: Readonly<Record<string, string>>;
};
const program: Program = { commands, scripts: new Set(Object.keys(scripts)) };

for (const path of DOCUMENTS) {
  suite(path, () => {
    const { prose, commandLines } = readDocument(path);

    for (const line of commandLines) {
      test(line, () => checkLine(line, program, true));
    }

    test('commands, scripts and paths in its text', () => {
      for (const [, code = ''] of prose.matchAll(/`([^`\n]+)`/g)) {
        if (/^(?:cairn|npm) [a-z]/.test(code)) checkLine(code, program, false);
        if (SOURCE_PATH.test(code)) assert.ok(existsSync(join(REPOSITORY, code)), `there is no ${code}`);
      }
    });

    test('links', () => {
      for (const [, link = ''] of prose.matchAll(/\]\(([^)\s]+)\)/g)) {
        if (!/^[a-z]+:/.test(link)) checkLink(path, link);
      }
    });
  });
}

suite(`${REFERENCE} is complete`, () => {
  const text = readFileSync(join(REPOSITORY, REFERENCE), 'utf8');
  const sections = new Map(
    text
      .split(/^## /m)
      .map((section) => [section.slice(0, section.indexOf('\n')).replaceAll('`', ''), section]),
  );
  const common = [...sections]
    .filter(([heading]) => heading.startsWith('Options of'))
    .map(([, section]) => section);

  for (const [name, { options, subcommands }] of commands) {
    if (subcommands.length > 0) continue;
    test(`cairn ${name}`, () => {
      const section = sections.get(`cairn ${name}`);
      assert.ok(section !== undefined, `it has no section on cairn ${name}`);
      assert.match(section, new RegExp(`^cairn ${name}\\b`, 'm'), 'an example');
      for (const option of options.keys()) {
        const told = [section, ...common].some(
          (part) => part.includes(`\`${option}`) || part.includes(`, ${option}`),
        );
        assert.ok(told, `it says nothing of ${option}`);
      }
    });
  }
});
