import { truncate, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { buildRelease } from '../support/build.ts';
import { BOOT_LIMIT_MS, logIn, startNode } from '../support/node.ts';
import { discBehindDisk } from './boot.ts';
import { type Recorder, switchOff } from './record.ts';

/** Takes the empty disk without being asked. */
const CONFIG = `#cloud-config
install:
  auto: true
  device: auto
`;
const DISK_SIZE = 9 * 2 ** 30;
const INSTALL_LIMIT_MS = 900_000;

/** Records an installation on an empty disk, from a disc that does it by itself, and the first boot of what was installed. */
export const recordInstall: Recorder = async (host, folder, note) => {
  const recording = {
    base: join(folder, 'base.raw'),
    log: join(folder, 'writes.log'),
    new: join(folder, 'release'),
  };
  note('building a disc');
  const config = join(folder, 'config.yaml');
  await host.files.replace(config, CONFIG);
  const args = ['--config', config];
  const medium = await buildRelease(host, 'debian-13', recording.new, { format: 'iso', args });
  const disk = join(folder, 'disk.raw');
  for (const path of [recording.base, disk]) {
    await writeFile(path, '');
    await truncate(path, DISK_SIZE);
  }
  note('boot from the disc, and installation');
  await using machine = await startNode(disk, {
    disks: [{ path: disk, access: 'direct', writeLog: recording.log }],
    extraArguments: discBehindDisk(medium),
  });
  let guest = await logIn(machine);
  const ended = '[ "$(systemctl show -P ExecMainExitTimestampMonotonic cairn-install)" != 0 ]';
  await guest.output(`until ${ended}; do sleep 1; done`, { timeoutMs: INSTALL_LIMIT_MS });
  const result = await guest.output('systemctl show -P Result cairn-install');
  if (result.trim() !== 'success') {
    throw new Error(`the installation failed: ${await guest.output('journalctl -u cairn-install -o cat')}`);
  }
  note('first boot of what was installed');
  await guest.reboot({ timeoutMs: BOOT_LIMIT_MS });
  await machine.console.waitFor('Cairn: booting cairn-a', { timeoutMs: BOOT_LIMIT_MS });
  guest = await logIn(machine);
  await switchOff(machine, guest);
  await host.files.remove(disk);
  return { ...recording, medium };
};
