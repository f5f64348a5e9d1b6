import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { concatBytes, viewOf } from '@cairn/bytes';

/** A database that rpm made; see the README beside it. */
export function ndbFixture(): Uint8Array {
  return Uint8Array.from(readFileSync(join(import.meta.dirname, 'Packages.db')));
}

export const APK_FIXTURE = `C:Q1q7dUIEMw6pBPTVBhhHKCBg5KTbU=
P:busybox
V:1.37.0-r12
A:x86_64
S:509600
T:Size optimized toolbox of many common UNIX utilities
U:https://busybox.net/
L:GPL-2.0-only
o:busybox
m:Sören Tempel <soeren+alpine@soeren-tempel.net>
t:1731683072
D:so:libc.musl-x86_64.so.1
F:bin
R:busybox
a:0:0:755
Z:Q1wVQfUKcSvFGyM1kYxVGzMsLh9GQ=

P:ssl_client
V:1.37.0-r12
A:x86_64
L:GPL-2.0-only
o:busybox

P:local-tool
V:0
`;

export const DPKG_FIXTURE = `Package: libc6
Status: install ok installed
Priority: optional
Maintainer: GNU Libc Maintainers <debian-glibc@lists.debian.org>
Architecture: amd64
Source: glibc
Version: 2.41-12
Conffiles:
 /etc/ld.so.conf.d/x86_64-linux-gnu.conf d4e7a7b88a71b5ffd9e2644e71a0cfab
Description: GNU C Library
 Contains the standard libraries.
 .
 Package: not-a-field

Package: gone
Status: deinstall ok config-files
Version: 1
Architecture: amd64

Package: g++
Status: hold ok half-configured
Version: 4:14.2.0-1
Architecture: amd64
Source: gcc-defaults (1.220)
`;

export interface RpmTag {
  readonly tag: number;
  /** A string is of type STRING, a number of type INT32. */
  readonly value: string | number;
}

/** An rpm header as it lies in a database; `type` and `offset` of a tag can be falsified. */
export function rpmHeader(tags: readonly (RpmTag & { type?: number; offset?: number })[]): Uint8Array {
  const data: Uint8Array[] = [];
  let length = 0;
  const index = new Uint8Array(8 + tags.length * 16);
  const view = viewOf(index);
  for (const [position, { tag, value, type, offset }] of tags.entries()) {
    const text = typeof value === 'string';
    if (!text) {
      const padding = (4 - (length % 4)) % 4;
      data.push(new Uint8Array(padding));
      length += padding;
    }
    const bytes = text ? new TextEncoder().encode(`${value}\0`) : new Uint8Array(4);
    if (!text) viewOf(bytes).setUint32(0, value);
    view.setUint32(8 + position * 16, tag);
    view.setUint32(12 + position * 16, type ?? (text ? 6 : 4));
    view.setUint32(16 + position * 16, offset ?? length);
    view.setUint32(20 + position * 16, 1);
    data.push(bytes);
    length += bytes.length;
  }
  view.setUint32(0, tags.length);
  view.setUint32(4, length);
  return concatBytes([index, ...data]);
}

export const BASH_TAGS: readonly RpmTag[] = [
  { tag: 1000, value: 'bash' },
  { tag: 1001, value: '5.2.26' },
  { tag: 1002, value: '3.fc40' },
  { tag: 1003, value: 1 },
  { tag: 1011, value: 'Fedora Project' },
  { tag: 1014, value: 'GPL-3.0-or-later' },
  { tag: 1022, value: 'x86_64' },
  { tag: 1044, value: 'bash-5.2.26-3.fc40.src.rpm' },
];
