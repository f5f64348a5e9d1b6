// Before all else, which uses them from its start on.
import '@cairn/host/quickjs/globals';
import * as std from 'quickjs:std';
import { CairnError } from '@cairn/bytes';
import { quickHost } from '@cairn/host/quickjs';
import { boot } from './boot.ts';
import { describeBoot } from './describe.ts';
import { noteLastPanic, noteRefusal } from './failed.ts';

/** /init's word for it. */
const RESET_DONE = 3;

/**
 * What /init runs, by QuickJS, out of the initrd: `cairn boot`, and what is noted where a boot has failed. Node, which runs all
 * else, would have to come from the root first: 40 MB, block by verified block.
 *
 *     qjs boot.mjs [ROOT]
 *     qjs boot.mjs refused ENTRY ESP REASON
 *     qjs boot.mjs panicked ENTRY ESP ROOT-HASH
 */
try {
  const [, what = '/sysroot', entry = '', partition = '', more = ''] = globalThis.scriptArgs;
  const host = quickHost();
  if (what === 'refused' || what === 'panicked') {
    const note = what === 'refused' ? noteRefusal : noteLastPanic;
    const said = await note(host, { entry, partition }, more);
    if (said !== undefined) console.log(`Cairn: ${said}`);
  } else {
    const record = await boot(host, { root: what });
    console.log(describeBoot(record));
    // By which /init knows that it is to reboot.
    if (record.reset === true) std.exit(RESET_DONE);
  }
} catch (error) {
  console.log(`Cairn: ${error instanceof Error ? error.message : String(error)}`);
  if (error instanceof Error && !(error instanceof CairnError)) console.log(error.stack);
  std.exit(1);
}
