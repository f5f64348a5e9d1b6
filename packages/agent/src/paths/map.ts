/**
 * How a path can be written to although the root cannot:
 * - `volatile`: an overlay in memory over what the image has; made anew at each boot
 * - `memory`: empty at each boot
 * - `kept-overlay`: an overlay on the persistent partition: what was changed on the node stays, and what a newer
 *    image brings is seen all the same
 * - `kept`: a folder of the persistent partition, filled from the image when it is first made
 * - `partition`: a partition of its own
 */
export type WritableKind = 'volatile' | 'memory' | 'kept-overlay' | 'kept' | 'partition';

export interface WritablePath {
  readonly path: string;
  readonly kind: WritableKind;
}

function each(kind: WritableKind, paths: readonly string[]): WritablePath[] {
  return paths.map((path) => ({ path, kind }));
}

/** Folders before what lies in them: they are mounted in this order. Kairos's list, less /usr/libexec, so that its users' configurations keep working. */
export const WRITABLE_PATHS: readonly WritablePath[] = [
  ...each('volatile', ['/etc', '/var', '/srv']),
  ...each('memory', ['/tmp']),
  ...each('partition', ['/oem']),
  ...each('kept-overlay', [
    '/usr/local',
    '/root',
    '/opt',
    '/etc/cni',
    '/etc/init.d',
    '/etc/iscsi',
    '/etc/k0s',
    '/etc/kubernetes',
    '/etc/modprobe.d',
    '/etc/pwx',
    '/etc/rancher',
    '/etc/runlevels',
    '/etc/ssh',
    '/etc/ssl/certs',
    '/etc/sysconfig',
    '/etc/systemd',
    '/etc/zfs',
  ]),
  ...each('kept', [
    '/home',
    '/snap',
    '/var/cores',
    '/var/lib/ca-certificates',
    '/var/lib/cni',
    '/var/lib/containerd',
    '/var/lib/calico',
    '/var/lib/dbus',
    '/var/lib/etcd',
    '/var/lib/extensions',
    '/var/lib/confexts',
    '/var/lib/k0s',
    '/var/lib/kubelet',
    '/var/lib/longhorn',
    '/var/lib/osd',
    '/var/lib/rancher',
    '/var/lib/rook',
    '/var/lib/snapd',
    '/var/lib/tailscale',
    '/var/lib/wicked',
    '/var/lib/kairos',
    '/var/log',
    '/var/snap',
  ]),
];

/** Where a kept path's data is on the persistent partition: `/var/lib/etcd` is `state/var-lib-etcd`. */
export function stateFolder(path: string): string {
  return `state/${path.slice(1).replaceAll('/', '-')}`;
}
