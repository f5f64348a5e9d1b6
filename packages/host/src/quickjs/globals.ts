/**
 * What QuickJS lacks of what all code here takes for granted: TextEncoder and TextDecoder (WHATWG, "Encoding"), of
 * the encodings UTF-8 and UTF-16LE, and the symbol of `await using`. Imported before all else.
 */
const PIECE = 4096;

class Encoder {
  encode(text: string): Uint8Array {
    const escaped = encodeURIComponent(text.toWellFormed());
    const bytes = new Uint8Array(escaped.length);
    let length = 0;
    for (let index = 0; index < escaped.length; index++) {
      if (escaped[index] !== '%') {
        bytes[length++] = escaped.charCodeAt(index);
        continue;
      }
      bytes[length++] = Number.parseInt(escaped.slice(index + 1, index + 3), 16);
      index += 2;
    }
    return bytes.slice(0, length);
  }
}

class Decoder {
  readonly #encoding: string;
  readonly #fatal: boolean;
  readonly #keepsMark: boolean;

  constructor(encoding = 'utf-8', options: { readonly fatal?: boolean; readonly ignoreBOM?: boolean } = {}) {
    if (encoding !== 'utf-8' && encoding !== 'utf-16le')
      throw new RangeError(`there is no decoder for ${encoding}`);
    this.#encoding = encoding;
    this.#fatal = options.fatal ?? false;
    this.#keepsMark = options.ignoreBOM ?? false;
  }

  decode(bytes: Uint8Array): string {
    const text = this.#encoding === 'utf-8' ? this.#decodeUtf8(bytes) : decodeUtf16(bytes);
    return !this.#keepsMark && text.startsWith('\ufeff') ? text.slice(1) : text;
  }

  #decodeUtf8(bytes: Uint8Array): string {
    if (!bytes.some((byte) => byte >= 0x80)) return fromUnits([...bytes]);
    const escaped = [...bytes].map((byte) => `%${byte.toString(16).padStart(2, '0')}`).join('');
    try {
      return decodeURIComponent(escaped);
    } catch {
      if (this.#fatal) throw new TypeError('the bytes are not UTF-8');
      return fromUnits([...bytes].map((byte) => (byte < 0x80 ? byte : 0xfffd)));
    }
  }
}

function decodeUtf16(bytes: Uint8Array): string {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  const units = Array.from({ length: bytes.length >> 1 }, (_, index) => view.getUint16(index * 2, true));
  return fromUnits(units).toWellFormed();
}

function fromUnits(units: readonly number[]): string {
  let text = '';
  for (let start = 0; start < units.length; start += PIECE) {
    text += String.fromCharCode(...units.slice(start, start + PIECE));
  }
  return text;
}

function define(target: object, name: string, value: unknown): void {
  if (!(name in target)) Object.defineProperty(target, name, { value });
}

define(globalThis, 'TextEncoder', Encoder);
define(globalThis, 'TextDecoder', Decoder);
define(Symbol, 'asyncDispose', Symbol('Symbol.asyncDispose'));
define(Symbol, 'dispose', Symbol('Symbol.dispose'));
