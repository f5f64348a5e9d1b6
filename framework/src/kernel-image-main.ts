import { parseArgs } from 'node:util';
import { formatBytes } from '@cairn/bytes';
import { realHost } from '@cairn/host';
import { formatReference, parseReference } from '@cairn/oci';
import { SUITE } from './debian.ts';
import { KERNEL_PACKAGE, makeKernelImage } from './kernel-image.ts';
import { runProgram } from './program.ts';

const HELP = `Makes an image with only a kernel of Debian's and its modules, for images that have none:

    npm run kernel-image -- --output oci:kernel
    cairn build IMAGE --kernel oci:kernel -o out

Options:
  --output oci:FOLDER[:TAG]   a new OCI image layout (required)
  --package NAME              the kernel's package (${KERNEL_PACKAGE})
  --suite NAME                the release of Debian that it is of (${SUITE})
  --help                      show this
`;

await runProgram('kernel-image', async (signal) => {
  const { values } = parseArgs({
    options: {
      output: { type: 'string' },
      package: { type: 'string', default: KERNEL_PACKAGE },
      suite: { type: 'string', default: SUITE },
      help: { type: 'boolean', short: 'h', default: false },
    },
  });
  if (values.help) {
    console.log(HELP);
    return 0;
  }
  if (values.output === undefined) return refuse('--output is missing');
  const output = parseReference(values.output);
  if (output.kind !== 'oci-layout') return refuse(`"${values.output}" is not an OCI image layout`);
  const start = performance.now();
  const image = await makeKernelImage(realHost(), {
    package: values.package,
    suite: values.suite,
    folder: output.path,
    ...(output.tag === undefined ? {} : { tag: output.tag }),
    signal,
    onStep: (step) => console.error(`kernel-image: ${step}`),
  });
  const seconds = ((performance.now() - start) / 1000).toFixed(1);
  console.log(
    `${formatReference(output)}: ${image.versions.join(', ')}, ${formatBytes(image.size)}, ${image.digest} (${seconds} s)`,
  );
  return 0;
});

function refuse(what: string): number {
  console.error(`kernel-image: ${what}`);
  console.error('  hint: npm run kernel-image -- --output oci:FOLDER[:TAG]; --help shows all options');
  return 2;
}
