import { type EarlyFiles, HostError } from '@cairn/host';
import { AgentError } from '../error.ts';
import { withUpEntry } from './inittab.ts';

const MACHINE_ID = /^[0-9a-f]{32}$/;

const FSTAB = `# Written by cairn at each boot: all mounts are made before this system starts (see \`cairn paths\`).
/dev/mapper/root / erofs ro 0 0
`;

/**
 * Writes what makes this machine itself into its new /etc: the machine's id, which stays the same over all
 * upgrades, and an fstab that names nothing of the machine on which the image was built.
 */
export async function writeIdentity(
  files: EarlyFiles,
  root: string,
  backing: string,
  problems: string[],
): Promise<void> {
  const machineId = await machineIdOf(files, `${backing}/identity`, problems);
  await files.write(`${root}/etc/machine-id`, `${machineId}\n`, 0o444);
  await files.write(`${root}/etc/fstab`, FSTAB);
  // The image is complete as it is: systemd need not bring /etc and /var up to date with /usr at each boot,
  // as it would where these are missing or older (systemd.unit(5), ConditionNeedsUpdate=).
  for (const folder of ['etc', 'var']) await files.write(`${root}/${folder}/.updated`, '');
  // systemd has a unit for this; all other inits have an inittab.
  const inittab = await files.readText(`${root}/etc/inittab`);
  if (inittab !== undefined) await files.write(`${root}/etc/inittab`, withUpEntry(inittab));
}

/** The id that is kept, or a new one, which is kept from now on. One that cannot be kept is better than no boot. */
async function machineIdOf(files: EarlyFiles, folder: string, problems: string[]): Promise<string> {
  const file = `${folder}/machine-id`;
  const fresh = await newMachineId(files);
  try {
    const kept = (await files.readText(file))?.trim();
    if (kept !== undefined && MACHINE_ID.test(kept)) return kept;
    await files.makeDirectory(folder);
    await files.replace(file, `${fresh}\n`);
  } catch (error) {
    if (!(error instanceof HostError)) throw error;
    problems.push(`this machine's id lasts only for this boot: ${error.message}`);
  }
  return fresh;
}

/** The kernel's random UUID (random(4)) as machine-id(5) has it: 32 hexadecimal digits. */
async function newMachineId(files: EarlyFiles): Promise<string> {
  const uuid = await files.readText('/proc/sys/kernel/random/uuid');
  if (uuid === undefined) {
    throw new AgentError('bad-boot', 'the kernel gives no random UUID: /proc is not mounted');
  }
  return uuid.trim().replaceAll('-', '');
}
