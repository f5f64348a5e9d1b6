import { type Host, HostError, type Network, type RunResult } from '@cairn/host';
import type { OwnCheck } from './config/types.ts';
import { attempted, bad, type Finding, good, lastWords } from './finding.ts';

/** What the owner's checks look at. */
export interface Doors {
  readonly host: Host;
  readonly network: Network;
}

/** Executables here are checks: exit code 0 is healthy. */
export const SCRIPTS = '/etc/cairn/health.d';
const SCRIPT_TIMEOUT_MS = 30_000;

/** Those that can be given to kubectl, the first that there is. */
const KUBECONFIGS = [
  '/etc/rancher/k3s/k3s.yaml',
  '/etc/rancher/rke2/rke2.yaml',
  '/var/lib/rancher/k3s/agent/kubelet.kubeconfig',
  '/etc/kubernetes/kubelet.conf',
] as const;
const READY = 'jsonpath={.status.conditions[?(@.type=="Ready")].status}';

/** The names of the owner's executables, in the order in which they are run. Hidden ones, and what editors and packages leave, are none. */
export async function listScripts({ files }: Pick<Host, 'files'>): Promise<string[]> {
  const scripts: string[] = [];
  for (const name of await files.list(SCRIPTS)) {
    if (!/^[\w-][\w.-]*$/.test(name) || /\.(?:bak|swp|orig|dpkg-\w+|rpm\w+)$/.test(name)) continue;
    const status = await files.stat(`${SCRIPTS}/${name}`);
    if (status?.kind === 'file' && (status.mode & 0o111) !== 0) scripts.push(name);
  }
  return scripts;
}

export async function checkScript({ host }: Doors, name: string): Promise<Finding> {
  const path = `${SCRIPTS}/${name}`;
  return checkProgram(host, path, [path], SCRIPT_TIMEOUT_MS);
}

type CheckOf<Kind extends OwnCheck['kind']> = Extract<OwnCheck, { readonly kind: Kind }>;

const CHECKS: {
  readonly [Kind in OwnCheck['kind']]: (check: CheckOf<Kind>, doors: Doors) => Promise<Finding>;
} = {
  async unit({ unit, timeoutMs }, { host }) {
    const name = `unit ${unit}`;
    const { exitCode, stdout, stderr } = await run(host, ['systemctl', 'is-active', unit], timeoutMs);
    if (exitCode === 0) return good(name);
    const state = stdout.trim() || lastWords({ stdout, stderr }) || 'unknown';
    return bad(name, `${unit} is not active, but ${state}`, { units: [unit] });
  },
  async tcp({ host: to, port, timeoutMs }, { network }) {
    const name = `tcp ${to}:${port}`;
    return asked(name, `nothing takes connections at ${to}:${port}`, async () => {
      await network.connect(to, port, timeoutMs);
      return good(name);
    });
  },
  async http({ url, status, timeoutMs }, { network }) {
    const name = `http ${url}`;
    return asked(name, `${url} does not answer`, async () => {
      const got = await network.httpStatus(url, timeoutMs);
      return got === status ? good(name) : bad(name, `${url} answers with status ${got}, not ${status}`);
    });
  },
  async command({ argv, timeoutMs }, { host }) {
    const line = argv.join(' ');
    return checkProgram(host, line, argv, timeoutMs);
  },
  async kubernetes({ timeoutMs }, { host }) {
    return checkKubernetes(host, timeoutMs);
  },
};

/** One of the checks in the configuration. */
export async function checkOwn(check: OwnCheck, doors: Doors): Promise<Finding> {
  // The table has for each kind the function of that kind's type; that the two belong together is not seen by the compiler.
  return attempted(`the check at ${check.at}`, () => CHECKS[check.kind](check as never, doors));
}

async function asked(check: string, otherwise: string, work: () => Promise<Finding>): Promise<Finding> {
  try {
    return await work();
  } catch (error) {
    if (!(error instanceof HostError)) throw error;
    return bad(check, `${otherwise}: ${error.message}`);
  }
}

async function checkProgram(
  host: Host,
  name: string,
  argv: readonly string[],
  timeoutMs: number,
): Promise<Finding> {
  return asked(name, `${name} could not be run`, async () => {
    const result = await host.programs.run(argv, { timeoutMs });
    if (result.exitCode === 0) return good(name);
    const said = lastWords(result) || `exit code ${result.exitCode}`;
    return bad(name, `${name} says: ${said}`);
  });
}

/** A program that is not there is told like one that fails (the exit code is the shell's). */
async function run(host: Host, argv: readonly string[], timeoutMs: number): Promise<RunResult> {
  try {
    return await host.programs.run(argv, { timeoutMs });
  } catch (error) {
    if (!(error instanceof HostError) || error.code !== 'not-found') throw error;
    return { exitCode: 127, stdout: '', stderr: error.message };
  }
}

async function checkKubernetes(host: Host, timeoutMs: number): Promise<Finding> {
  const name = 'kubernetes node-ready';
  const { files } = host;
  let config: string | undefined;
  for (const path of KUBECONFIGS) {
    if ((await files.stat(path)) === undefined) continue;
    config = path;
    break;
  }
  if (config === undefined) {
    return bad(name, `there is no Kubernetes on this node: none of ${KUBECONFIGS.join(', ')} is there`);
  }
  const node = ((await files.readText('/proc/sys/kernel/hostname')) ?? '').trim().toLowerCase();
  const args = ['--kubeconfig', config, 'get', 'node', node, '-o', READY];
  let result = await run(host, ['kubectl', ...args], timeoutMs);
  if (result.exitCode === 127) result = await run(host, ['k3s', 'kubectl', ...args], timeoutMs);
  if (result.exitCode !== 0) {
    return bad(name, `the Kubernetes node ${node} cannot be looked up: ${lastWords(result)}`);
  }
  const ready = result.stdout.trim();
  if (ready === 'True') return good(name);
  return bad(
    name,
    `the Kubernetes node ${node} is not ready (Ready is ${ready === '' ? 'not told' : ready})`,
  );
}
