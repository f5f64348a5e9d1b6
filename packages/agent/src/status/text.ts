import type { ActionRecord, Denied } from '../state/types.ts';
import type { NextBoot, NodeLife, SlotStatus } from './life.ts';
import type { NodeStatus } from './status.ts';

/** What `cairn status` prints. */
export function statusText(status: NodeStatus, life: NodeLife): string {
  const lines = [
    ['system', status.system],
    ['kernel', status.kernel],
    ['slot', status.live ? 'none: a live system, which `cairn install` puts on a disk' : status.slot],
    ['root hash', status.rootHash],
    ['root', status.verified ? 'read-only, every block verified when read' : 'NOT VERIFIED'],
    ['persistent', persistentText(status)],
    ['boot', status.upAfter === undefined ? 'not up yet' : `up after ${status.upAfter.toFixed(1)} s`],
    ...life.slots.map((slot) => [slot.label, slotText(slot)]),
    ...nextText(life.boots),
    ...life.denied.map((denied) => ['denied', deniedText(denied)]),
    ...life.actions.slice(-SHOWN).map((action) => ['done', actionText(action)]),
    ...(life.running === undefined ? [] : [['now', `${life.running} is changing this node`]]),
    ...status.problems.map((problem) => ['problem', problem]),
  ];
  const width = Math.max(12, ...lines.map(([name = '']) => name.length + 2));
  return lines.map(([name, value]) => `${`${name}:`.padEnd(width)}${value}`).join('\n');
}

function persistentText({ live, persistent }: NodeStatus): string {
  if (live) return 'nothing: all that is written is in memory';
  return persistent ? 'on its partition' : 'NOT KEPT: in memory until the next reboot';
}

/** `--json` has all that are kept. */
const SHOWN = 5;

function slotText({ booted, state, why, name, version }: SlotStatus): string {
  const what = name === undefined ? '' : `${name} ${version}, `;
  return `${what}${state}${why === undefined ? '' : `: ${why}`}${booted ? ' (runs now)' : ''}`;
}

function nextText([first, second]: readonly NextBoot[]): string[][] {
  if (first === undefined) return [];
  const lines = [['next boot', bootText(first)]];
  if (first.triesLeft !== undefined && second !== undefined) lines.push(['if it fails', bootText(second)]);
  return lines;
}

function bootText({ title, slot, triesLeft, entry }: NextBoot): string {
  const from = slot === undefined ? 'which NO SLOT HOLDS' : `from ${slot}`;
  const trial = triesLeft === undefined ? '' : `, on trial (${triesLeft} tries left)`;
  return `${title} ${from}${trial}, by ${entry}`;
}

function deniedText({ name, version, reason, at, log }: Denied): string {
  const last = log.at(-1);
  return `${name} ${version}, at ${at}: ${reason}${last === undefined ? '' : ` (${last.trim()})`}`;
}

function actionText({ kind, at, took, result, detail }: ActionRecord): string {
  return `${at} ${kind} ${result} in ${(took / 1000).toFixed(1)} s: ${detail}`;
}
