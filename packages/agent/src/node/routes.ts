import { CairnError } from '@cairn/bytes';
import type { Files } from '@cairn/host';
import type { DefaultRoutes } from '../state/types.ts';

/** Flags of a route (Linux, include/uapi/linux/route.h). */
const UP = 0x1;
const REJECT = 0x200;

/** The interfaces that the kernel has a default route by. What cannot be read counts as none. */
export async function readDefaultRoutes(files: Files): Promise<DefaultRoutes> {
  return {
    ipv4: parseRoutes(await readTable(files, '/proc/net/route')),
    ipv6: parseRoutes6(await readTable(files, '/proc/net/ipv6_route')),
  };
}

/** Without IPv6, for one, there is no such file. */
async function readTable(files: Files, path: string): Promise<string> {
  try {
    return (await files.readText(path)) ?? '';
  } catch (error) {
    if (error instanceof CairnError) return '';
    throw error;
  }
}

/** Fields of /proc/net/route: interface, destination, gateway, flags, ..., mask at 7; all in hexadecimal. */
export function parseRoutes(text: string): string[] {
  return interfacesOf(
    text.split('\n').map((line) => {
      const [name = '', destination, , flags = '', , , , mask] = line.trim().split(/\s+/);
      return { name, isDefault: destination === '00000000' && mask === '00000000', flags };
    }),
  );
}

/** Fields of /proc/net/ipv6_route: destination, its prefix length, ..., flags at 8, interface at 9; all in hexadecimal. */
export function parseRoutes6(text: string): string[] {
  return interfacesOf(
    text.split('\n').map((line) => {
      const [destination, length, , , , , , , flags = '', name = ''] = line.trim().split(/\s+/);
      return { name, isDefault: /^0{32}$/.test(destination ?? '') && length === '00', flags };
    }),
  );
}

interface Route {
  readonly name: string;
  readonly isDefault: boolean;
  /** Hexadecimal */
  readonly flags: string;
}

function interfacesOf(routes: readonly Route[]): string[] {
  const names = routes
    .filter(({ name, isDefault, flags }) => {
      const value = Number.parseInt(flags, 16);
      return isDefault && name !== 'lo' && (value & UP) !== 0 && (value & REJECT) === 0;
    })
    .map(({ name }) => name);
  return [...new Set(names)].sort();
}
