/** The stages, in the order in which a machine comes to them. */
export const STAGES: Readonly<Record<string, string>> = {
  rootfs: 'in the initrd, before paths are made writable',
  initramfs: 'in the initrd, before the system’s own init starts: users, hosts’ names, units',
  fs: 'when file systems are mounted',
  boot: 'while the system comes up',
  network: 'when the network is up',
  reconcile: 'five minutes after the boot, then every hour',
  'first-boot': 'once, in the first boot after installation',
  'kairos-agent.bootstrap': 'when Kairos’s provider sets up its cluster',
  'kairos-install.pre': 'before installation, on the live system',
  'before-install': 'when partitions are made, on the live system',
  'after-install-chroot': 'in the installed root',
  'after-install': 'when all is installed, on the live system',
  'kairos-install.after': 'last of an installation, on the live system',
  'before-upgrade': 'before an upgrade',
  'after-upgrade-chroot': 'in the new root',
  'after-upgrade': 'when all is upgraded',
  'before-reset': 'before a reset',
  'after-reset-chroot': 'in the root that was reset to',
  'after-reset': 'when all is reset',
  'kairos-uki-install.pre': 'before installation with trusted boot',
  'kairos-uki-install.after': 'after installation with trusted boot',
  'kairos-uki-upgrade.pre': 'before an upgrade with trusted boot',
  'kairos-uki-upgrade.after': 'after an upgrade with trusted boot',
  'kairos-uki-reset.pre': 'before a reset with trusted boot',
  'kairos-uki-reset.after': 'after a reset with trusted boot',
};

const PROVIDER = /^provider-kairos\.bootstrap\.(?:before|after)\.[\w./-]+$/;

/** Whether there is a stage of that name: with `.before` or `.after` too. */
export function isStage(name: string): boolean {
  const base = name.replace(/\.(?:before|after)$/, '');
  return Object.hasOwn(STAGES, name) || Object.hasOwn(STAGES, base) || PROVIDER.test(name);
}
