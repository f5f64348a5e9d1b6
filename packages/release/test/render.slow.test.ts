import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { mkdirSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { scratchFolder } from './sample.ts';

for (const format of ['qcow2', 'iso']) {
  test(`the same bytes from different folders, time zones, locales and umasks: ${format}`, (t) => {
    const script = join(import.meta.dirname, 'render-sample.ts');
    const machines = [
      { umask: '022', TZ: 'UTC', LC_ALL: 'C' },
      { umask: '077', TZ: 'Pacific/Kiritimati', LC_ALL: 'tr_TR.UTF-8' },
    ];
    const outs = machines.map(({ umask, ...environment }) => {
      const folder = join(scratchFolder(t), 'some where');
      mkdirSync(folder);
      execFileSync(
        'sh',
        ['-c', `umask ${umask} && exec "$0" "$@"`, process.execPath, script, './out', format],
        {
          cwd: folder,
          env: { ...process.env, ...environment },
        },
      );
      return join(folder, 'out');
    });
    const [first = '', second = ''] = outs;
    const names = readdirSync(first).sort();
    assert.deepEqual(names, [`disk.${format}`, 'release.json', 'root.erofs', 'sbom.spdx.json', 'uki.efi']);
    assert.deepEqual(readdirSync(second).sort(), names);
    for (const name of names) {
      assert.ok(readFileSync(join(first, name)).equals(readFileSync(join(second, name))), name);
    }
    assert.doesNotMatch(readFileSync(join(first, 'release.json'), 'utf8'), /home|tmp|some where/);
  });
}
