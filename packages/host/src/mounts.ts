/** One line of /proc/PID/mountinfo (proc_pid_mountinfo(5)). */
export interface Mount {
  readonly id: number;
  readonly parent: number;
  /** `major:minor` of the file system. */
  readonly device: string;
  /** The path inside the file system that is mounted. */
  readonly root: string;
  readonly target: string;
  readonly options: readonly string[];
  readonly type: string;
  readonly source: string;
  readonly superOptions: readonly string[];
}

/** Parses mountinfo; lines that are not of its form are left out. Later mounts on a target hide earlier ones. */
export function parseMountInfo(text: string): Mount[] {
  const mounts: Mount[] = [];
  for (const line of text.split('\n')) {
    const separator = line.indexOf(' - ');
    if (separator < 0) continue;
    const [id, parent, device, root, target, options] = line.slice(0, separator).split(' ');
    const [type, source, superOptions] = line.slice(separator + 3).split(' ');
    if (device === undefined || root === undefined || target === undefined || options === undefined) continue;
    if (type === undefined || source === undefined || superOptions === undefined) continue;
    mounts.push({
      id: Number(id),
      parent: Number(parent),
      device,
      root: unescape(root),
      target: unescape(target),
      options: options.split(',').map(unescape),
      type,
      source: unescape(source),
      superOptions: superOptions.split(',').map(unescape),
    });
  }
  return mounts;
}

/** Blank, tab, newline and backslash are octal there, and commas within the value of an option. */
function unescape(field: string): string {
  return field.replaceAll(/\\([0-7]{3})/g, (_, digits: string) =>
    String.fromCharCode(Number.parseInt(digits, 8)),
  );
}

/**
 * The mount that a path (absolute, without links) lies on. It is found the way the kernel goes: from the root, at
 * each folder into what is mounted there on the mount that was come by. So a mount that a later one hides is not taken.
 */
export function mountOf(mounts: readonly Mount[], path: string): Mount | undefined {
  const ids = new Set(mounts.map(({ id }) => id));
  const onTheWay = mounts.filter(({ target }) => isAbove(target, path));
  let here: Mount | undefined;
  // In a chroot, and after the initrd, the parent of the first mount is one that cannot be seen.
  let next = nearest(onTheWay.filter(({ id, parent }) => parent === id || !ids.has(parent)));
  const passed = new Set<number>();
  while (next !== undefined && !passed.has(next.id)) {
    here = next;
    passed.add(here.id);
    const { id, target } = here;
    next = nearest(
      onTheWay.filter((mount) => mount.parent === id && mount.id !== id && isAbove(target, mount.target)),
    );
  }
  return here;
}

function isAbove(target: string, path: string): boolean {
  return target === '/' || path === target || path.startsWith(`${target}/`);
}

/** The one that a way from the root comes by first; of two on the same folder the later. */
function nearest(mounts: readonly Mount[]): Mount | undefined {
  let best: Mount | undefined;
  for (const mount of mounts) {
    if (best === undefined || mount.target.length <= best.target.length) best = mount;
  }
  return best;
}
