import { bytesOf, type Content, memorySource } from '@cairn/bytes';
import type { NewTarEntry } from '../src/index.ts';

/** Entries sorted by what a format has to have to hold them. All of them can be laid out as files. */

const TIME = { seconds: 1_700_000_000, nanoseconds: 0 };
export const FINE_TIME = { seconds: 1_700_000_000, nanoseconds: 123_456_789 };
export const OWNER = { uid: 1000, gid: 1001, mtime: TIME };
/** cap_net_bind_service=ep, as setcap(8) stores it. */
const CAPABILITY = Buffer.from('0100000200040000000000000000000000000000', 'hex');

export function text(content: string): Content {
  return memorySource(bytesOf(content));
}

/** Fits into every format. */
export const PLAIN: readonly NewTarEntry[] = [
  { ...OWNER, path: 'folder', kind: 'directory', mode: 0o1777 },
  { ...OWNER, path: 'folder/empty', kind: 'file', mode: 0 },
  { ...OWNER, path: 'folder/block', kind: 'file', mode: 0o4755, content: text('b'.repeat(512)) },
  { ...OWNER, path: 'folder/more', kind: 'file', mode: 0o2640, content: text('more'.repeat(1000)) },
  { ...OWNER, path: 'folder/hard', kind: 'hardlink', mode: 0o2640, linkTarget: 'folder/more' },
  { ...OWNER, path: 'soft', kind: 'symlink', mode: 0o777, linkTarget: '../out of/here' },
  { ...OWNER, path: 'not\xffutf8\xc3', kind: 'file', mode: 0o644, content: text('\xff\0') },
  { ...OWNER, path: 'line\nbreak \\ "quoted"', kind: 'file', mode: 0o644 },
  { ...OWNER, path: 'n'.repeat(99), kind: 'file', mode: 0o644, content: text('n') },
  { ...OWNER, path: 'largest id', kind: 'file', mode: 0o644, uid: 0o7777777, gid: 0o7777777 },
  { ...OWNER, path: '1970', kind: 'file', mode: 0o644, mtime: { seconds: 0, nanoseconds: 0 } },
];

/** Needs ustar at least. */
export const SPECIAL: readonly NewTarEntry[] = [
  { ...OWNER, path: 'null', kind: 'character-device', mode: 0o666, major: 1, minor: 3 },
  { ...OWNER, path: 'disk', kind: 'block-device', mode: 0o660, major: 259, minor: 0xfffff },
  { ...OWNER, path: 'pipe', kind: 'fifo', mode: 0o600 },
  { ...OWNER, path: 'n'.repeat(100), kind: 'file', mode: 0o644 },
  { ...OWNER, path: 'p'.repeat(77), kind: 'directory', mode: 0o755 },
  { ...OWNER, path: `${'p'.repeat(77)}/${'q'.repeat(77)}`, kind: 'directory', mode: 0o755 },
  {
    ...OWNER,
    path: `${'p'.repeat(77)}/${'q'.repeat(77)}/${'n'.repeat(100)}`,
    kind: 'file',
    mode: 0o644,
    content: text('p'),
  },
  { ...OWNER, path: 'soft100', kind: 'symlink', mode: 0o777, linkTarget: 't'.repeat(100) },
];

/** Needs the extensions of GNU or of pax. */
export const LARGE: readonly NewTarEntry[] = [
  { ...OWNER, path: 'N'.repeat(200), kind: 'directory', mode: 0o755 },
  {
    ...OWNER,
    path: `${'N'.repeat(200)}/${'\xfe'.repeat(250)}`,
    kind: 'file',
    mode: 0o644,
    content: text('N'),
  },
  {
    ...OWNER,
    path: `${'N'.repeat(200)}/${'h'.repeat(200)}`,
    kind: 'hardlink',
    mode: 0o644,
    linkTarget: `${'N'.repeat(200)}/${'\xfe'.repeat(250)}`,
  },
  { ...OWNER, path: 'soft4000', kind: 'symlink', mode: 0o777, linkTarget: 't/'.repeat(2000) },
  { ...OWNER, path: 'large ids', kind: 'file', mode: 0o644, uid: 0x7fffffff, gid: 0xfffffffe },
  { ...OWNER, path: '1901', kind: 'file', mode: 0o644, mtime: { seconds: -2_147_483_648, nanoseconds: 0 } },
  { ...OWNER, path: '1969', kind: 'file', mode: 0o644, mtime: { seconds: -1, nanoseconds: 0 } },
  { ...OWNER, path: '2400', kind: 'file', mode: 0o644, mtime: { seconds: 13_569_465_600, nanoseconds: 0 } },
];

/** Needs pax. */
export const FINE: readonly NewTarEntry[] = [
  {
    ...OWNER,
    path: 'capable',
    kind: 'file',
    mode: 0o755,
    mtime: FINE_TIME,
    xattrs: new Map<string, Uint8Array>([
      ['security.capability', CAPABILITY],
      ['user.binary', Uint8Array.from({ length: 256 }, (_, byte) => byte)],
      ['user.empty', new Uint8Array(0)],
      ['user.lines', bytesOf('30 SCHILY.xattr.user.other=x\n\n')],
      ['user.a=b%3D%', bytesOf('=')],
      ['trusted.overlay.opaque', bytesOf('y')],
    ]),
  },
  {
    ...OWNER,
    path: 'soft',
    kind: 'symlink',
    mode: 0o777,
    linkTarget: 'capable',
    xattrs: new Map([['trusted.link', bytesOf('yes')]]),
  },
  {
    ...OWNER,
    path: 'before',
    kind: 'directory',
    mode: 0o755,
    mtime: { seconds: -2, nanoseconds: 1 },
    xattrs: new Map([['user.d', bytesOf('d')]]),
  },
];
