import { parseArgs } from 'node:util';
import { CairnError, formatBytes } from '@cairn/bytes';
import { realHost } from '@cairn/host';
import { formatReference, parseReference } from '@cairn/oci';
import { SUITE } from './debian.ts';
import { KERNEL_PACKAGE, makeKernelImage } from './kernel-image.ts';

const HELP = `Makes an image with only a kernel of Debian's and its modules, for images that have none:

    npm run kernel-image -- --output oci:kernel
    cairn build IMAGE --kernel oci:kernel -o out

Options:
  --output oci:FOLDER[:TAG]   a new OCI image layout (required)
  --package NAME              the kernel's package (${KERNEL_PACKAGE})
  --suite NAME                the release of Debian that it is of (${SUITE})
  --help                      show this
`;

process.exitCode = await main();

async function main(): Promise<number> {
  const options = readOptions();
  if (typeof options === 'number') return options;
  const controller = new AbortController();
  for (const signal of ['SIGINT', 'SIGTERM'] as const) {
    process.once(signal, () => controller.abort(new Error(`interrupted by ${signal}`)));
  }
  try {
    const output = parseReference(options.output);
    if (output.kind !== 'oci-layout') return refuse(`"${options.output}" is not an OCI image layout`);
    const start = performance.now();
    const image = await makeKernelImage(realHost(), {
      package: options.package,
      suite: options.suite,
      folder: output.path,
      ...(output.tag === undefined ? {} : { tag: output.tag }),
      signal: controller.signal,
      onStep: (step) => console.error(`kernel-image: ${step}`),
    });
    const seconds = ((performance.now() - start) / 1000).toFixed(1);
    console.log(
      `${formatReference(output)}: ${image.versions.join(', ')}, ${formatBytes(image.size)}, ${image.digest} (${seconds} s)`,
    );
    return 0;
  } catch (error) {
    if (!(error instanceof CairnError) && error !== controller.signal.reason) throw error;
    console.error(`kernel-image: ${error instanceof Error ? error.message : String(error)}`);
    if (error instanceof CairnError && error.hint !== undefined) console.error(`  hint: ${error.hint}`);
    return 1;
  }
}

/** The options, or the exit code when there is nothing to be done. */
function readOptions(): { output: string; package: string; suite: string } | number {
  try {
    const { values } = parseArgs({
      options: {
        output: { type: 'string' },
        package: { type: 'string', default: KERNEL_PACKAGE },
        suite: { type: 'string', default: SUITE },
        help: { type: 'boolean', default: false },
      },
    });
    if (values.help) {
      console.log(HELP);
      return 0;
    }
    const { output } = values;
    return output === undefined ? refuse('--output is missing') : { ...values, output };
  } catch (error) {
    return refuse(error instanceof Error ? error.message : String(error));
  }
}

function refuse(what: string): number {
  console.error(`kernel-image: ${what}`);
  console.error('  hint: npm run kernel-image -- --output oci:FOLDER[:TAG]; --help shows all options');
  return 2;
}
