import { CairnError } from '@cairn/bytes';
import { parseReference, type Reference, type TargetPlatform } from '@cairn/oci';
import { type Command, Option } from 'commander';
import { CliError } from '../errors/error.ts';

export interface Mirror {
  readonly registry: string;
  /** `HOST[:PORT][/FOLDER]` */
  readonly address: string;
  /** It was written with `http://`. */
  readonly plainHttp: boolean;
}

/** The options of all commands that read images, as they were given. */
export interface ImageOptions {
  readonly platform: TargetPlatform;
  readonly plainHttp?: readonly string[];
  readonly mirror?: readonly Mirror[];
  readonly cache: boolean;
}

const PLATFORM = 'linux/amd64';

export function withImageOptions(command: Command): Command {
  return command
    .addOption(
      new Option('--platform <platform>', 'which one of an image for several')
        .argParser(parsePlatform)
        .default(parsePlatform(PLATFORM), PLATFORM),
    )
    .option('--plain-http <host>', 'speak plain http to this registry (repeatable)', collect)
    .option('--mirror <registry=url>', 'pull from here before the registry itself (repeatable)', addMirror)
    .option('--no-cache', 'keep nothing of what is pulled');
}

/** For options that can be given several times. */
export function collect(text: string, before: readonly string[] = []): readonly string[] {
  return [...before, text];
}

/** @throws CliError `usage` */
export function parsePlatform(text: string): TargetPlatform {
  const [os, architecture, variant, ...more] = text.split('/');
  if (os === 'linux' && more.length === 0 && variant !== '') {
    if (architecture === 'amd64' || architecture === 'arm64') {
      return { os, architecture, ...(variant === undefined ? {} : { variant }) };
    }
  }
  throw new CliError('usage', `"${text}" is not a platform that Cairn knows`, {
    hint: 'Write linux/amd64 or linux/arm64.',
  });
}

function addMirror(text: string, before: readonly Mirror[] = []): readonly Mirror[] {
  const [, registry, scheme, address] = /^([^=]+)=(https?:\/\/)?([^=]+?)\/?$/.exec(text) ?? [];
  if (registry === undefined || address === undefined) {
    throw new CliError('usage', `"${text}" does not name a mirror`, {
      hint: 'Write REGISTRY=MIRROR, as in docker.io=mirror.example:5000.',
    });
  }
  return [...before, { registry, address, plainHttp: scheme === 'http://' }];
}

/** An image as the user names it. Throws CliError `usage`. */
export function parseImage(text: string): Reference {
  try {
    return parseReference(text);
  } catch (cause) {
    if (!(cause instanceof CairnError)) throw cause;
    throw new CliError('usage', cause.message, {
      hint: cause.hint ?? 'Name an image like debian:13, or say where it is: oci:DIR, dir:ROOTFS, tar:FILE.',
      cause,
    });
  }
}
