import assert from 'node:assert/strict';
import { chmodSync, cpSync, existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { suite, test } from 'node:test';
import { RECIPE_FOLDER } from '../src/recipe.ts';
import { outcomeOf, scratch } from './machine.ts';

const UNITS = 'usr/lib/systemd/system';
const NO_SYSTEMD = existsSync('/usr/bin/systemd-analyze') ? false : 'systemd is not installed here';

/** What other units need to be, so that a unit which names them can be looked at alone. */
const STANDINS: Readonly<Record<string, string>> = {
  mount: '[Mount]\nWhat=/dev/null\nWhere=/sysroot\n',
  service: '[Service]\nExecStart=/bin/true\n',
  target: '[Unit]\nDescription=a stand-in\n',
};

/** A root with a part of the recipe, the programs that its units start, and stand-ins for the units they name. */
function rootFor(part: string, root: string): string[] {
  cpSync(join(RECIPE_FOLDER, part), root, { recursive: true, verbatimSymlinks: true });
  const own = readdirSync(join(root, UNITS)).filter((name) => name.endsWith('.service'));
  for (const name of own) {
    const text = readFileSync(join(root, UNITS, name), 'utf8');
    for (const [unit, type = ''] of text.matchAll(/\b[\w-]+\.(mount|service|target)\b/g)) {
      const path = join(root, UNITS, unit);
      if (!existsSync(path)) writeFileSync(path, STANDINS[type] ?? '');
    }
    for (const [, program = ''] of text.matchAll(/^ExecStart=(\S+)/gm)) {
      const path = join(root, program.startsWith('/') ? program : `/usr/bin/${program}`);
      mkdirSync(dirname(path), { recursive: true });
      if (!existsSync(path)) writeFileSync(path, '#!/bin/sh\n');
      chmodSync(path, 0o755);
    }
  }
  // What every unit depends on unless it says otherwise.
  for (const target of ['basic.target', 'shutdown.target', 'sysinit.target']) {
    writeFileSync(join(root, UNITS, target), STANDINS['target'] ?? '');
  }
  mkdirSync(join(root, 'bin'), { recursive: true });
  writeFileSync(join(root, 'bin/true'), '#!/bin/sh\n', { mode: 0o755 });
  return own;
}

function verify(root: string, unit: string) {
  return outcomeOf(['systemd-analyze', 'verify', '--man=no', `--root=${root}`, unit]);
}

suite('systemd finds nothing wrong with', { skip: NO_SYSTEMD }, () => {
  for (const part of ['initrd', 'layer']) {
    for (const unit of readdirSync(join(RECIPE_FOLDER, part, UNITS)).filter((name) =>
      name.endsWith('.service'),
    )) {
      test(`${part}: ${unit}`, () => {
        using root = scratch();
        rootFor(part, root.path);
        assert.deepEqual(verify(root.path, unit), { exitCode: 0, stdout: '', stderr: '' });
      });
    }
  }

  test('but says so where a key is in the wrong section', () => {
    using root = scratch();
    const [unit = ''] = rootFor('initrd', root.path);
    const path = join(root.path, UNITS, unit);
    writeFileSync(path, `${readFileSync(path, 'utf8')}\n[Service]\nSuccessAction=reboot\n`);
    assert.match(verify(root.path, unit).stderr, /Unknown key 'SuccessAction'/);
  });
});
