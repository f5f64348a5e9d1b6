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
  service: '[Service]\nExecStart=/bin/true\n',
  target: '[Unit]\nDescription=a stand-in\n',
};

/** A root with the layer of the recipe, the programs that its units start, and stand-ins for the units they name. */
function rootFor(root: string): string[] {
  cpSync(join(RECIPE_FOLDER, 'layer'), root, { recursive: true, verbatimSymlinks: true });
  const own = readdirSync(join(root, UNITS)).filter((name) => name.endsWith('.service'));
  for (const name of own) {
    const text = readFileSync(join(root, UNITS, name), 'utf8');
    for (const [unit, type = ''] of text.matchAll(/\b[\w-]+\.(service|target)\b/g)) {
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
  const units = readdirSync(join(RECIPE_FOLDER, 'layer', UNITS)).filter((name) => name.endsWith('.service'));
  for (const unit of units) {
    test(unit, () => {
      using root = scratch();
      rootFor(root.path);
      assert.deepEqual(verify(root.path, unit), { exitCode: 0, stdout: '', stderr: '' });
    });
  }

  test('but says so where a key is in the wrong section', () => {
    using root = scratch();
    const [unit = ''] = rootFor(root.path);
    const path = join(root.path, UNITS, unit);
    writeFileSync(path, `${readFileSync(path, 'utf8')}\n[Service]\nSuccessAction=reboot\n`);
    assert.match(verify(root.path, unit).stderr, /Unknown key 'SuccessAction'/);
  });
});
