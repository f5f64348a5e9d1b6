import { type ByteSource, readExactly, viewOf } from '@cairn/bytes';
import { DiskError } from '../error.ts';
import { CLUSTER_MASK, END_OF_CHAIN_MIN, FIRST_CLUSTER } from './format.ts';
import { isCluster, type VolumeShape } from './volume.ts';

/** Clusters that follow one another. */
export interface ClusterRun {
  readonly first: number;
  readonly count: number;
}

export interface Chain {
  readonly runs: readonly ClusterRun[];
  readonly clusters: number;
}

/** FAT entries that are read at a time. */
const WINDOW = 1024;

/**
 * Follows a chain of clusters to its end.
 *
 * @param limit the most clusters that it may have
 * @param owner what the message calls the chain's owner
 * @throws DiskError `fat-malformed` for a chain that is longer, loops, or leaves the volume
 */
export async function readChain(
  source: ByteSource,
  shape: VolumeShape,
  first: number,
  options: { readonly limit: number; readonly owner: string; readonly signal: AbortSignal | undefined },
): Promise<Chain> {
  const { limit, owner, signal } = options;
  const runs: { first: number; count: number }[] = [];
  const entries = FIRST_CLUSTER + shape.clusters;
  let window: { readonly start: number; readonly view: DataView } | undefined;
  let cluster = first;
  let count = 0;
  // The cluster at which the count was last a power of two: a loop comes back to it before the count has doubled again.
  let landmark = 0;
  do {
    if (!isCluster(cluster, shape.clusters)) {
      throw broken(owner, `goes on in cluster ${cluster}, which does not exist`);
    }
    if (cluster === landmark) throw broken(owner, `comes back to cluster ${cluster}`);
    if (++count > limit) throw broken(owner, `is longer than the ${limit} clusters that it may have`);
    if ((count & (count - 1)) === 0) landmark = cluster;

    const last = runs.at(-1);
    if (last !== undefined && last.first + last.count === cluster) last.count++;
    else runs.push({ first: cluster, count: 1 });

    const start = cluster - (cluster % WINDOW);
    if (window?.start !== start) {
      signal?.throwIfAborted();
      const length = Math.min(WINDOW, entries - start) * 4;
      const bytes = await readExactly(source, shape.fatPosition + start * 4, length, signal);
      window = { start, view: viewOf(bytes) };
    }
    cluster = window.view.getUint32((cluster - start) * 4, true) & CLUSTER_MASK;
  } while (cluster < END_OF_CHAIN_MIN);
  return { runs, clusters: count };
}

function broken(owner: string, problem: string): DiskError {
  return new DiskError('fat-malformed', `the FAT is damaged: the chain of ${owner} ${problem}`);
}
