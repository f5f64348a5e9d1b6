import assert from 'node:assert/strict';
import { test } from 'node:test';
import { withUpEntry } from '../src/boot/inittab.ts';

const CASES: readonly { name: string; inittab: string; entry: string }[] = [
  {
    name: 'sysvinit',
    inittab: 'id:2:initdefault:\nsi::sysinit:/etc/init.d/rcS\nl2:2:wait:/etc/init.d/rc 2\n',
    entry: 'crup:2345:once:/usr/lib/cairn/up',
  },
  {
    name: 'busybox, as Alpine has it',
    inittab:
      '::sysinit:/sbin/openrc sysinit\n::wait:/sbin/openrc default\ntty1::respawn:/sbin/getty 38400 tty1\n',
    entry: '::once:/usr/lib/cairn/up',
  },
  {
    name: 'a file without its last newline',
    inittab: 'id:2:initdefault:',
    entry: 'crup:2345:once:/usr/lib/cairn/up',
  },
];

for (const { name, inittab, entry } of CASES) {
  test(`inittab of ${name}`, () => {
    assert.equal(withUpEntry(inittab), `${inittab.trimEnd()}\n${entry}\n`);
  });
}
