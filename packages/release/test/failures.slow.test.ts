import assert from 'node:assert/strict';
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, readdirSync, readFileSync, renameSync, truncateSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, type TestContext, test } from 'node:test';
import { type Files, HostError, realFiles } from '@cairn/host';
import { type Directory, makeDirectory, makeFile, place } from '@cairn/tree';
import {
  loadRelease,
  type Phase,
  ReleaseError,
  type ReleaseErrorCode,
  type RenderOptions,
  renderRelease,
  writeDisk,
} from '../src/index.ts';
import { convertedTree, FRAMEWORK, sampleInput, sampleTree, scratchFolder } from './sample.ts';

const MIB = 2 ** 20;
const files = realFiles();

function render(out: string, options: Partial<RenderOptions> = {}, doors: { files: Files } = { files }) {
  return renderRelease(sampleInput(), doors, {
    out,
    architecture: 'amd64',
    slotSize: 64 * MIB,
    ...options,
  });
}

function isError(code: ReleaseErrorCode, message: RegExp): (error: unknown) => boolean {
  return (error) => {
    assert.ok(error instanceof ReleaseError);
    assert.equal(error.code, code);
    assert.match(error.message, message);
    return true;
  };
}

/** The machine's files, but one of them cannot be written to any more after `limit` bytes. */
function fullDisk(name: string, limit: number): Files {
  return {
    ...files,
    async open(path, mode) {
      const file = await files.open(path, mode);
      if (!path.endsWith(`/${name}`)) return file;
      return {
        get size() {
          return file.size;
        },
        read: (...given) => file.read(...given),
        sync: () => file.sync(),
        truncate: (size) => file.truncate(size),
        close: () => file.close(),
        [Symbol.asyncDispose]: () => file[Symbol.asyncDispose](),
        write(position, chunk) {
          if (position + chunk.length > limit) {
            throw new HostError('no-space', `cannot write to ${path}: no space is left on the disk`);
          }
          return file.write(position, chunk);
        },
      };
    },
  };
}

describe('nothing is left', () => {
  for (const phase of ['inspect', 'root', 'uki', 'sbom', 'disk', 'finish'] satisfies Phase[]) {
    test(`after an abort in the phase "${phase}"`, async (t) => {
      const folder = scratchFolder(t);
      const controller = new AbortController();
      await assert.rejects(
        render(join(folder, 'out'), {
          signal: controller.signal,
          disk: { format: 'raw' },
          onProgress: (event) => event.phase === phase && controller.abort(),
        }),
        { name: 'AbortError' },
      );
      assert.deepEqual(readdirSync(folder), []);
    });
  }

  const FULL = [
    ['root.erofs', 0],
    ['root.erofs', 100_000],
    ['uki.efi', 50_000],
    ['sbom.spdx.json', 10],
    ['release.json', 10],
    ['disk.raw', 10],
    ['disk.raw', 1026 * MIB],
    ['disk.qcow2', 200_000],
  ] as const;
  for (const [name, limit] of FULL) {
    test(`after the disk was full at byte ${limit} of ${name}`, async (t) => {
      const folder = scratchFolder(t);
      const disk = { format: name === 'disk.qcow2' ? 'qcow2' : 'raw' } as const;
      await assert.rejects(
        render(join(folder, 'out'), { disk }, { files: fullDisk(name, limit) }),
        (error) => error instanceof HostError && error.code === 'no-space',
      );
      assert.deepEqual(readdirSync(folder), []);
    });
  }

  test('and a release that was there stays', async (t) => {
    const folder = scratchFolder(t);
    const out = join(folder, 'out');
    await render(out, { version: '1' });
    await assert.rejects(render(out, { version: '2' }, { files: fullDisk('uki.efi', 10) }));
    assert.deepEqual(readdirSync(folder), ['out']);
    assert.equal((await loadRelease(files, out)).version, '1');
  });

  test('even if the last step fails', async (t) => {
    const folder = scratchFolder(t);
    const out = join(folder, 'out');
    await render(out, { version: '1' });
    const failing: Files = {
      ...files,
      async rename(from, to) {
        if (from.includes('.partial-')) throw new HostError('denied', `cannot rename ${from}`);
        await files.rename(from, to);
      },
    };
    await assert.rejects(render(out, { version: '2' }, { files: failing }), HostError);
    assert.deepEqual(readdirSync(folder), ['out']);
    assert.equal((await loadRelease(files, out)).version, '1');
  });
});

describe('runs that were killed', () => {
  /** A run that has begun to write and does not go on. */
  async function hangingRun(t: TestContext, out: string): Promise<ChildProcess> {
    const script = join(import.meta.dirname, 'render-sample.ts');
    const child = spawn(process.execPath, [script, out, 'raw', 'hang'], {
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    t.after(() => child.kill('SIGKILL'));
    if (child.stdout !== null) await once(child.stdout, 'data');
    return child;
  }

  test('are cleaned up after by the next run, those that still run are not', async (t) => {
    const folder = scratchFolder(t);
    const out = join(folder, 'out');
    const child = await hangingRun(t, out);
    const partial = () => readdirSync(folder).filter((name) => name.startsWith('out.partial-'));
    assert.equal(partial().length, 1);
    assert.ok(partial()[0]?.startsWith(`out.partial-${child.pid}-`));
    // Names that are like those of partial releases, and are none.
    const others = ['out.partial-1', 'out.partial-x', 'outer.partial-1-1-00000000', 'out.old'];
    for (const name of others) mkdirSync(join(folder, name));

    await render(out);
    assert.equal(partial().length, 3, 'the other run is at work still');
    child.kill('SIGKILL');
    await once(child, 'exit');
    assert.equal(partial().length, 3);
    await render(out);
    assert.deepEqual(readdirSync(folder).sort(), ['out', ...others].sort());
  });

  test('between the renames of a replacement: the old release is kept until there is a new one', async (t) => {
    const folder = scratchFolder(t);
    const out = join(folder, 'out');
    await render(out, { version: '1' });
    const replaced = `${out}.replaced-1-1-00000000`;
    renameSync(out, replaced);
    await assert.rejects(render(out, { version: '2' }, { files: fullDisk('uki.efi', 10) }));
    assert.equal((await loadRelease(files, replaced)).version, '1');
    await render(out, { version: '2' });
    await render(out, { version: '3' });
    assert.deepEqual(readdirSync(folder), ['out']);
  });
});

describe('the place of a release', () => {
  test('an empty folder is taken', async (t) => {
    const out = scratchFolder(t);
    await render(`${out}/`);
    assert.ok(readdirSync(out).includes('release.json'));
  });

  test('a release is replaced, with its disk image', async (t) => {
    const out = join(scratchFolder(t), 'out');
    await render(out, { version: '1', disk: { format: 'raw' } });
    await render(out, { version: '2' });
    assert.equal((await loadRelease(files, out)).version, '2');
    assert.ok(!readdirSync(out).includes('disk.raw'));
  });

  const REFUSED: readonly (readonly [name: string, make: (out: string) => void, message: RegExp])[] = [
    ['a file', (out) => writeFileSync(out, 'x'), /is not a folder/],
    [
      'a folder with something else',
      (out) => {
        mkdirSync(out);
        writeFileSync(join(out, 'thesis.tex'), 'x');
      },
      /has thesis\.tex in it/,
    ],
    [
      'a release with something else',
      (out) => {
        mkdirSync(out);
        for (const name of ['release.json', 'notes']) writeFileSync(join(out, name), '{}');
      },
      /has notes in it/,
    ],
    [
      'a folder with a part of a release',
      (out) => {
        mkdirSync(out);
        writeFileSync(join(out, 'root.erofs'), '');
      },
      /has no release\.json/,
    ],
    [
      "another program's release.json",
      (out) => {
        mkdirSync(out);
        writeFileSync(join(out, 'release.json'), '{}');
      },
      /is not understood/,
    ],
  ];
  for (const [name, make, message] of REFUSED) {
    test(`${name} is refused, and stays`, async (t) => {
      const folder = scratchFolder(t);
      const out = join(folder, 'out');
      make(out);
      await assert.rejects(render(out), isError('output-exists', message));
      assert.deepEqual(readdirSync(folder), ['out']);
    });
  }
});

describe('said before anything is written', () => {
  const CASES: readonly {
    readonly name: string;
    readonly root?: () => Directory;
    readonly options?: Partial<RenderOptions>;
    readonly code: ReleaseErrorCode;
    readonly message: RegExp;
  }[] = [
    { name: 'not converted', root: sampleTree, code: 'not-converted', message: /no framework layer/ },
    {
      name: 'a framework that is not whole',
      root() {
        const root = convertedTree();
        place(root, '/usr/lib/cairn/stub.efi', makeDirectory());
        return root;
      },
      code: 'not-converted',
      message: /no \/usr\/lib\/cairn\/stub\.efi/,
    },
    {
      name: 'a framework for another architecture',
      root() {
        const root = convertedTree();
        const text = JSON.stringify({ ...FRAMEWORK, architecture: 'arm64' });
        place(root, '/usr/lib/cairn/framework.json', makeFile(text));
        return root;
      },
      code: 'wrong-architecture',
      message: /framework layer is for arm64/,
    },
    {
      name: 'no release for this architecture',
      options: { architecture: 'riscv64' },
      code: 'wrong-architecture',
      message: /riscv64, only for amd64/,
    },
    {
      name: 'an image larger than its slot',
      options: { slotSize: MIB },
      code: 'too-large',
      message: /does not fit a slot of 1\.0 MiB/,
    },
    {
      name: 'a disk without room',
      options: { disk: { format: 'raw', size: 1024 * MIB } },
      code: 'too-large',
      message: /has no room/,
    },
    {
      name: 'a kernel argument that is ours',
      options: { commandLine: ['root=/dev/sda'] },
      code: 'bad-command-line',
      message: /not yours/,
    },
    { name: 'a bad version', options: { version: 'a/b' }, code: 'bad-option', message: /version/ },
    { name: 'a bad name', options: { name: '' }, code: 'bad-option', message: /named/ },
  ];
  for (const { name, root = convertedTree, options = {}, code, message } of CASES) {
    test(name, async (t) => {
      const folder = scratchFolder(t);
      const phases: string[] = [];
      await assert.rejects(
        renderRelease(
          sampleInput(root()),
          { files },
          {
            out: join(folder, 'out'),
            architecture: 'amd64',
            onProgress: ({ phase }) => phases.push(phase),
            ...options,
          },
        ),
        isError(code, message),
      );
      assert.deepEqual(phases, ['inspect']);
      assert.deepEqual(readdirSync(folder), []);
    });
  }
});

test('a UKI that three of do not fit the ESP', async (t) => {
  const folder = scratchFolder(t);
  const root = convertedTree();
  const size = 320 * MIB;
  const content = { size, data: [], read: (_: number, target: Uint8Array) => target.fill(0).length };
  place(root, '/usr/lib/cairn/initrd.zst', makeFile(content));
  await assert.rejects(
    renderRelease(sampleInput(root), { files }, { out: join(folder, 'out'), architecture: 'amd64' }),
    isError('too-large', /the UKI has 320 MiB/),
  );
  assert.deepEqual(readdirSync(folder), []);
});

describe('a disk of a release that is not whole', () => {
  const CASES: readonly (readonly [name: string, spoil: (out: string) => void, message: RegExp])[] = [
    ['no folder', () => {}, /is not a release: it has no release\.json/],
    [
      'a root that was cut off',
      (out) => truncateSync(join(out, 'root.erofs'), 4096),
      /has 4096 bytes instead/,
    ],
    ['a UKI that is missing', (out) => files.remove(join(out, 'uki.efi')), /uki\.efi is not there/],
    ['one byte of the root', (out) => changeByte(join(out, 'root.erofs'), 50_000), /has the root hash/],
    ['one byte of the UKI', (out) => changeByte(join(out, 'uki.efi'), 50_000), /uki\.efi has the SHA-256/],
  ];
  for (const [name, spoil, message] of CASES) {
    test(name, async (t) => {
      const folder = scratchFolder(t);
      const out = join(folder, 'out');
      if (name !== 'no folder') await render(out);
      spoil(out);
      const before = readdirSync(folder);
      await assert.rejects(
        writeDisk(out, { files }, { out: join(folder, 'disk'), format: 'raw' }),
        isError('bad-release', message),
      );
      assert.deepEqual(readdirSync(folder), before);
    });
  }

  test('is not put over a folder', async (t) => {
    const folder = scratchFolder(t);
    await render(join(folder, 'out'));
    await assert.rejects(
      writeDisk(join(folder, 'out'), { files }, { out: folder, format: 'raw' }),
      isError('output-exists', /is not a file/),
    );
  });
});

function changeByte(path: string, position: number): void {
  const bytes = readFileSync(path);
  bytes[position] = (bytes[position] ?? 0) ^ 1;
  writeFileSync(path, bytes);
}
