import { BAD_LATE } from './bad-releases.ts';
import { testBadReleases } from './going-back.ts';

testBadReleases(BAD_LATE);
