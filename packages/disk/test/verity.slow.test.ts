import { testAgainstVeritysetup } from './verity-support.ts';

/** The largest tree of two levels, and the smallest of three: 128 hashes a block. */
testAgainstVeritysetup([
  [16_384, ''],
  [16_385, ''],
]);
