const UP_COMMAND = '/usr/lib/cairn/up';

/**
 * An inittab(5) with a line more: what notes that the boot has come up, once all is started. Entries run in
 * their order, and `wait` entries, by which a runlevel's services are started, are waited for. Init systems
 * that read an inittab have that in common, where each orders its services in its own way (Debian's sysvinit
 * starts only those in an index made when packages are installed).
 *
 * Busybox has terminals where others have an id, and no runlevels: its lines begin with two colons.
 */
export function withUpEntry(inittab: string): string {
  const isBusybox = /^::/m.test(inittab);
  const entry = isBusybox ? `::once:${UP_COMMAND}` : `crup:2345:once:${UP_COMMAND}`;
  return `${inittab}${inittab.endsWith('\n') || inittab === '' ? '' : '\n'}${entry}\n`;
}
