import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { formatBytes } from '@cairn/bytes';
import { cacheFolder, realHost } from '@cairn/host';
import { buildFramework } from './build.ts';
import { runProgram } from './program.ts';

const HELP = `Builds the framework layer, which makes any image bootable, or takes it from the cache.

  npm run framework
  npm run framework -- --refresh        with the newest versions of Debian's packages
  npm run framework -- --cache FOLDER
`;

await runProgram('framework', async (signal) => {
  const { values } = parseArgs({
    options: {
      cache: { type: 'string', default: join(cacheFolder(process.env), 'framework') },
      refresh: { type: 'boolean', default: false },
      help: { type: 'boolean', short: 'h', default: false },
    },
  });
  if (values.help) {
    console.log(HELP);
    return 0;
  }
  const { layerFile, size, initrdSize, digest } = await buildFramework(realHost(), {
    cacheFolder: values.cache,
    refresh: values.refresh,
    signal,
    onStep: (step) => console.error(`framework: ${step}`),
  });
  console.log(`${layerFile}: ${formatBytes(size)} (initrd ${formatBytes(initrdSize)}), ${digest}`);
  return 0;
});
