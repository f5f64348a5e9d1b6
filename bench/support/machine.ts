import { availableParallelism, cpus, loadavg, release, totalmem } from 'node:os';
import { formatBytes } from '@cairn/bytes';
import type { Host } from '@cairn/host';
import type { ReportPart } from './report.ts';

/** What figures depend on: the machine that made them, and when. */
export async function describeMachine({ files, clock }: Host): Promise<ReportPart> {
  const name = /^PRETTY_NAME="?(.*?)"?$/m.exec((await files.readText('/etc/os-release')) ?? '')?.[1];
  const model = cpus()[0]?.model.trim() ?? 'processor not known';
  const date = new Date(clock.now()).toISOString().slice(0, 10);
  const parts = [
    `${date}: ${model}, ${availableParallelism()} cores`,
    `${formatBytes(totalmem())} memory`,
    `Linux ${release()}`,
    name ?? 'a system without a name',
    `Node ${process.versions.node}`,
  ];
  return { kind: 'paragraph', text: `${parts.join(', ')}.` };
}

/** How busy the machine was, for a reader to judge by: figures from a busy one mean little. */
export function loadNow(): string {
  return loadavg()
    .map((value) => value.toFixed(1))
    .join(' ');
}
