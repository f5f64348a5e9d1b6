import { spawnSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import type { Case } from './combine.ts';

/** What Go says to one case. */
export interface Verdict {
  readonly output?: string;
  readonly error?: string;
  readonly stage?: 'parse' | 'execute';
}

const GOCODE = '/usr/share/gocode';

/** Whether Debian's golang-go and golang-github-masterminds-sprig-dev are there. */
export function hasGo(): boolean {
  return (
    existsSync(`${GOCODE}/src/github.com/Masterminds/sprig`) && spawnSync('go', ['version']).status === 0
  );
}

export function askGo(cases: readonly Case[]): Verdict[] {
  const run = spawnSync('go', ['run', fileURLToPath(new URL('main.go', import.meta.url))], {
    input: JSON.stringify(cases),
    encoding: 'utf8',
    maxBuffer: 1 << 28,
    env: { ...process.env, GO111MODULE: 'off', GOPATH: GOCODE, GOFLAGS: '', TZ: 'UTC' },
  });
  if (run.status !== 0) throw new Error(`the oracle failed: ${run.stderr}`);
  return JSON.parse(run.stdout);
}

/** What Go said when expected.jsonl was made, by case. */
export function recorded(): (readonly [template: string, verdict: Verdict])[] {
  const text = readFileSync(new URL('expected.jsonl', import.meta.url), 'utf8');
  return text
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line));
}
