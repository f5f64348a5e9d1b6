import assert from 'node:assert/strict';
import { test } from 'node:test';
import { bless, settle } from '../src/bless/bless.ts';
import { rollback } from '../src/rollback/rollback.ts';
import { folderSource, upgrade } from '../src/upgrade/upgrade.ts';
import { Faults, faultyHost } from './faulty-host.ts';
import {
  boot,
  endProcess,
  hostOf,
  makeNode,
  makeRelease,
  removeNodes,
  sourceIn,
  whatBoots,
} from './upgrade-node.ts';

/** Each action, with a fault or a cut of power at each call of the host's door that it makes. */

const [OLD, NEW, NEXT] = await Promise.all(['1.0', '2.0', '3.0'].map(makeRelease));
if (OLD === undefined || NEW === undefined || NEXT === undefined) throw new TypeError('three releases');
const ALL = [OLD, NEW, NEXT];

interface Sweep {
  readonly name: string;
  readonly node: () => string;
  readonly act: (host: ReturnType<typeof hostOf>, root: string) => Promise<unknown>;
  readonly allowed: readonly string[];
  readonly after: string;
}

const SWEEPS: readonly Sweep[] = [
  {
    name: 'upgrade',
    // The idle slot has a good release, which goes first.
    node: () => makeNode({ a: { ...NEW, entry: 'cairn-2.conf' }, b: { ...OLD, entry: 'cairn-1.conf' } }),
    act: (host, root) => upgrade(host, async () => folderSource(sourceIn(root, NEXT)), {}),
    allowed: ['2.0', '3.0'],
    after: '3.0',
  },
  {
    name: 'rollback',
    node: () => makeNode({ a: { ...NEW, entry: 'cairn-2.conf' }, b: { ...OLD, entry: 'cairn-1.conf' } }),
    act: async (host) => rollback(host, {}),
    allowed: ['2.0', '1.0'],
    after: '1.0',
  },
  {
    name: 'bless',
    node: () => makeNode({ a: { ...NEW, entry: 'cairn-2+2-1.conf' }, b: { ...OLD, entry: 'cairn-1.conf' } }),
    act: async (host) => bless(host),
    allowed: ['2.0'],
    after: '2.0',
  },
  {
    name: 'deny',
    node: () => makeNode({ a: { ...OLD, entry: 'cairn-1.conf' }, b: { ...NEW, entry: 'cairn-2+0-3.conf' } }),
    act: async (host) => settle(host),
    allowed: ['1.0'],
    after: '1.0',
  },
];

for (const { name, node, act, allowed, after } of SWEEPS) {
  for (const kind of ['fail', 'cut', 'tear'] as const) {
    test(`${name}: wherever the door ${kind}s, the next boot is the old release or the new one, and the next run completes`, async (context) => {
      const whole = new Faults({ kind, at: Number.POSITIVE_INFINITY });
      const first = node();
      await act({ ...hostOf(first), ...faultyHost(hostOf(first), whole), runs: [] }, first);
      // What is no write cannot be torn.
      const places = whole.log.keys().filter((at) => kind !== 'tear' || whole.log[at]?.startsWith('write'));
      for (const at of places) {
        removeNodes();
        const root = node();
        const faults = new Faults({ kind, at });
        const host = { ...hostOf(root), ...faultyHost(hostOf(root), faults), runs: [] };
        try {
          await act(host, root);
        } catch (error) {
          assert.ok(error instanceof Error);
        }
        const booted = await whatBoots(root, ALL);
        assert.ok(
          booted !== undefined && allowed.includes(booted),
          `${booted} after ${faults.log
            .slice(0, at + 1)
            .slice(-3)
            .join(', ')}`,
        );
        const running = ALL.find(({ release }) => release.version === (name === 'deny' ? '1.0' : '2.0'));
        // A fault leaves the machine running, a cut boots it anew: into what ran before, if it has not come to the commit.
        if (kind === 'fail') endProcess(root);
        else boot(root, 'cairn-a', running?.release);
        try {
          await act(hostOf(root), root);
        } catch (error) {
          assert.fail(`after call ${at} (${faults.log[at]}): ${String(error)}`);
        }
        const then = await whatBoots(root, ALL);
        if (name !== 'rollback') assert.equal(then, after, `after ${faults.log[at]}`);
        else assert.ok(then !== undefined && allowed.includes(then));
      }
      context.diagnostic(`${whole.calls} calls`);
    });
  }
}
