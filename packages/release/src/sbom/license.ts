import { sha256Hex } from '@cairn/bytes';

/** What an SPDX document says of a package's license: an expression, and the text behind a reference in it. */
export interface DeclaredLicense {
  readonly expression: string;
  /** Set where the expression is a reference of this document's own. */
  readonly extracted?: { readonly licenseId: string; readonly name: string; readonly extractedText: string };
}

/**
 * The identifiers of the SPDX License List that distributions use most. The list has many hundreds and grows;
 * one that is missing here is written as a reference with the database's own words, which is valid as well.
 */
const KNOWN_LICENSES: ReadonlySet<string> = new Set(
  `0BSD AFL-2.0 AFL-2.1 AGPL-3.0-only AGPL-3.0-or-later Apache-1.0 Apache-1.1 Apache-2.0 Artistic-1.0 Artistic-1.0-Perl
  Artistic-2.0 BSD-1-Clause BSD-2-Clause BSD-2-Clause-Patent BSD-3-Clause BSD-4-Clause BSD-4-Clause-UC BSD-Source-Code
  BSL-1.0 bzip2-1.0.6 CC-BY-3.0 CC-BY-4.0 CC-BY-SA-3.0 CC-BY-SA-4.0 CC0-1.0 CDDL-1.0 curl EPL-1.0 EPL-2.0 EUPL-1.2 FSFAP
  FSFUL FSFULLR FTL GFDL-1.1-or-later GFDL-1.2-only GFDL-1.2-or-later GFDL-1.3-only GFDL-1.3-or-later GPL-1.0-only
  GPL-1.0-or-later GPL-2.0-only GPL-2.0-or-later GPL-3.0-only GPL-3.0-or-later HPND HPND-sell-variant ICU IJG ISC
  LGPL-2.0-only LGPL-2.0-or-later LGPL-2.1-only LGPL-2.1-or-later LGPL-3.0-only LGPL-3.0-or-later libpng-2.0 libtiff Libpng
  MirOS MIT MIT-0 MIT-CMU MIT-Modern-Variant MPL-1.1 MPL-2.0 NAIST-2003 NCSA NTP OFL-1.1 OLDAP-2.8 OpenSSL OpenSSL-standalone
  PSF-2.0 PostgreSQL Python-2.0 Ruby SMLNJ SSH-OpenSSH Sleepycat SSLeay-standalone TCL TCP-wrappers TGPPL-1.0 Unicode-3.0
  Unicode-DFS-2016 Unlicense UPL-1.0 Vim W3C WTFPL X11 Zlib blessing zlib-acknowledgement ZPL-2.1`.split(
    /\s+/,
  ),
);

const KNOWN_EXCEPTIONS: ReadonlySet<string> = new Set(
  `Autoconf-exception-2.0 Autoconf-exception-3.0 Bison-exception-2.2 Classpath-exception-2.0 Font-exception-2.0
  GCC-exception-2.0 GCC-exception-3.1 GPL-3.0-linking-exception Libtool-exception Linux-syscall-note LLVM-exception
  OpenJDK-assembly-exception-1.0 openvpn-openssl-exception u-boot-exception-2.0`.split(/\s+/),
);

/** What is between the parentheses of an expression, and they themselves. */
const TOKENS = /[()]|[^\s()]+/g;

/** A license as a package database has it, for an SPDX document (SPDX 2.3, clause 10 and annex D). */
export function declaredLicense(text: string): DeclaredLicense {
  if (isExpression(text)) return { expression: text };
  const licenseId = `LicenseRef-${sha256Hex(text).slice(0, 16)}`;
  return { expression: licenseId, extracted: { licenseId, name: text, extractedText: text } };
}

/** Reads from left to right, and knows at each token whether an operand or an operator must come. */
function isExpression(text: string): boolean {
  let depth = 0;
  let expected: 'operand' | 'operator' | 'exception' = 'operand';
  for (const [token] of text.matchAll(TOKENS)) {
    if (expected === 'exception') {
      if (!KNOWN_EXCEPTIONS.has(token)) return false;
      expected = 'operator';
    } else if (expected === 'operand') {
      if (token === '(') {
        depth++;
        continue;
      }
      if (!KNOWN_LICENSES.has(token)) return false;
      expected = 'operator';
    } else if (token === ')') {
      if (--depth < 0) return false;
    } else if (token === 'AND' || token === 'OR') {
      expected = 'operand';
    } else if (token === 'WITH') {
      expected = 'exception';
    } else {
      return false;
    }
  }
  return depth === 0 && expected === 'operator';
}
