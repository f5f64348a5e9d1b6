import { BAD_EARLY } from './bad-releases.ts';
import { testBadReleases } from './going-back.ts';

testBadReleases(BAD_EARLY);
