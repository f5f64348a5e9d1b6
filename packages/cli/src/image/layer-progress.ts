import type { Image, Progress } from '@cairn/oci';
import type { Reporter } from '../output/reporter.ts';

/**
 * Makes one phase after the other of what layers do side by side: while any of them is still fetched the phase is
 * `pull`, and then `unpack`. The bytes are all layers' together.
 *
 * @param image undefined before the image is known: then there is only what is packed or unpacked to know it
 */
export function layerProgress(report: Reporter, image?: Image): (progress: Progress) => void {
  const sizes = new Map(image?.layers.map(({ name, size }) => [name, size]));
  const fetched = new Map<string, number>();
  const unpacked = new Map<string, number>();
  const total = sum(sizes);
  return ({ step, name, done, total: ownTotal }) => {
    if (step === 'pack' || step === 'write' || !sizes.has(name)) {
      report.progress({ phase: step, done, total: ownTotal });
      return;
    }
    if (step === 'fetch') fetched.set(name, done);
    else unpacked.set(name, done);
    // A layer that is unpacked was fetched, even if it was there before and nothing was said.
    if (step === 'unpack' && fetched.size > 0) fetched.set(name, sizes.get(name) ?? 0);
    const pulled = sum(fetched);
    if (fetched.size > 0 && pulled < total) report.progress({ phase: 'pull', done: pulled, total });
    else report.progress({ phase: 'unpack', done: sum(unpacked), total });
    // What follows the last layer has no measure.
    if (sum(unpacked) === total) report.progress({ phase: 'merge' });
  };
}

function sum(bytes: ReadonlyMap<string, number>): number {
  return bytes.values().reduce((total, each) => total + each, 0);
}
