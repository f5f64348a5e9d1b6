import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { formatBytes } from '@cairn/bytes';
import { runCli } from '@cairn/cli';
import { runProgram } from '@cairn/framework';
import { type Host, realHost } from '@cairn/host';
import { loadRelease, type Release } from '@cairn/release';
import { saveMachine } from '@cairn/testkit';
import { ensureFramework, SERIAL_CONSOLE } from '../support/build.ts';
import { CACHE, ensureImage } from '../support/images.ts';
import { BOOT_LIMIT_MS, startNode } from '../support/node.ts';
import { type ProofResult, prove } from './proofs.ts';
import { SAVED_MACHINE } from './saved-machine.ts';
import { table } from './table.ts';

const HELP = `npm run quickstart [-- --image IMAGE] [-- --password PASSWORD]

Builds a container image into an immutable operating system, boots it in a virtual machine, and shows that it is
immutable. Without --image, a Debian 13 image is made from Debian's packages.

  npm run quickstart
  npm run quickstart -- --image ghcr.io/you/os:1 --password secret     an image with kernel, init and root's password
  npm run quickstart -- --image oci:./my-image
`;

const RELEASE = join(CACHE, 'quickstart', 'release');

interface Lap {
  readonly step: string;
  readonly seconds: number;
}

/** Does each step under its name, says so, and notes how long it took. */
class Steps {
  readonly laps: Lap[] = [];

  async take<T>(step: string, work: () => Promise<T>): Promise<T> {
    console.log(`» ${step}`);
    const start = performance.now();
    const result = await work();
    this.laps.push({ step, seconds: (performance.now() - start) / 1000 });
    return result;
  }
}

async function quickstart(
  host: Host,
  options: { readonly image: string | undefined; readonly password: string | undefined },
  signal: AbortSignal,
): Promise<number> {
  const steps = new Steps();
  const framework = await steps.take('framework layer (the first time: one to two minutes)', () =>
    ensureFramework(host, signal),
  );
  const image =
    options.image ??
    `tar:${await steps.take('Debian 13 image from packages', () => ensureImage(host, 'debian-13', signal))}`;
  const args = ['build', image, '--output', RELEASE, '--format', 'raw', '--framework', framework];
  const { stdout, stderr } = process;
  const exitCode = await steps.take('cairn build', () =>
    runCli([...args, '--cmdline', SERIAL_CONSOLE], { host, signal, stdout, stderr }),
  );
  if (exitCode !== 0) return exitCode;
  const release = await loadRelease(host.files, RELEASE);

  await using machine = await startNode(join(RELEASE, 'disk.raw'), { signal });
  const guest = await steps.take('boot: firmware, loader, kernel, verified root, login', () =>
    machine.login({
      timeoutMs: BOOT_LIMIT_MS,
      signal,
      ...(options.password === undefined ? {} : { password: options.password }),
    }),
  );
  const proofs = await steps.take('trying to change it, as root', () => prove(guest, signal));
  await saveMachine(machine, SAVED_MACHINE, { signal });
  console.log(report(release, steps.laps, proofs));
  return proofs.every(({ held }) => held) ? 0 : 1;
}

function report(release: Release, laps: readonly Lap[], proofs: readonly ProofResult[]): string {
  const sizes = [
    ['root.erofs', formatBytes(release.root.size), 'every block is verified when it is read'],
    ['uki.efi', formatBytes(release.uki.size), `kernel ${release.kernel.version}, initrd, root hash`],
    ['sbom.spdx.json', formatBytes(release.sbom.size), `${release.sbom.packages} packages`],
  ];
  const times = laps.map(({ step, seconds }) => [`${seconds.toFixed(1)} s`, step]);
  const outcomes = proofs.map(({ tried, held, meaning, said }) => [
    held ? 'ok' : 'FAILED',
    tried,
    held ? meaning : said,
  ]);
  return [
    '',
    `${release.name} ${release.version}`,
    table(sizes),
    '',
    'seconds',
    table(times),
    '',
    'tried inside, as root',
    table(outcomes),
    '',
    'Open a console in this machine (log in as root):  npm run console',
    `The release and its disk image:                   ${RELEASE}`,
  ].join('\n');
}

await runProgram('quickstart', async (signal) => {
  const { values } = parseArgs({
    options: {
      image: { type: 'string' },
      password: { type: 'string' },
      help: { type: 'boolean', short: 'h' },
    },
  });
  if (values.help) {
    console.log(HELP);
    return 0;
  }
  return quickstart(realHost(), { image: values.image, password: values.password }, signal);
});
