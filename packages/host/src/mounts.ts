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
      options: options.split(','),
      type,
      source: unescape(source),
      superOptions: superOptions.split(','),
    });
  }
  return mounts;
}

/** Blank, tab, newline and backslash are octal there. */
function unescape(field: string): string {
  return field.replaceAll(/\\([0-7]{3})/g, (_, digits: string) =>
    String.fromCharCode(Number.parseInt(digits, 8)),
  );
}

/** The mount that a path lies on: the last one with the longest target above it. */
export function mountOf(mounts: readonly Mount[], path: string): Mount | undefined {
  let best: Mount | undefined;
  for (const mount of mounts) {
    const above = mount.target === '/' || path === mount.target || path.startsWith(`${mount.target}/`);
    if (above && (best === undefined || mount.target.length >= best.target.length)) best = mount;
  }
  return best;
}
