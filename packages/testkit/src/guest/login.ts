import { randomBytes } from 'node:crypto';
import type { Console } from '../console/console.ts';
import { TestkitError } from '../error.ts';
import { PORT_NAME } from '../machine/options.ts';
import { type Limits, seconds } from '../wait.ts';
import { AGENT_SCRIPT, startOnPort } from './agent.ts';
import { type Channel, consoleChannel } from './channel.ts';
import { AgentConnection } from './connection.ts';
import { Guest } from './guest.ts';

export interface LoginOptions extends Limits {
  /** `root` unless given. */
  readonly user?: string;
  /** Typed if it is asked for. */
  readonly password?: string;
  /** `console`: do not use the virtio-serial port even where the guest has one. */
  readonly channel?: 'any' | 'console';
}

/** What a machine gives for logging in to it. */
export interface LoginContext {
  readonly console: Console;
  readonly port: Channel;
  /** Aborted when the machine has ended. */
  readonly gone: AbortSignal;
  /** Somebody has logged in since this boot: there may be no prompt to wait for. */
  readonly mayBeOpen: boolean;
  nextBoot(limits: Limits): Promise<void>;
}

const DEFAULT_TIMEOUT_MS = 180_000;
/** How long a prompt may take to follow what was typed, before it is taken for lost among other output. */
const PROMPT_LIMIT_MS = 10_000;
/** A line that is typed at a shell has to fit into the terminal's line buffer of 4096 bytes (termios(3)). */
const TYPED_PIECE = 800;
const AGENT_ATTEMPTS = 3;

/**
 * Logs in at the serial console and brings up the agent: on the virtio-serial port where the guest has one,
 * else on the console.
 *
 * @throws TestkitError `login-refused`, `guest-silent`, and what `Console.waitFor` throws
 */
export async function logIn(context: LoginContext, options: LoginOptions = {}): Promise<Guest> {
  const timeoutMs = options.timeoutMs ?? DEFAULT_TIMEOUT_MS;
  const deadline = AbortSignal.timeout(timeoutMs);
  const signal = options.signal === undefined ? deadline : AbortSignal.any([deadline, options.signal]);
  try {
    return await logInUntil(context, { ...options, signal, timeoutMs });
  } catch (error) {
    if (!deadline.aborted || options.signal?.aborted) throw error;
    const sentence = `nobody could log in within ${seconds(timeoutMs)}`;
    throw new TestkitError('timeout', context.console.quote(sentence), { cause: error });
  }
}

async function logInUntil(context: LoginContext, options: LoginOptions): Promise<Guest> {
  const { console, port, gone, mayBeOpen } = context;
  const wantsPort = options.channel !== 'console';
  const overPort = new AgentConnection(port, gone);
  const overConsole = new AgentConnection(consoleChannel(console), gone);
  const { signal } = options;
  if (mayBeOpen) {
    if (wantsPort && (await overPort.isAlive({ timeoutMs: 3000, signal })))
      return new Guest(overPort, context);
    if (await overConsole.isAlive({ timeoutMs: 3000, signal })) await overConsole.ask('quit', { signal });
    console.send('\n');
  }
  await reachShell(console, options);
  await typeAgent(console, overConsole, signal);
  const guest = new Guest(overConsole, context);
  await guest.run('dmesg -n 1', { signal });
  if (!wantsPort) return guest;
  const { exitCode } = await guest.run(startOnPort(PORT_NAME), { signal });
  if (exitCode !== 0 || !(await overPort.isAlive({ timeoutMs: 5000, signal }))) return guest;
  // The console is a person's again.
  await overConsole.ask('quit', { signal });
  return new Guest(overPort, context);
}

/** Answers the prompts until a shell proves that it listens. */
async function reachShell(console: Console, options: LoginOptions): Promise<void> {
  const { user = 'root', password, signal, timeoutMs } = options;
  let wait = timeoutMs;
  for (;;) {
    const prompt = await promptWithin(console, wait, options);
    wait = PROMPT_LIMIT_MS;
    if (prompt?.startsWith('login')) {
      console.send(`${user}\n`);
    } else if (prompt?.startsWith('Password')) {
      if (password === undefined) {
        throw new TestkitError('login-refused', `${user} has a password, and none was given`);
      }
      console.send(`${password}\n`);
    } else if (prompt?.startsWith('Login incorrect')) {
      throw new TestkitError('login-refused', console.quote(`${user} may not log in`));
    } else if (prompt !== undefined && (await typeLine(console, {}, signal))) {
      return;
    } else {
      // Something was lost among other output: an empty line brings the prompt again, whichever it is.
      console.send('\n');
    }
  }
}

async function promptWithin(
  console: Console,
  timeoutMs: number | undefined,
  options: LoginOptions,
): Promise<string | undefined> {
  try {
    const prompts = /(?<!Last )login: |Password: |Login incorrect|[#$] $/;
    const match = await console.waitFor(prompts, { timeoutMs, signal: options.signal });
    return match[0];
  } catch (error) {
    if (error instanceof TestkitError && error.code === 'timeout') return undefined;
    throw error;
  }
}

/**
 * Types a line at the shell and says whether the shell has read it: a shell is who can add, so the terminal's
 * echo of the line does not contain the answer. One line at a time, because line editors throw away what was
 * typed ahead.
 */
async function typeLine(
  console: Console,
  line: { readonly before?: string; readonly after?: string },
  signal: AbortSignal | undefined,
): Promise<boolean> {
  const nonce = randomBytes(4).toString('hex');
  const parts = [line.before, `echo ${nonce}-$((40 + 2))`, line.after].filter((part) => part !== undefined);
  console.send(` ${parts.join('; ')}\n`);
  try {
    await console.waitFor(`${nonce}-42`, { timeoutMs: PROMPT_LIMIT_MS, signal });
    return true;
  } catch (error) {
    if (error instanceof TestkitError && error.code === 'timeout') return false;
    throw error;
  }
}

async function typeAgent(
  console: Console,
  connection: AgentConnection,
  signal: AbortSignal | undefined,
): Promise<void> {
  const lines = agentLines();
  for (let attempt = 0; attempt < AGENT_ATTEMPTS; attempt++) {
    let typed = true;
    for (const line of lines) typed &&= await typeLine(console, line, signal);
    if (typed && (await connection.isAlive({ timeoutMs: PROMPT_LIMIT_MS, signal }))) return;
    // Ctrl-C, in case that half of the agent runs.
    console.send('\x03\n');
  }
  throw new TestkitError('guest-silent', console.quote('no agent could be started in the guest'), {
    hint: 'it needs a POSIX shell, setsid, dd, base64 and sha256sum',
  });
}

function agentLines(): { readonly before?: string; readonly after?: string }[] {
  const encoded = Buffer.from(AGENT_SCRIPT).toString('base64');
  const pieces = encoded.match(new RegExp(`.{1,${TYPED_PIECE}}`, 'g')) ?? [];
  return [
    { before: 'stty -echo; d=/run; [ -w /run ] || d=/tmp; d=$d/cairn-testkit' },
    { before: 'mkdir -p -m 700 $d; :>$d/b64' },
    ...pieces.map((piece) => ({ before: `printf %s ${piece} >>$d/b64` })),
    { before: 'base64 -d <$d/b64 >$d/agent', after: 'sh $d/agent $d; stty echo' },
  ];
}
