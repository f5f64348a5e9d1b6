import { viewOf } from '@cairn/bytes';

/** The architectures of container images (the OCI image specification takes Go's names), by `e_machine` of the ELF header. */
const MACHINES: ReadonlyMap<number, string> = new Map([
  [3, '386'],
  [21, 'ppc64le'],
  [22, 's390x'],
  [40, 'arm'],
  [62, 'amd64'],
  [183, 'arm64'],
  [243, 'riscv64'],
  [258, 'loong64'],
]);

const ELF_MAGIC = 0x7f454c46;
const BIG_ENDIAN = 2;

/** The bytes of a program that `parseElfArchitecture` looks at. */
export const ELF_HEADER_SIZE = 20;

/** The architecture a program was built for, by the head of its ELF header (System V ABI, chapter 4); undefined if it is no ELF file. */
export function parseElfArchitecture(head: Uint8Array): string | undefined {
  if (head.length < ELF_HEADER_SIZE) return undefined;
  const view = viewOf(head);
  if (view.getUint32(0) !== ELF_MAGIC) return undefined;
  const machine = view.getUint16(18, view.getUint8(5) !== BIG_ENDIAN);
  return MACHINES.get(machine) ?? `machine-${machine}`;
}
