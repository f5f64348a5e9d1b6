import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { test } from 'node:test';
import { setTimeout as wait } from 'node:timers/promises';
import { mulberry32 } from '../../disk/test/mutate.ts';
import { folderSource, upgrade } from '../src/upgrade/upgrade.ts';
import {
  endProcess,
  hostOf,
  makeNode,
  makeRelease,
  removeNodes,
  sourceIn,
  whatBoots,
} from './upgrade-node.ts';

const KILLS = 50;
const SEED = Number(process.env['CAIRN_SEED'] ?? 20_264);
const CHILD = join(import.meta.dirname, 'kill-child.ts');

const [OLD, NEW, NEXT] = await Promise.all(['1.0', '2.0', '3.0'].map(makeRelease));
if (OLD === undefined || NEW === undefined || NEXT === undefined) throw new TypeError('three releases');
const ALL = [OLD, NEW, NEXT];

/** @returns how long it took from its beginning, or undefined where it was killed before its end */
async function upgradeProcess(root: string, source: string, killAfter?: number): Promise<number | undefined> {
  const child = spawn(process.execPath, [CHILD, root, source], { stdio: ['ignore', 'pipe', 'inherit'] });
  let started: number | undefined;
  let took: number | undefined;
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    if (text.includes('begin')) {
      started = performance.now();
      if (killAfter !== undefined) void wait(killAfter).then(() => child.kill('SIGKILL'));
    }
    if (text.includes('end') && started !== undefined) took = performance.now() - started;
  });
  await once(child, 'close');
  return took;
}

test(`killed at ${KILLS} moments and run again, an upgrade completes, and what boots is whole all the time (seed ${SEED})`, async (context) => {
  const random = mulberry32(SEED);
  const node = () => makeNode({ a: { ...NEW, entry: 'cairn-2.conf' }, b: { ...OLD, entry: 'cairn-1.conf' } });
  const first = node();
  const whole = (await upgradeProcess(first, sourceIn(first, NEXT))) ?? 100;
  let killed = 0;
  for (let kill = 0; kill < KILLS; kill++) {
    removeNodes();
    const root = node();
    const source = sourceIn(root, NEXT);
    const moment = (random() / 2 ** 32) * whole;
    const took = await upgradeProcess(root, source, moment);
    if (took === undefined) killed++;
    const booted = await whatBoots(root, ALL);
    assert.ok(booted === '2.0' || booted === '3.0', `${booted} after a kill at ${moment.toFixed(1)} ms`);
    endProcess(root);
    await upgrade(hostOf(root), async () => folderSource(source), {});
    assert.equal(await whatBoots(root, ALL), '3.0');
  }
  context.diagnostic(
    `${killed} of ${KILLS} were killed before their end; a whole upgrade takes ${whole.toFixed(0)} ms`,
  );
  assert.ok(killed > KILLS / 2);
});
