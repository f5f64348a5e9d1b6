import { decodeBase64 } from '../base64.ts';
import { type Fault, shown } from './context.ts';

const TYPES = /(?:^|\s)((?:ssh|ecdsa|sk-ssh|sk-ecdsa)-[\w@.-]+)\s+(\S+)/;
const REMOTE = /^(?:github|gitlab):/;

/** A key as in authorized_keys (sshd(8)), or where it is got from. */
export function sshKeyFault(text: string): Fault | undefined {
  const key = text.trim();
  if (REMOTE.test(key)) {
    return /^\w+:[A-Za-z0-9][\w.-]*$/.test(key)
      ? undefined
      : bad(`${shown(key)} names no user`, 'Write github:USER or gitlab:USER.');
  }
  if (/^https?:\/\//.test(key)) return undefined;
  if (/^-----BEGIN .*PRIVATE KEY/.test(key)) {
    return bad(
      'this is a private key, which must not be here',
      'Write the public one: the file that ends with .pub.',
    );
  }
  const [, type = '', data = ''] = TYPES.exec(key) ?? [];
  if (type === '') {
    return bad(
      `${shown(key)} is not a public SSH key`,
      'Write TYPE KEY, such as ssh-ed25519 AAAA…, or github:USER.',
    );
  }
  const bytes = decodeBase64(data);
  if (bytes === undefined || !startsWithType(bytes, type)) {
    return bad(
      `the key after ${type} is cut off, or is none`,
      'Copy the whole line of the file that ends with .pub.',
    );
  }
  return undefined;
}

/** A key begins with the length and the name of its type (RFC 4253, section 6.6). */
function startsWithType(bytes: Uint8Array, type: string): boolean {
  const name = new TextDecoder().decode(bytes.subarray(4, 4 + type.length));
  return bytes[3] === type.length && name === type && bytes.length > 4 + type.length + 16;
}

/** Kairos takes it as it is, and no login works: told, but not a reason to refuse a file. */
function bad(message: string, hint: string): Fault {
  return { code: 'bad-value', severity: 'warning', message, hint };
}
