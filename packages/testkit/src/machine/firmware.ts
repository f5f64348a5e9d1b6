import { access } from 'node:fs/promises';
import { TestkitError } from '../error.ts';

/** UEFI firmware for QEMU: the code, and the variables that a machine gets its own copy of. */
export interface Firmware {
  readonly code: string;
  readonly variables: string;
}

/**
 * Where distributions put OVMF's 4 MiB build without Secure Boot enforcement: Debian and Ubuntu, Fedora,
 * Arch, openSUSE, Alpine.
 */
const PLACES: readonly Firmware[] = [
  { code: '/usr/share/OVMF/OVMF_CODE_4M.fd', variables: '/usr/share/OVMF/OVMF_VARS_4M.fd' },
  { code: '/usr/share/edk2/ovmf/OVMF_CODE.fd', variables: '/usr/share/edk2/ovmf/OVMF_VARS.fd' },
  { code: '/usr/share/edk2/x64/OVMF_CODE.4m.fd', variables: '/usr/share/edk2/x64/OVMF_VARS.4m.fd' },
  { code: '/usr/share/qemu/ovmf-x86_64-4m-code.bin', variables: '/usr/share/qemu/ovmf-x86_64-4m-vars.bin' },
  { code: '/usr/share/OVMF/OVMF_CODE.fd', variables: '/usr/share/OVMF/OVMF_VARS.fd' },
];

/** @throws TestkitError `firmware-missing` */
export async function findFirmware(places: readonly Firmware[] = PLACES): Promise<Firmware> {
  for (const place of places) {
    if ((await exists(place.code)) && (await exists(place.variables))) return place;
  }
  const looked = places.map((place) => place.code).join(', ');
  throw new TestkitError('firmware-missing', `no UEFI firmware for QEMU was found (looked for ${looked})`, {
    hint: 'apt-get install ovmf, or give the two files in `boot`',
  });
}

async function exists(path: string): Promise<boolean> {
  return access(path).then(
    () => true,
    () => false,
  );
}
