import { join } from 'node:path';
import { CACHE } from '../support/images.ts';

/** The booted machine that the quickstart leaves for `npm run console`. */
export const SAVED_MACHINE = join(CACHE, 'quickstart', 'machine');
