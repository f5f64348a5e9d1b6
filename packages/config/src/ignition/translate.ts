import type { Report } from '../diagnostic.ts';
import type { MapTree, Tree } from '../tree.ts';
import type { Dialect } from './dialect.ts';
import { listNode, mapNode, scalarNode } from './node.ts';
import { type At, entryOf, IgnitionReader, type Keys } from './reader.ts';
import { type Parts, readStorage, stepOf } from './storage.ts';
import { readPasswd, readUnits, systemctlOf, type Units } from './system.ts';

const TOP: Readonly<Record<Dialect, Keys>> = {
  ignition: {
    ignition: 'read',
    storage: 'read',
    systemd: 'read',
    passwd: 'read',
    kernelArguments: {
      refused: 'the kernel’s arguments are in the release, and signed with it',
      hint: 'Give them when it is built: cairn build --cmdline.',
    },
  },
  butane: {
    variant: 'read',
    version: 'read',
    ignition: 'read',
    storage: 'read',
    systemd: 'read',
    passwd: 'read',
    kernelArguments: {
      refused: 'the kernel’s arguments are in the release, and signed with it',
      hint: 'Give them when it is built: cairn build --cmdline.',
    },
    bootDevice: { refused: 'partitions are not made from a running system here' },
    grub: { refused: 'the boot loader is systemd-boot' },
    openshift: { refused: 'this is no OpenShift' },
    metadata: { refused: 'this is no OpenShift', harmless: true },
  },
};
const NOT_FETCHED = {
  refused: 'another configuration is not fetched',
  hint: 'Put its content into this one, or use config_url.',
};
const IGNITION: Keys = {
  version: 'read',
  config: NOT_FETCHED,
  timeouts: { refused: 'time limits are the steps’ own', harmless: true },
  security: {
    refused: 'certificates of others are not taken from here',
    hint: 'Put them into the image: what is fetched is held against its certificates.',
  },
  proxy: { refused: 'a proxy is not taken from here', hint: 'Set it in environment:.' },
};
const VARIANTS = ['fcos', 'flatcar', 'fiot', 'r4e'];
const STAGE = 'initramfs';
const LATER_STAGE = 'network';

/**
 * Pure: makes a configuration of Ignition (specification 3.x) or Butane into one of ours, with steps in the stage `initramfs`,
 * where Ignition runs, and `network` for what is fetched. Each part keeps its place. What cannot be followed is told.
 */
export function translateIgnition(tree: MapTree, dialect: Dialect, report: Report): MapTree {
  const reader = new IgnitionReader(dialect, report);
  const top = reader.map({ tree, path: '' }, TOP[dialect]) ?? new Map<string, At>();
  checkVersion(reader, tree, dialect);
  const parts: Parts = { directories: [], files: [], commands: [], downloads: [] };
  readStorage(reader, top.get('storage'), parts);
  const units: Units = { files: parts.files, enable: [], disable: [], mask: [] };
  readUnits(reader, top.get('systemd'), units);
  const { users, groups } = readPasswd(reader, top.get('passwd'));
  const { at } = tree;
  const { downloads, ...here } = parts;
  const steps = [
    // Files may belong to users: they come first.
    stepOf(`${dialect}: users`, { ensure_entities: groups, users: mapNode(users, at) }, at),
    stepOf(`${dialect}: files`, { ...here }, at),
    stepOf(`${dialect}: units`, { systemctl: systemctlOf(units, at) }, at),
  ];
  const later = stepOf(`${dialect}: downloads`, { downloads }, at);
  return mapNode(
    {
      name: scalarNode(dialect, at),
      stages: mapNode({ [STAGE]: stageOf(steps, at), [LATER_STAGE]: stageOf([later], at) }, at),
    },
    at,
  );
}

function stageOf(steps: readonly (Tree | undefined)[], at: Tree['at']): Tree | undefined {
  const there = steps.filter((step) => step !== undefined);
  return there.length === 0 ? undefined : listNode(there, at);
}

function checkVersion(reader: IgnitionReader, tree: MapTree, dialect: Dialect): void {
  const own = entryOf(tree, 'ignition');
  const fields = own && reader.map(own, IGNITION);
  if (dialect === 'ignition') {
    const version = own && fields && reader.required(fields, 'version', own);
    if (version !== undefined && !/^3\.\d+\.\d+(?:-experimental)?$/.test(version.text)) {
      reader.error(
        version.at,
        'ignition.version',
        `${JSON.stringify(version.text)} is not a version 3 of the specification`,
        'Translate it first: ign-converter makes 3 of 2.',
      );
    }
    return;
  }
  const variant = reader.scalar(entryOf(tree, 'variant'));
  if (variant === undefined || VARIANTS.includes(variant.text)) return;
  reader.error(
    variant.at,
    'variant',
    `there is no variant ${JSON.stringify(variant.text)} here`,
    `Use ${VARIANTS.join(', ')}.`,
  );
}
