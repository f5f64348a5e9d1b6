import { concatBytes, viewOf } from '@cairn/bytes';
import { decodeGuid, encodeGuid } from '@cairn/disk';
import { AgentError } from '../error.ts';
import { encodeText } from './variable.ts';

/** A boot option of the firmware's that starts a program from a partition (UEFI 2.10, section 3.1.3, EFI_LOAD_OPTION). */
export interface LoadOption {
  readonly active: boolean;
  /** What the firmware's menu shows. */
  readonly description: string;
  readonly partition: HardDrive;
  /** On the partition's file system; the separator is `/` here, and `\` there. */
  readonly file: string;
}

/** A partition of a GPT (section 10.3.5.1, Hard Drive Media Device Path). */
export interface HardDrive {
  /** From 1. */
  readonly number: number;
  /** In the disk's sectors. */
  readonly start: number;
  readonly size: number;
  readonly uuid: string;
}

const ACTIVE = 1;
const MEDIA = 4;
const NODE = { hardDrive: 1, file: 4 } as const;
const HARD_DRIVE_LENGTH = 42;
const GPT = { partitionFormat: 2, signatureType: 2 } as const;
/** Section 10.3.1: the end of an entire device path. */
const END = Uint8Array.of(0x7f, 0xff, 4, 0);

export function encodeLoadOption({ active, description, partition, file }: LoadOption): Uint8Array {
  const path = concatBytes([hardDriveNode(partition), fileNode(file), END]);
  const head = new Uint8Array(6);
  const view = viewOf(head);
  view.setUint32(0, active ? ACTIVE : 0, true);
  view.setUint16(4, path.length, true);
  return concatBytes([head, encodeText(description), path]);
}

function node(subType: number, body: Uint8Array): Uint8Array {
  const head = Uint8Array.of(MEDIA, subType, 0, 0);
  viewOf(head).setUint16(2, head.length + body.length, true);
  return concatBytes([head, body]);
}

function hardDriveNode({ number, start, size, uuid }: HardDrive): Uint8Array {
  const body = new Uint8Array(HARD_DRIVE_LENGTH - 4);
  const view = viewOf(body);
  view.setUint32(0, number, true);
  view.setBigUint64(4, BigInt(start), true);
  view.setBigUint64(12, BigInt(size), true);
  body.set(encodeGuid(uuid), 20);
  body.set([GPT.partitionFormat, GPT.signatureType], 36);
  return node(NODE.hardDrive, body);
}

function fileNode(file: string): Uint8Array {
  const path = file.replaceAll('/', '\\');
  return node(NODE.file, encodeText(path.startsWith('\\') ? path : `\\${path}`));
}

/** Parses a boot option; undefined for one that starts something else: a network, a device, a program without a partition. */
export function parseLoadOption(bytes: Uint8Array): LoadOption | undefined {
  if (bytes.length < 8) return undefined;
  const view = viewOf(bytes);
  const length = view.getUint16(4, true);
  let end = 6;
  while (end + 1 < bytes.length && view.getUint16(end, true) !== 0) end += 2;
  const description = Buffer.from(bytes.subarray(6, end)).toString('utf16le');
  const nodes = parseNodes(bytes.subarray(end + 2, end + 2 + length));
  const [drive, file] = nodes ?? [];
  if (drive?.kind !== 'drive' || file?.kind !== 'file') return undefined;
  return {
    active: (view.getUint32(0, true) & ACTIVE) !== 0,
    description,
    partition: drive.drive,
    file: file.path,
  };
}

type Node =
  | { readonly kind: 'drive'; readonly drive: HardDrive }
  | { readonly kind: 'file'; readonly path: string };

function parseNodes(bytes: Uint8Array): Node[] | undefined {
  const view = viewOf(bytes);
  const nodes: Node[] = [];
  for (let at = 0; at + 4 <= bytes.length; ) {
    const length = view.getUint16(at + 2, true);
    if (length < 4 || at + length > bytes.length) return undefined;
    const [type, subType] = bytes.subarray(at, at + 2);
    if (type === 0x7f) return nodes;
    const found = type === MEDIA ? parseNode(subType, bytes.subarray(at, at + length)) : undefined;
    if (found === undefined) return undefined;
    nodes.push(found);
    at += length;
  }
  return undefined;
}

function parseNode(subType: number | undefined, bytes: Uint8Array): Node | undefined {
  if (subType === NODE.file) {
    const [path = ''] = Buffer.from(bytes.subarray(4)).toString('utf16le').split('\0');
    return { kind: 'file', path: path.replaceAll('\\', '/') };
  }
  if (subType !== NODE.hardDrive || bytes.length !== HARD_DRIVE_LENGTH) return undefined;
  if (bytes[40] !== GPT.partitionFormat || bytes[41] !== GPT.signatureType) return undefined;
  const view = viewOf(bytes);
  const [start, size] = [8, 16].map((at) => Number(view.getBigUint64(at, true)));
  if (!Number.isSafeInteger(start) || !Number.isSafeInteger(size)) return undefined;
  const drive = {
    number: view.getUint32(4, true),
    start: start ?? 0,
    size: size ?? 0,
    uuid: decodeGuid(bytes.subarray(24, 40)),
  };
  return { kind: 'drive', drive };
}

/** `Boot0007` */
export function optionName(number: number): string {
  return `Boot${number.toString(16).toUpperCase().padStart(4, '0')}`;
}

export function optionNumber(name: string): number | undefined {
  const [, digits] = /^Boot([0-9A-F]{4})$/i.exec(name) ?? [];
  return digits === undefined ? undefined : Number.parseInt(digits, 16);
}

/** `BootOrder`: numbers of 16 bits. */
export function parseBootOrder(data: Uint8Array): number[] {
  const view = viewOf(data);
  return Array.from({ length: Math.floor(data.length / 2) }, (_, index) => view.getUint16(index * 2, true));
}

export function encodeBootOrder(order: readonly number[]): Uint8Array {
  const data = new Uint8Array(order.length * 2);
  for (const [index, number] of order.entries()) viewOf(data).setUint16(index * 2, number, true);
  return data;
}

/** The lowest number that no option has. Throws AgentError `failed` where all are taken. */
export function freeNumber(taken: ReadonlySet<number>): number {
  for (let number = 0; number < 0x10000; number++) if (!taken.has(number)) return number;
  throw new AgentError('failed', 'the firmware has no room for another boot option');
}
