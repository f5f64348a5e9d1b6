import type { Format } from '../schema/facts.ts';
import { type Fault, shown } from './context.ts';
import { entityFault } from './entity.ts';
import { sshKeyFault } from './ssh-key.ts';

type Check = (text: string) => Fault | undefined;

const ENCODINGS = ['b64', 'base64', 'gz', 'gzip', 'gz+base64', 'gzip+base64', 'gz+b64', 'gzip+b64'];
/** useradd(8), with the capitals and points that it allows by option. */
const USER = /^[A-Za-z_][\w.-]{0,31}\$?$/;
const LABEL = /^[A-Za-z0-9](?:[A-Za-z0-9-]{0,61}[A-Za-z0-9])?$/;
const UNIT = /^[\w:.@\\-]{1,255}$/;
const HEALTH_UNIT =
  /^[\w:.@\\][\w:.@\\-]{0,250}\.(?:service|socket|target|timer|mount|path|device|swap|slice|scope)$/;
const UNIT_GLOB = /^[\w:.@\\*?[\]-]{1,255}$/;
const TCP = /^(?:\[[0-9A-Fa-f:.%\w]{2,64}\]|[\w.-]{1,253}):(\d{1,5})$/;
const IP = /^(?:\d{1,3}(?:\.\d{1,3}){3}|[0-9A-Fa-f:.]*:[0-9A-Fa-f:.]*(?:%\w+)?)$/;
/** What others call the architectures that Go calls amd64, arm64, …: the regular expression is held against Go’s name. */
const ARCHITECTURES: Readonly<Record<string, string>> = {
  x86_64: 'amd64',
  'x86-64': 'amd64',
  aarch64: 'arm64',
  i386: '386',
  i686: '386',
  armv7l: 'arm',
  armhf: 'arm',
};

export const FORMATS: Readonly<Record<Format, Check>> = {
  path(text) {
    if (text.startsWith('/')) return undefined;
    const hint = text.startsWith('~')
      ? 'Write the home folder in full, such as /root.'
      : 'Write it in full, from / on.';
    return bad(`${shown(text)} is not an absolute path`, hint);
  },
  url(text) {
    if (URL.canParse(text) || /^[\w.-]+@[\w.-]+:/.test(text)) return undefined;
    return bad(`${shown(text)} is not a URL`, 'Write https://HOST/PATH.');
  },
  'web-url'(text) {
    const url = URL.parse(text);
    if (url !== null && /^https?:$/.test(url.protocol) && url.hostname !== '') return undefined;
    return bad(
      `${shown(text)} is not a URL that begins with http:// or https://`,
      'Write https://HOST/PATH.',
    );
  },
  hostname(text) {
    const name = text.replace(/\.$/, '');
    if (name.length <= 253 && name.split('.').every((label) => LABEL.test(label))) return undefined;
    // Kairos sets it all the same, and so does the kernel.
    const hint = 'Use letters, digits and hyphens; at most 63 between points.';
    return { code: 'bad-value', severity: 'warning', message: `${shown(text)} is not a host’s name`, hint };
  },
  'user-name'(text) {
    if (USER.test(text)) return undefined;
    return bad(
      `${shown(text)} is not a user’s name`,
      'Use small letters, digits, _ and -, with a letter first; at most 32 of them.',
    );
  },
  regex: regexFault,
  device(text) {
    if (text === 'auto' || text.startsWith('script://') || /^\/dev\/./.test(text)) return undefined;
    const hint = /^(?:sd|vd|hd|xvd|nvme|mmcblk)/.test(text)
      ? `Write /dev/${text}.`
      : 'Write auto, /dev/… or script:///PATH.';
    return bad(`${shown(text)} is not a disk`, hint);
  },
  encoding(text) {
    if (text === '' || ENCODINGS.includes(text)) return undefined;
    return bad(
      `${shown(text)} is not an encoding, and the content would be written as it is`,
      `Write one of ${ENCODINGS.join(', ')}.`,
    );
  },
  'ssh-key': sshKeyFault,
  unit(text) {
    if (UNIT.test(text)) return undefined;
    return bad(`${shown(text)} is not a unit’s name`, 'Write one unit an item, such as - ssh.service.');
  },
  'health-unit'(text) {
    if (HEALTH_UNIT.test(text)) return undefined;
    const hint = /^[\w@-]+$/.test(text)
      ? `Write ${text}.service.`
      : 'Write it with its ending, such as ssh.service.';
    return bad(`${shown(text)} is not a unit’s whole name`, hint);
  },
  'health-url'(text) {
    const url = URL.parse(text);
    if (url === null || !/^https?:$/.test(url.protocol)) {
      return bad(
        `${shown(text)} is not a URL that begins with http:// or https://`,
        'Write http://HOST/PATH.',
      );
    }
    if (url.username === '' && url.password === '') return undefined;
    return bad('there is a user’s name or a password in the URL', 'Take it out.');
  },
  'unit-glob'(text) {
    return UNIT_GLOB.test(text) && !/^(?:[\d.]+|true|false)$/i.test(text)
      ? undefined
      : bad(`${shown(text)} is no unit’s name, nor a pattern of one`);
  },
  'user-id'(text) {
    return /^\d{1,10}$/.test(text) && Number(text) < 0xffff_ffff
      ? undefined
      : bad(`${shown(text)} is not the number of a user`, 'Write a number, such as 1000.');
  },
  entity: entityFault,
  condition(text) {
    return text.trim() === '' ? bad('the condition is empty', 'Leave it out.') : undefined;
  },
  command(text) {
    return text.trim() === ''
      ? { code: 'empty', severity: 'warning', message: 'the command is empty', hint: 'Leave it out.' }
      : undefined;
  },
  architecture(text) {
    const name = ARCHITECTURES[text.replaceAll(/[\^$]/g, '').toLowerCase()];
    if (name === undefined) return regexFault(text);
    return bad(`${shown(text)} never holds: architectures have Go’s names here`, `Write ${name}.`);
  },
  tcp(text) {
    const port = Number(TCP.exec(text)?.[1] ?? 0);
    return port > 0 && port < 65_536 ? undefined : bad(`${shown(text)} is not HOST:PORT`);
  },
  ip(text) {
    return IP.test(text)
      ? undefined
      : bad(`${shown(text)} is not an address`, 'Write one address an item, such as - 1.1.1.1.');
  },
  'partition-name'(text) {
    return /\s/.test(text)
      ? bad(`${shown(text)} has a space in it, and a partition’s name has none`)
      : undefined;
  },
};

/** Go’s expressions and JavaScript’s differ in little that is used here: (?i) at the beginning is what occurs. */
function regexFault(text: string): Fault | undefined {
  const [, flags = '', body = ''] = /^(?:\(\?([ims]+)\))?([^]*)$/.exec(text) ?? [];
  try {
    ''.search(new RegExp(body.replaceAll('(?P<', '(?<'), flags));
    return undefined;
  } catch (error) {
    const reason = error instanceof Error ? error.message.replace(/^.*: /, '') : 'unknown';
    return bad(
      `${shown(text)} is not a regular expression: ${reason.charAt(0).toLowerCase()}${reason.slice(1)}`,
    );
  }
}

function bad(message: string, hint?: string): Fault {
  return { code: 'bad-value', message, hint };
}
