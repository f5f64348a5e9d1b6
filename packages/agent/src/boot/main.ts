// Before all else, which uses them from its start on.
import '@cairn/host/quickjs/globals';
import * as std from 'quickjs:std';
import { CairnError } from '@cairn/bytes';
import { quickHost } from '@cairn/host/quickjs';
import { boot } from './boot.ts';
import { describeBoot } from './describe.ts';

/** /init's word for it. */
const RESET_DONE = 3;

/**
 * What /init runs: `cairn boot` alone, by QuickJS, out of the initrd. Node, which runs all else, would have to come
 * from the root first: 40 MB, block by verified block.
 *
 *     qjs boot.mjs [ROOT]
 */
try {
  const [, root = '/sysroot'] = globalThis.scriptArgs;
  const record = await boot(quickHost(), { root });
  console.log(describeBoot(record));
  // By which /init knows that it is to reboot.
  if (record.reset === true) std.exit(RESET_DONE);
} catch (error) {
  console.log(`Cairn: ${error instanceof Error ? error.message : String(error)}`);
  if (error instanceof Error && !(error instanceof CairnError)) console.log(error.stack);
  std.exit(1);
}
