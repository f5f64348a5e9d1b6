/** Renders the sample in a process of its own: `render-sample.ts OUT FORMAT`. With `hang`, it waits in the middle to be killed. */
import { setTimeout as wait } from 'node:timers/promises';
import { realFiles } from '@cairn/host';
import { makeFile, place } from '@cairn/tree';
import { type DiskFormat, renderRelease } from '../src/index.ts';
import { convertedTree, sampleInput } from './sample.ts';

const MIB = 2 ** 20;
const [out = '', format = 'raw', hang] = process.argv.slice(2);
const root = convertedTree();
if (hang !== undefined) {
  const content = {
    size: 5,
    async read() {
      console.log('reading');
      await wait(60_000);
      return 5;
    },
  };
  place(root, '/usr/share/slow', makeFile(content));
}
await renderRelease(
  sampleInput(root),
  { files: realFiles() },
  {
    out,
    architecture: 'amd64',
    commandLine: ['console=ttyS0'],
    slotSize: 64 * MIB,
    disk: { format: format as DiskFormat },
  },
);
