import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { formatBytes } from '@cairn/bytes';
import { realHost } from '@cairn/host';
import { buildFramework } from './build.ts';

const { values } = parseArgs({
  options: {
    cache: { type: 'string', default: fileURLToPath(new URL('../../.cache/framework/', import.meta.url)) },
    refresh: { type: 'boolean', default: false },
  },
});
const framework = await buildFramework(realHost(), {
  cacheFolder: values.cache,
  refresh: values.refresh,
  onStep: (step) => console.error(`framework: ${step}`),
});
console.log(
  `${framework.layerFile}: ${formatBytes(framework.size)} (initrd ${formatBytes(framework.initrdSize)}), ${framework.digest}`,
);
