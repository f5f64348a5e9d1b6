import type { Package } from '../sbom/index.ts';

export interface ChangedPackage {
  readonly name: string;
  readonly architecture: string;
  readonly before: string;
  readonly after: string;
}

export interface PackageDiff {
  readonly added: readonly Package[];
  readonly removed: readonly Package[];
  readonly changed: readonly ChangedPackage[];
  readonly same: number;
}

/**
 * Pure: compares two lists of packages, by name and architecture. Where several versions of one are installed, as kernels are, those that
 * only one list has are added or removed.
 */
export function diffPackages(before: readonly Package[], after: readonly Package[]): PackageDiff {
  const old = byName(before);
  const next = byName(after);
  const added: Package[] = [];
  const removed: Package[] = [];
  const changed: ChangedPackage[] = [];
  let same = 0;
  for (const name of new Set([...old.keys(), ...next.keys()])) {
    const [was, is] = [old.get(name) ?? [], next.get(name) ?? []];
    const gone = was.filter((each) => !is.some((other) => versionOf(other) === versionOf(each)));
    const fresh = is.filter((each) => !was.some((other) => versionOf(other) === versionOf(each)));
    same += is.length - fresh.length;
    const [one, two] = [gone[0], fresh[0]];
    if (one !== undefined && two !== undefined && gone.length === 1 && fresh.length === 1) {
      changed.push({
        name: two.name,
        architecture: two.architecture,
        before: versionOf(one),
        after: versionOf(two),
      });
    } else {
      removed.push(...gone);
      added.push(...fresh);
    }
  }
  return { added, removed, changed, same };
}

function byName(packages: readonly Package[]): Map<string, Package[]> {
  return Map.groupBy(packages, ({ format, name, architecture }) => `${format} ${name} ${architecture}`);
}

function versionOf({ epoch, version }: Package): string {
  return epoch === undefined || epoch === 0 ? version : `${epoch}:${version}`;
}
