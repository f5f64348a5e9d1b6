import assert from 'node:assert/strict';
import { mkdirSync, readdirSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { suite, test } from 'node:test';
import { CairnError, sha256Hex } from '@cairn/bytes';
import { type Host, HostError, type RunOptions, type RunResult, realHost } from '@cairn/host';
import { openImage, openTree } from '@cairn/oci';
import { readFileIn, walk } from '@cairn/tree';
import { type KernelImageOptions, makeKernelImage } from '../src/kernel-image.ts';
import { scratch, tool } from './machine.ts';

const VERSION = '6.12.0-cloud-amd64';
const MODULES = `usr/lib/modules/${VERSION}`;

/** What mmdebstrap leaves: the kernel's package, what it depends on, and the index that the hook made. */
const PACKAGES: Readonly<Record<string, string>> = {
  [`boot/vmlinuz-${VERSION}`]: 'the kernel',
  [`boot/config-${VERSION}`]: 'CONFIG_X=y',
  [`boot/System.map-${VERSION}`]: 'map',
  [`${MODULES}/kernel/fs/erofs/erofs.ko.xz`]: 'a module',
  [`${MODULES}/modules.dep`]: 'kernel/fs/erofs/erofs.ko.xz:\n',
  [`${MODULES}/modules.dep.bin`]: 'binary',
  [`${MODULES}/modules.alias`]: '# Aliases\nalias fs-erofs erofs\n',
  'usr/sbin/depmod': 'a program',
  'usr/share/doc/linux/copyright': 'text',
};

function without(...paths: readonly string[]): Record<string, string> {
  return Object.fromEntries(Object.entries(PACKAGES).filter(([path]) => !paths.includes(path)));
}

interface FakeHost extends Host {
  readonly runs: readonly { readonly argv: readonly string[]; readonly options: RunOptions }[];
}

/** This machine with another mmdebstrap: it puts an archive of `contents` where it should, or does as it is told. */
function hostWith(
  contents: Readonly<Record<string, string>>,
  instead?: (options: RunOptions) => RunResult,
): FakeHost {
  const runs: { argv: readonly string[]; options: RunOptions }[] = [];
  const real = realHost();
  async function run(argv: readonly string[], options: RunOptions = {}): Promise<RunResult> {
    runs.push({ argv, options });
    if (instead !== undefined) return instead(options);
    using tree = scratch();
    for (const [path, content] of Object.entries(contents)) {
      mkdirSync(join(tree.path, dirname(path)), { recursive: true });
      writeFileSync(join(tree.path, path), content);
    }
    const form = [
      '--mtime=@1754697600',
      '--owner=0',
      '--group=0',
      '--numeric-owner',
      '--mode=u=rwX,go=rX',
      '--sort=name',
    ];
    tool(['tar', '--create', ...form, `--directory=${tree.path}`, `--file=${argv.at(-1)}`, '.']);
    return { exitCode: 0, stdout: '', stderr: '' };
  }
  return { ...real, runs, programs: { ...real.programs, run } };
}

async function pathsIn(folder: string, workFolder: string): Promise<string[]> {
  const { files, programs } = realHost();
  const platform = { os: 'linux', architecture: 'amd64' } as const;
  const reference = { kind: 'oci-layout', path: folder } as const;
  await using image = await openImage(reference, { files, programs, workFolder }, { platform, name: folder });
  await using tree = await openTree(image);
  assert.equal(
    Buffer.from((await readFileIn(tree.root, `/boot/vmlinuz-${VERSION}`)) ?? []).toString(),
    'the kernel',
  );
  return [...walk(tree.root)].map(({ path }) => path);
}

suite('a kernel image', () => {
  test('has the kernel and its modules, and nothing else', async () => {
    using folder = scratch();
    const output = join(folder.path, 'kernel');
    const steps: string[] = [];
    const image = await makeKernelImage(hostWith(PACKAGES), {
      folder: output,
      tag: '6.12',
      onStep: (step) => steps.push(step),
    });
    assert.deepEqual(image.versions, [VERSION]);
    assert.deepEqual(steps, ['unpacking packages', 'kernel and modules', 'compressing']);
    assert.deepEqual(await pathsIn(output, folder.path), [
      '/',
      '/boot',
      `/boot/vmlinuz-${VERSION}`,
      '/usr',
      '/usr/lib',
      '/usr/lib/modules',
      `/${MODULES}`,
      `/${MODULES}/kernel`,
      `/${MODULES}/kernel/fs`,
      `/${MODULES}/kernel/fs/erofs`,
      `/${MODULES}/kernel/fs/erofs/erofs.ko.xz`,
      `/${MODULES}/modules.alias`,
      `/${MODULES}/modules.dep`,
      `/${MODULES}/modules.dep.bin`,
    ]);
    assert.deepEqual(readdirSync(folder.path), ['kernel'], 'nothing is left beside it');
  });

  test('is for other tools an image like any other', async () => {
    using folder = scratch();
    const output = join(folder.path, 'kernel');
    const { digest, size } = await makeKernelImage(hostWith(PACKAGES), { folder: output, tag: 'latest' });
    const manifest = tool(['skopeo', 'inspect', '--raw', `oci:${output}:latest`]);
    assert.equal(`sha256:${sha256Hex(manifest)}`, digest);
    const { layers } = JSON.parse(manifest) as { layers: { size: number; mediaType: string }[] };
    assert.deepEqual(
      layers.map((layer) => [layer.size, layer.mediaType]),
      [[size, 'application/vnd.oci.image.layer.v1.tar+gzip']],
    );
    const archive = join(folder.path, 'copy.tar');
    tool(['skopeo', 'copy', '--quiet', `oci:${output}:latest`, `docker-archive:${archive}:kernel:latest`]);
    const config = JSON.parse(tool(['skopeo', 'inspect', '--config', `docker-archive:${archive}`])) as {
      os: string;
      architecture: string;
      history: { created_by: string }[];
    };
    assert.deepEqual([config.os, config.architecture], ['linux', 'amd64']);
    assert.match(config.history[0]?.created_by ?? '', /linux-image-cloud-amd64 of Debian trixie: 6\.12\.0/);
  });

  test('is the same each time', async () => {
    using folder = scratch();
    const digests: string[] = [];
    for (const name of ['one', 'two']) {
      digests.push((await makeKernelImage(hostWith(PACKAGES), { folder: join(folder.path, name) })).digest);
    }
    assert.equal(digests[0], digests[1]);
    tool(['diff', '--recursive', join(folder.path, 'one'), join(folder.path, 'two')]);
  });

  test('is made of the package and release asked for', async () => {
    using folder = scratch();
    const host = hostWith(PACKAGES);
    await makeKernelImage(host, {
      folder: join(folder.path, 'k'),
      package: 'linux-image-rt-amd64',
      suite: 'sid',
    });
    const [run] = host.runs;
    assert.equal(run?.argv[0], 'mmdebstrap');
    assert.equal(run.argv.at(-2), 'sid');
    assert.ok(run.argv.includes('--include=linux-image-rt-amd64,kmod,liblzma5,libzstd1'));
    assert.deepEqual(run.options.environment?.['TZ'], 'UTC');
  });

  test('may have several kernels', async () => {
    using folder = scratch();
    const second = '6.13.0-cloud-amd64';
    const both = Object.entries(PACKAGES).flatMap(([path, content]) => [
      [path, content],
      [path.replace(VERSION, second), content],
    ]);
    const image = await makeKernelImage(hostWith(Object.fromEntries(both)), {
      folder: join(folder.path, 'k'),
    });
    assert.deepEqual(image.versions, [VERSION, second]);
  });
});

suite('no kernel image is made, and nothing is left', () => {
  const unindexed = { ...PACKAGES, [`${MODULES}/modules.alias`]: '# Aliases\n' };
  const cases: readonly {
    readonly name: string;
    readonly host: () => Host;
    readonly code: string;
    readonly message: RegExp;
    readonly hint?: RegExp;
  }[] = [
    {
      name: 'of a package without a kernel',
      host: () => hostWith(without(`boot/vmlinuz-${VERSION}`)),
      code: 'no-kernel',
      message: /^linux-image-cloud-amd64 brings no kernel$/,
      hint: /linux-image-amd64/,
    },
    {
      name: 'without modules',
      host: () => hostWith({ [`boot/vmlinuz-${VERSION}`]: 'k' }),
      code: 'no-kernel',
      message: /brings the kernel 6\.12\.0-cloud-amd64, but no modules/,
    },
    {
      name: 'with modules that depmod did not see',
      host: () => hostWith(without(`${MODULES}/modules.dep.bin`)),
      code: 'no-kernel',
      message: /no modules of it that depmod could index/,
    },
    {
      name: 'with modules that depmod could not read',
      host: () => hostWith(unindexed),
      code: 'no-kernel',
      message: /no modules of it that depmod could index/,
    },
    {
      name: 'without mmdebstrap',
      host: () =>
        hostWith({}, () => {
          throw new HostError('not-found', 'the program mmdebstrap is not installed');
        }),
      code: 'missing-tool',
      message: /mmdebstrap, which unpacks packages, is not installed/,
      hint: /apt-get install mmdebstrap/,
    },
    {
      name: 'when mmdebstrap fails',
      host: () =>
        hostWith({}, () => ({
          exitCode: 25,
          stdout: '',
          stderr: 'E: Unable to locate package linux-image-x\nE: mmdebstrap failed to run\n',
        })),
      code: 'no-package',
      message:
        /^linux-image-cloud-amd64 of trixie could not be unpacked: E: Unable to locate package linux-image-x$/,
      hint: /whether trixie has such a package/,
    },
  ];
  for (const { name, host, code, message, hint } of cases) {
    test(name, async () => {
      using folder = scratch();
      await assert.rejects(makeKernelImage(host(), { folder: join(folder.path, 'kernel') }), (error) => {
        assert.ok(error instanceof CairnError);
        assert.equal(error.code, code);
        assert.match(error.message, message);
        if (hint !== undefined) assert.match(error.hint ?? '', hint);
        return true;
      });
      assert.deepEqual(readdirSync(folder.path), []);
    });
  }

  test('where there is something already: that is said before anything is fetched', async () => {
    using folder = scratch();
    writeFileSync(join(folder.path, 'mine'), '');
    const host = hostWith(PACKAGES);
    await assert.rejects(makeKernelImage(host, { folder: folder.path }), { code: 'exists' });
    assert.deepEqual([host.runs.length, readdirSync(folder.path)], [0, ['mine']]);
  });

  test('after an abort', async () => {
    using folder = scratch();
    const reason = new Error('enough');
    const controller = new AbortController();
    const options: KernelImageOptions = {
      folder: join(folder.path, 'kernel'),
      signal: controller.signal,
      onStep: (step) => {
        if (step === 'compressing') controller.abort(reason);
      },
    };
    await assert.rejects(makeKernelImage(hostWith(PACKAGES), options), reason);
    assert.deepEqual(readdirSync(folder.path), []);
  });
});
