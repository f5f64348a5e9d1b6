import { viewOf } from '@cairn/bytes';

export interface StubShape {
  readonly machine?: number;
  readonly subsystem?: number;
  readonly imageSize?: number;
  readonly signed?: boolean;
}

/**
 * A PE32+ image with two sections, no code, and room for fifteen more section headers: PE signature at 64, optional
 * header at 88, section headers at 328, sections at 1024 and 1536.
 */
export function makeStub(shape: StubShape = {}): Uint8Array {
  const bytes = new Uint8Array(2048);
  const view = viewOf(bytes);
  view.setUint16(0, 0x4d5a);
  view.setUint32(60, 64, true);
  view.setUint32(64, 0x4550, true);
  view.setUint16(68, shape.machine ?? 0x8664, true);
  view.setUint16(70, 2, true);
  view.setUint16(84, 240, true);
  const optional = 88;
  view.setUint16(optional, 0x20b, true);
  view.setUint32(optional + 16, 0x1000, true);
  view.setUint32(optional + 32, 0x1000, true);
  view.setUint32(optional + 36, 0x200, true);
  view.setUint32(optional + 56, shape.imageSize ?? 0x3000, true);
  view.setUint32(optional + 60, 0x400, true);
  view.setUint16(optional + 68, shape.subsystem ?? 10, true);
  view.setUint32(optional + 108, 16, true);
  if (shape.signed) view.setUint32(optional + 112 + 4 * 8 + 4, 0x100, true);
  for (const [index, name] of ['.text', '.sbat'].entries()) {
    const section = 328 + index * 40;
    bytes.set(new TextEncoder().encode(name), section);
    view.setUint32(section + 8, 0x180, true);
    view.setUint32(section + 12, 0x1000 * (index + 1), true);
    view.setUint32(section + 16, 0x200, true);
    view.setUint32(section + 20, 0x400 + 0x200 * index, true);
    view.setUint32(section + 36, 0x60000020, true);
  }
  return bytes;
}
