import { ReleaseError } from '../error.ts';

export interface CommandLineRequest {
  /** 64 hexadecimal digits. */
  readonly rootHash: string;
  /** Where the verity superblock is, in bytes from the start of the partition. */
  readonly hashOffset: number;
  /** The image's init. Named, since an image may have systemd's files without booting by them. */
  readonly init: string;
  /** Arguments of the user's, each text one or several. */
  readonly extra: readonly string[];
}

/** The kernel's COMMAND_LINE_SIZE on x86, less the NUL at its end. */
export const COMMAND_LINE_LIMIT = 2047;

/** Arguments that would lead away from the verified root. */
const RESERVED = [
  /^(?:rd\.)?systemd\.verity/,
  /^(?:rd\.)?systemd\.gpt_auto(?:=|$)/,
  /^cairn\.hash_offset(?:=|$)/,
  /^(?:root|roothash|usrhash|rootfstype|rootflags|rootdelay|rd\.root)(?:=|$)/,
  /^r[ow]$/,
];

const ARGUMENT = /(?:"[^"]*"|[^\s"])+/g;

/**
 * The kernel command line of a release: what finds and verifies the root, then the user's arguments. One line of
 * printable ASCII with single blanks between arguments; blanks within double quotes stay (The kernel's command-line parameters).
 *
 * @throws ReleaseError `bad-command-line`
 */
export function buildCommandLine(request: CommandLineRequest): string {
  const { rootHash, hashOffset, init, extra } = request;
  const line = [
    `roothash=${rootHash}`,
    `cairn.hash-offset=${hashOffset}`,
    'ro',
    `init=${init}`,
    // The image's systemd would look for a root of its own by these.
    'systemd.verity=no',
    'systemd.gpt_auto=no',
    'panic=10',
    // Else the kernel does not look at the table's backup, should a power cut have left the first one half-written.
    'gpt',
    ...extra.flatMap(splitArguments),
  ].join(' ');
  if (line.length > COMMAND_LINE_LIMIT) {
    throw new ReleaseError(
      'bad-command-line',
      `the kernel command line has ${line.length} characters, the kernel takes ${COMMAND_LINE_LIMIT}`,
      { hint: 'Give fewer or shorter arguments by --cmdline.' },
    );
  }
  return line;
}

/**
 * The single arguments of a text. Throws `bad-command-line` for what is no argument or not the user's to
 * give: to be called before the long work of a build too.
 */
export function splitArguments(text: string): string[] {
  const strange = /[^\x20-\x7e]/u.exec(text)?.[0];
  if (strange !== undefined) {
    throw new ReleaseError(
      'bad-command-line',
      `the kernel argument ${JSON.stringify(text)} has ${JSON.stringify(strange)} in it: only printable ASCII can be in a command line`,
    );
  }
  if (text.split('"').length % 2 === 0) {
    throw new ReleaseError('bad-command-line', `the kernel argument ${text} has a quote that does not end`);
  }
  const list = text.match(ARGUMENT) ?? [];
  for (const argument of list) {
    // A name may be quoted with its value, and `-` and `_` are the same to the kernel.
    const plain = argument.replaceAll('"', '').replaceAll('-', '_');
    if (RESERVED.some((pattern) => pattern.test(plain))) {
      throw new ReleaseError('bad-command-line', `the kernel argument ${argument} is not yours to set`, {
        hint: 'The root and how it is verified belong to the release; leave the argument out.',
      });
    }
  }
  return list;
}
