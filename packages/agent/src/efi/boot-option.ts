import type { Host } from '@cairn/host';
import {
  encodeBootOrder,
  encodeLoadOption,
  freeNumber,
  type LoadOption,
  optionName,
  optionNumber,
  parseBootOrder,
  parseLoadOption,
} from './load-option.ts';
import {
  EFI_GLOBAL,
  EFI_VARIABLES,
  KEPT,
  openEfi,
  readVariable,
  removeVariable,
  writeVariable,
} from './variable.ts';

/**
 * Makes the firmware boot a loader first: a boot option, and its number at the head of the order. The option is there before the order names it,
 * and options of partitions that are no more go last.
 *
 * @param gone ids of partitions that were on the disk before
 * @returns the option's name
 * @throws AgentError `no-efi`, `failed`, HostError
 */
export async function addBootOption(
  host: Host,
  option: LoadOption,
  gone: ReadonlySet<string>,
): Promise<string> {
  await openEfi(host);
  const options = await readOptions(host);
  const stale = [...options].flatMap(([number, each]) =>
    each !== undefined && gone.has(each.partition.uuid) ? [number] : [],
  );
  const order = parseBootOrder((await readVariable(host, 'BootOrder', EFI_GLOBAL))?.data ?? new Uint8Array());
  const number = freeNumber(new Set([...options.keys(), ...order]));
  const name = optionName(number);
  await writeVariable(host, name, EFI_GLOBAL, { attributes: KEPT, data: encodeLoadOption(option) });
  const rest = order.filter((each) => !stale.includes(each));
  await writeVariable(host, 'BootOrder', EFI_GLOBAL, {
    attributes: KEPT,
    data: encodeBootOrder([number, ...rest]),
  });
  for (const each of stale) await removeVariable(host, optionName(each), EFI_GLOBAL);
  return name;
}

/** By number; undefined for what boots something else than a file on a partition. */
async function readOptions(host: Host): Promise<Map<number, LoadOption | undefined>> {
  const options = new Map<number, LoadOption | undefined>();
  for (const file of await host.files.list(EFI_VARIABLES)) {
    if (!file.endsWith(`-${EFI_GLOBAL}`)) continue;
    const name = file.slice(0, -EFI_GLOBAL.length - 1);
    const number = optionNumber(name);
    if (number === undefined) continue;
    const variable = await readVariable(host, name, EFI_GLOBAL);
    options.set(number, variable && parseLoadOption(variable.data));
  }
  return options;
}
