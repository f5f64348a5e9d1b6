import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { outcomeOf } from './machine.ts';

suite('npm run kernel-image', () => {
  const program = fileURLToPath(new URL('../src/kernel-image-main.ts', import.meta.url));
  const cases: readonly {
    readonly argv: readonly string[];
    readonly exitCode: number;
    readonly says: RegExp;
  }[] = [
    { argv: ['--help'], exitCode: 0, says: /--output oci:FOLDER/ },
    { argv: ['--outptu=x'], exitCode: 2, says: /Unknown option '--outptu'/ },
    { argv: ['--output', 'debian:13'], exitCode: 2, says: /is not an OCI image layout\n {2}hint: / },
    { argv: ['--output', 'oci:/proc'], exitCode: 1, says: /\/proc is there already\n {2}hint: / },
  ];
  for (const { argv, exitCode, says } of cases) {
    test(argv.join(' ') || 'without options', () => {
      const outcome = outcomeOf([process.execPath, program, ...argv]);
      assert.equal(outcome.exitCode, exitCode, outcome.stderr);
      assert.match(exitCode === 0 ? outcome.stdout : outcome.stderr, says);
      assert.doesNotMatch(outcome.stderr, /^\s+at /m, 'no stack is shown');
    });
  }
});
