import { homedir } from 'node:os';
import { join } from 'node:path';

/** Where downloads, and what is made of them, are kept between runs; may be removed at any time: `$CAIRN_CACHE`, or `cairn` in the user's cache folder (XDG Base Directory Specification). */
export function cacheFolder(environment: Readonly<Record<string, string | undefined>>): string {
  const { CAIRN_CACHE, XDG_CACHE_HOME, HOME } = environment;
  if (CAIRN_CACHE) return CAIRN_CACHE;
  // The specification has relative paths ignored.
  if (XDG_CACHE_HOME?.startsWith('/')) return join(XDG_CACHE_HOME, 'cairn');
  return join(HOME || homedir(), '.cache', 'cairn');
}
