import { type Content, fromText } from '@cairn/bytes';
import {
  type Attributes,
  type Directory,
  type Inode,
  makeDirectory,
  makeFile,
  makeSymlink,
} from '@cairn/tree';

export const MTIME = { seconds: 1_700_000_000, nanoseconds: 0 };

export function bytes(length: number, seed: number): Uint8Array {
  return Uint8Array.from({ length }, (_, i) => (i * 31 + seed + (i >> 8)) & 0xff);
}

export function directory(
  entries: Readonly<Record<string, Inode>>,
  given: Partial<Attributes> = {},
): Directory {
  const made = makeDirectory({ mtime: MTIME, ...given });
  for (const [name, inode] of Object.entries(entries)) made.entries.set(name, inode);
  return made;
}

/** A file of zeros but for the byte `value` in the ranges that are stored. */
export function sparseContent(
  size: number,
  data: readonly { start: number; end: number }[],
  value = 0x42,
): Content {
  return {
    size,
    data,
    read(position, target) {
      const part = target.subarray(0, Math.max(0, size - position));
      part.fill(0);
      for (const { start, end } of data) {
        if (start < position + part.length && end > position) {
          part.fill(value, Math.max(0, start - position), Math.max(0, end - position));
        }
      }
      return part.length;
    },
  };
}

/** An ACL as setxattr(2) takes it: version 2, then tag, permissions and id of each entry. */
function acl(...entries: readonly (readonly [tag: number, permissions: number, id: number])[]): Uint8Array {
  const value = new DataView(new ArrayBuffer(4 + entries.length * 8));
  value.setUint32(0, 2, true);
  for (const [i, [tag, permissions, id]] of entries.entries()) {
    value.setUint16(4 + i * 8, tag, true);
    value.setUint16(6 + i * 8, permissions, true);
    value.setUint32(8 + i * 8, id, true);
  }
  return new Uint8Array(value.buffer);
}

const ANYONE = 0xffffffff;
const ACL = acl([0x01, 6, ANYONE], [0x02, 7, 1000], [0x04, 4, ANYONE], [0x10, 7, ANYONE], [0x20, 4, ANYONE]);
const CAPABILITY = Uint8Array.from(Buffer.from('0100000200200000000000000000000000000000', 'hex'));

function withXattrs(xattrs: Readonly<Record<string, Uint8Array>>): Partial<Attributes> {
  return { mtime: MTIME, xattrs: new Map(Object.entries(xattrs)) };
}

/** A tree in which everything that the format treats in a way of its own is found at least once. */
export function sampleTree(): Directory {
  const file = makeFile('one inode, three names', { mtime: MTIME, mode: 0o4755 });
  const device: Inode = { ...makeFile(''), kind: 'character-device', major: 5, minor: 1, mode: 0o620 };
  return directory({
    sizes: directory(
      Object.fromEntries(
        [0, 1, 63, 4031, 4032, 4033, 4063, 4064, 4065, 4095, 4096, 4097, 8159, 8160, 8191, 8192, 70_001].map(
          (size) => [`file-of-${size}`, makeFile(bytes(size, size), { mtime: MTIME })],
        ),
      ),
    ),
    links: directory({ first: file, second: file, device, below: directory({ third: file, device }) }),
    kinds: directory({
      block: { ...makeFile(''), kind: 'block-device', major: 4095, minor: 1_048_575, mtime: MTIME },
      fifo: { ...makeFile(''), kind: 'fifo', mode: 0o600 },
      socket: { ...makeFile(''), kind: 'socket', mode: 0o777 },
      empty: directory({}),
      sticky: directory({}, { mode: 0o1777 }),
      setgid: directory({}, { mode: 0o2775 }),
    }),
    symlinks: directory(
      Object.fromEntries(
        [1, 59, 60, 4000, 4032, 4063, 4064, 4065, 4095].map((length) => [
          `to-${length}`,
          makeSymlink('x'.repeat(length), { mtime: MTIME }),
        ]),
      ),
    ),
    owners: directory({
      small: makeFile('a', { mtime: MTIME, uid: 65_535, gid: 65_535 }),
      largeUser: makeFile('b', { mtime: MTIME, uid: 65_536 }),
      largeGroup: makeFile('c', { mtime: MTIME, gid: 4_294_967_294 }),
    }),
    times: directory({
      before1970: makeFile('d', { mtime: { seconds: -1, nanoseconds: 999_999_999 } }),
      nanoseconds: makeFile('e', { mtime: { seconds: MTIME.seconds, nanoseconds: 1 } }),
      after2106: makeFile('f', { mtime: { seconds: 5_000_000_000, nanoseconds: 123_456_789 } }),
    }),
    names: directory({
      ['n'.repeat(255)]: makeFile('long'),
      [fromText('größe-日本')]: makeFile('UTF-8'),
      'not-utf8-\xff\xfe': makeFile('bytes'),
      '!': makeFile('before the dot'),
      '-': makeFile('also'),
      '.a': makeFile('between'),
      '..b': makeFile('after both'),
      ' leading space\nand newline\\and=more': makeFile('odd'),
    }),
    xattrs: directory(
      {
        capability: makeFile('x', withXattrs({ 'security.capability': CAPABILITY })),
        acl: makeFile('x', { ...withXattrs({ 'system.posix_acl_access': ACL }), mode: 0o674 }),
        empty: makeFile('x', withXattrs({ 'user.empty': new Uint8Array() })),
        odd: makeFile(
          'x',
          withXattrs({
            'user.a': bytes(1, 1),
            'user.bc': bytes(2, 1),
            'trusted.overlay.opaque': bytes(3, 3),
          }),
        ),
        large: makeFile(
          bytes(5000, 9),
          withXattrs({ 'user.large': bytes(60_000, 5), 'user.z': bytes(7, 7) }),
        ),
        many: makeFile(
          bytes(5, 5),
          withXattrs(
            Object.fromEntries(
              Array.from({ length: 200 }, (_, i) => [`user.number-${i}`, bytes(20 + (i % 7), i)]),
            ),
          ),
        ),
        longName: makeFile('x', withXattrs({ [`user.${'y'.repeat(250)}`]: bytes(10, 1) })),
        link: makeSymlink('target', withXattrs({ 'security.selinux': bytes(30, 1) })),
        nearFull: makeFile(bytes(4000, 1), withXattrs({ 'user.fill': bytes(60, 1) })),
      },
      withXattrs({ 'system.posix_acl_default': ACL, 'user.directory': bytes(9, 2) }),
    ),
    shared: directory(
      Object.fromEntries(
        Array.from({ length: 10 }, (_, i) => [
          `file-${i}`,
          makeFile('x', withXattrs({ 'security.selinux': bytes(40, 7), 'user.same': bytes(3, 1) })),
        ]),
      ),
    ),
    sparse: directory({
      hole: makeFile(sparseContent(1 << 20, []), { mtime: MTIME }),
      middle: makeFile(sparseContent(5_000_001, [{ start: 2_000_000, end: 2_010_000 }]), { mtime: MTIME }),
      ends: makeFile(
        sparseContent(3_000_000, [
          { start: 0, end: 1 },
          { start: 2_999_999, end: 3_000_000 },
        ]),
        { mtime: MTIME },
      ),
      scattered: makeFile(
        sparseContent(
          9_000_000,
          Array.from({ length: 20 }, (_, i) => ({ start: i * 450_000, end: i * 450_000 + 5000 })),
        ),
        { ...withXattrs({ 'user.sparse': bytes(3, 3) }), mode: 0o600 },
      ),
    }),
    many: directory(
      Object.fromEntries(
        Array.from({ length: 1500 }, (_, i) => [`entry-${i}`, makeFile('', { mtime: MTIME })]),
      ),
    ),
    deep: Array.from({ length: 60 }).reduce<Directory>(
      (inner) => directory({ deeper: inner }),
      directory({}),
    ),
  });
}
