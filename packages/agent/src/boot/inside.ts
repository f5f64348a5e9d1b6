import { posix } from 'node:path';
import type { EarlyFiles } from '@cairn/host';

/** The kernel gives up after as many (path_resolution(7)). */
const LINKS_LIMIT = 40;

/**
 * Where a path leads that is looked up inside a root, with all links followed there; undefined where they never end.
 * What does not exist is taken as it is.
 */
export async function resolveInside(
  files: EarlyFiles,
  root: string,
  path: string,
): Promise<string | undefined> {
  let rest = path.split('/').filter((name) => name !== '');
  let here = '/';
  for (let links = 0; rest.length > 0; ) {
    const [name = '', ...after] = rest;
    rest = after;
    if (name === '.') continue;
    const next = posix.join(here, name);
    const target = name === '..' ? undefined : await files.readLink(root + next).catch(() => undefined);
    if (target === undefined) {
      here = next;
      continue;
    }
    if (++links > LINKS_LIMIT) return undefined;
    if (target.startsWith('/')) here = '/';
    rest = [...target.split('/').filter((each) => each !== ''), ...rest];
  }
  return here;
}
