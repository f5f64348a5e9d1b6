import { basename, dirname, posix } from 'node:path';
import { crc32, sha256Hex, toHex } from '@cairn/bytes';
import type { EarlyHost } from '@cairn/host';

/**
 * Does once all that a boot may ask of its host and of the engine, below an empty folder. Node and QuickJS have to
 * come to the same.
 */
export async function exercise(host: EarlyHost, folder: string): Promise<Record<string, unknown>> {
  const outcomes: Record<string, unknown> = {};
  for (const [name, step] of Object.entries({ ...files(host, folder), ...programs(host), ...engine() })) {
    try {
      outcomes[name] = (await step()) ?? 'nothing';
    } catch (error) {
      outcomes[name] = describe(error);
    }
  }
  return outcomes;
}

/** Sentences have the engine's own words. */
function describe(error: unknown): unknown {
  if (!(error instanceof Error)) return 'not an error';
  return { code: Reflect.get(error, 'code') ?? error.name };
}

type Steps = Readonly<Record<string, () => unknown>>;

function files({ files }: EarlyHost, folder: string): Steps {
  const at = (name: string) => `${folder}/${name}`;
  const modeOf = async (name: string) => (await files.lstat(at(name)))?.mode.toString(8);
  return {
    'a folder is made with its parents': async () => {
      await files.makeDirectory(at('a/b/c'), 0o750);
      await files.makeDirectory(at('a/b/c'), 0o700);
      return modeOf('a/b/c');
    },
    'a folder is not made where a file is': async () => {
      await files.write(at('file'), 'x');
      await files.makeDirectory(at('file'));
    },
    'a file is written': async () => {
      await files.write(at('text'), 'grün\n', 0o640);
      const status = await files.stat(at('text'));
      return [await files.readText(at('text')), status?.size, status?.mode, status?.kind, status?.uid];
    },
    'a file is replaced': async () => {
      await files.replace(at('text'), Uint8Array.of(0xff, 0x41, 0xe2, 0x82), 0o400);
      return [toHex((await files.read(at('text'))) ?? new Uint8Array()), await modeOf('text')];
    },
    'what is no UTF-8 is read as text': async () => (await files.readText(at('text')))?.includes('A'),
    'a file cannot be written where there is no folder': () => files.write(at('none/x'), 'x'),
    'nothing is read where nothing is': async () => [
      await files.read(at('none')),
      await files.readText(at('file/none')),
      await files.stat(at('none')),
      await files.lstat(at('file/none')),
      await files.list(at('none')),
    ],
    'a limit is kept': () => files.read(at('text'), 3),
    'a folder cannot be read': () => files.read(folder),
    'a file of /proc is read': async () => (await files.readText('/proc/self/mountinfo'))?.includes(' / '),
    'a large file is read': async () => {
      await files.write(at('large'), new Uint8Array(300_001).fill(7));
      return (await files.read(at('large')))?.length;
    },
    'a file is read at any place': async () => {
      await using file = await files.open(at('large'), 'read');
      const [inside, end, beyond] = [new Uint8Array(3), new Uint8Array(3), new Uint8Array(3)];
      const counts = [
        await file.read(100_000, inside),
        await file.read(300_000, end),
        await file.read(400_000, beyond),
      ];
      return [file.size, counts, toHex(inside), toHex(end)];
    },
    'links are read': async () => [
      await files.readLink('/proc/self/cwd').then((target) => target !== undefined),
      await files.readLink(at('none')),
    ],
    'what is no link cannot be read as one': () => files.readLink(at('text')).catch(() => 'an error'),
    'a list is in the order of bytes': async () => {
      for (const name of ['b', 'a', 'é', '𝒳', '�', 'Z']) await files.write(at(`a/b/c/${name}`), '');
      return files.list(at('a/b/c'));
    },
    'owner and mode are changed': async () => {
      await files.setOwner(at('a/b'), 12, 34);
      await files.setMode(at('a/b'), 0o3775);
      const status = await files.stat(at('a/b'));
      return [status?.uid, status?.gid, status?.mode];
    },
    'the owner of nothing is not changed': () => files.setOwner(at('none'), 1, 1).catch(() => 'an error'),
    'a name is changed': async () => {
      await files.rename(at('a'), at('moved'));
      await files.sync(folder);
      return [await files.list(folder), await files.list(at('moved/b/c'))];
    },
    'a name of nothing is not changed': () => files.rename(at('none'), at('other')),
    'a folder is removed with what is in it': async () => {
      await files.remove(at('moved'));
      await files.remove(at('moved'));
      return files.list(folder);
    },
  };
}

function programs({ programs, clock }: EarlyHost): Steps {
  const sh = (script: string) => programs.run(['sh', '-c', script]);
  return {
    'a program says what it has to say': () => sh('echo out; echo err >&2; exit 3'),
    'a program that says much': async () => {
      const { stdout, stderr } = await sh(
        'i=0; while [ $i -lt 9000 ]; do echo 123456789; echo 1234 >&2; i=$((i+1)); done',
      );
      return [stdout.length, stderr.length];
    },
    'a program has nothing to read': () => sh('cat | sha256sum'),
    'a program has a clean environment': () => sh('echo $LC_ALL $HOME'),
    'an argument is one, whatever is in it': () =>
      programs.run(['sh', '-c', 'echo "$1"', 'sh', '$(a) "b" *']),
    'a program that is not there': () => programs.run(['no-such-program']),
    'a program that is killed': async () => {
      const error: unknown = await sh('kill -9 $$').catch((error: unknown) => error);
      return error instanceof Error && Reflect.get(error, 'code');
    },
    'the clock goes forward': () => clock.monotonic() <= clock.monotonic() && clock.now() > 1.7e12,
  };
}

function engine(): Steps {
  const encode = (text: string) => toHex(new TextEncoder().encode(text));
  const decode = (bytes: readonly number[], fatal = false) =>
    new TextDecoder('utf-8', { fatal }).decode(Uint8Array.from(bytes));
  return {
    'text is encoded': () => ['', 'a%41', 'grün', '𝒳', 'a\ud800b'].map(encode),
    'text is decoded': () => [
      decode([]),
      decode([0x61, 0xc3, 0xbc, 0xf0, 0x9d, 0x92, 0xb3]),
      decode([0xef, 0xbb, 0xbf, 0x61]),
    ],
    'what is no UTF-8 is refused': () => {
      try {
        return decode([0xc3], true);
      } catch (error) {
        return error instanceof TypeError;
      }
    },
    'UTF-16 is decoded': () =>
      new TextDecoder('utf-16le', { ignoreBOM: true }).decode(Uint8Array.of(0xff, 0xfe, 0x41, 0, 0x00, 0xd8)),
    checksums: () => {
      const bytes = Uint8Array.from({ length: 70_000 }, (_, index) => index % 251);
      return [crc32(bytes), crc32(new Uint8Array()), sha256Hex(bytes), sha256Hex('text'), sha256Hex('')];
    },
    paths: () => [
      ['/a/b', '/a', '/'].map((path) => dirname(path)),
      ['/a/b', '/a'].map((path) => basename(path)),
      posix.join('/', 'a'),
      posix.join('/a/b', '..', './c//d'),
      posix.join('/a', '../../..'),
    ],
  };
}
