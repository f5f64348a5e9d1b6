import { decodeBase64 } from '../base64.ts';
import type { RuleName } from '../schema/facts.ts';
import { isStage, STAGES } from '../schema/stages.ts';
import { childPath, type MapTree, type ScalarTree, type Tree } from '../tree.ts';
import { yesOrNo } from '../yaml/scalar.ts';
import { type Context, isTemplate, shown, tell } from './context.ts';
import { nearest } from './suggest.ts';

type Rule = (tree: MapTree, path: string, context: Context) => void;

/** What has to hold between the keys of a map. Each key by itself was looked at before. */
export const RULES: Readonly<Record<RuleName, Rule>> = {
  config(tree, path, context) {
    sameUsers(tree, context);
    hardening(tree, path, context);
  },
  power,
  install(tree, path, context) {
    power(tree, path, context);
    if (isTrue(tree, 'no-format') || isTrue(tree, 'no_format')) {
      refused(
        tree,
        tree.entries.has('no-format') ? 'no-format' : 'no_format',
        path,
        context,
        'a disk is always partitioned anew',
      );
    }
    const encrypted = tree.entries.get('encrypted_partitions')?.value;
    if (encrypted?.kind === 'list' && encrypted.items.length > 0) {
      refused(tree, 'encrypted_partitions', path, context, 'partitions are not encrypted yet');
    }
  },
  user(tree, path, context) {
    if (path.endsWith(']')) required(tree, ['name'], path, context);
    const passwd = scalar(tree, 'passwd');
    if (passwd === undefined || passwd.text === '') return;
    const inner = childPath(path, 'passwd');
    if (isTrue(tree, 'lock_passwd')) {
      const message = 'it is not used, as lock_passwd is true';
      tell(context, passwd.at, inner, {
        code: 'conflict',
        severity: 'warning',
        message,
        hint: 'Take one of the two away.',
      });
    } else if (passwd.text.startsWith('$') && !/^\$(?:1|2[abxy]?|5|6|7|y|gy|sha1)\$.+\$./.test(passwd.text)) {
      tell(context, passwd.at, inner, {
        code: 'bad-value',
        severity: 'warning',
        message: 'it begins with $, as a hash does, and is none',
        hint: 'Make one by `openssl passwd -6`.',
      });
    }
  },
  step(tree, path, context) {
    if ([...tree.entries].some(([key, { value }]) => !CONDITIONS.has(key) && !isUnset(value))) return;
    const message = 'this step does nothing';
    tell(context, tree.at, path, {
      code: 'empty',
      severity: 'warning',
      message,
      hint: 'Add commands, files or the like to it.',
    });
  },
  file(tree, path, context) {
    required(tree, ['path'], path, context);
    modeGiven(tree, path, context, '0600');
    content(tree, path, context);
  },
  'write-file'(tree, path, context) {
    required(tree, ['path'], path, context);
    modeGiven(tree, path, context, '0600');
    content(tree, path, context);
  },
  directory(tree, path, context) {
    required(tree, ['path'], path, context);
    modeGiven(tree, path, context, '0700');
  },
  download(tree, path, context) {
    required(tree, ['url', 'path'], path, context);
    modeGiven(tree, path, context, '0600');
  },
  git: (tree, path, context) => required(tree, ['url', 'path'], path, context),
  entity: (tree, path, context) => required(tree, ['entity'], path, context),
  layout(tree, path, context) {
    required(tree, ['device'], path, context);
    const device = tree.entries.get('device')?.value;
    if (device?.kind !== 'map' || device.entries.has('path') || device.entries.has('label')) return;
    const message = 'neither path nor label says which disk';
    tell(context, device.at, childPath(path, 'device'), {
      code: 'missing',
      message,
      hint: 'Add path: /dev/… or label: LABEL.',
    });
  },
  override: (tree, path, context) => required(tree, ['service', 'content'], path, context),
  datasource(tree, path, context) {
    required(tree, ['providers'], path, context);
    const providers = tree.entries.get('providers')?.value;
    const items = providers?.kind === 'list' ? providers.items : [];
    if (items.some((item) => item.kind === 'scalar' && item.text === 'file'))
      required(tree, ['path'], path, context);
  },
  unpack: (tree, path, context) => required(tree, ['source', 'target'], path, context),
  'health-check': healthCheck,
  kubernetes(tree, path, context) {
    if (tree.entries.has('enabled') || tree.entries.has('enable') || tree.entries.size > 0) return;
    tell(context, tree.at, path, {
      code: 'empty',
      severity: 'warning',
      message: 'it is empty',
      hint: 'Write enabled: true.',
    });
  },
  stages,
  'extra-partition'(tree, path, context) {
    if (!tree.entries.has('label')) required(tree, ['name'], path, context);
    const fs = scalar(tree, 'fs');
    if (fs === undefined || fs.text === '' || fs.text === 'ext4') return;
    const message = `${shown(fs.text)} cannot be followed: partitions are made as ext4`;
    tell(context, fs.at, childPath(path, 'fs'), { code: 'no-effect', severity: 'warning', message });
  },
  p2p(tree, path, context) {
    const auto = tree.entries.get('auto')?.value;
    if (auto?.kind !== 'map' || !isTrue(auto, 'enable')) return;
    if ((scalar(tree, 'network_token')?.text ?? '') === '') required(tree, ['network_token'], path, context);
  },
};

/** What a step is done by, not what it does. */
const CONDITIONS = new Set([
  'name',
  'if',
  'node',
  'only_os',
  'only_os_version',
  'only_arch',
  'only_service_manager',
  'if_files',
  'after',
  'environment_file',
]);

function stages(tree: MapTree, path: string, context: Context): void {
  for (const [name, { at, value }] of tree.entries) {
    if (isStage(name)) continue;
    const near = nearest(name, Object.keys(STAGES));
    const inner = childPath(path, name);
    if (near !== undefined) {
      const message = `there is no stage ${shown(name)}, so this is never done`;
      tell(context, at, inner, { code: 'unknown-stage', message, hint: `Did you mean ${near}?` });
    } else if (value.kind !== 'scalar') {
      const message = `the stage ${shown(name)} is none that comes by itself: it is done when it is called by its name`;
      const hint = `Of a boot there are ${Object.keys(STAGES).slice(0, 6).join(', ')}.`;
      tell(context, at, inner, { code: 'unknown-stage', severity: 'warning', message, hint });
    }
  }
}

function power(tree: MapTree, path: string, context: Context): void {
  if (!isTrue(tree, 'reboot') || !isTrue(tree, 'poweroff')) return;
  const at = tree.entries.get('poweroff')?.at ?? tree.at;
  const message = 'reboot and poweroff are both true';
  tell(context, at, childPath(path, 'poweroff'), { code: 'conflict', message, hint: 'Keep one of the two.' });
}

function refused(tree: MapTree, key: string, path: string, context: Context, why: string): void {
  const at = tree.entries.get(key)?.at ?? tree.at;
  const message = `it cannot be followed, and cairn install refuses it: ${why}`;
  tell(context, at, childPath(path, key), { code: 'no-effect', severity: 'warning', message });
}

const CHECKS = ['unit', 'tcp', 'http', 'command', 'kubernetes'];

function healthCheck(tree: MapTree, path: string, context: Context): void {
  const kinds = CHECKS.filter((kind) => tree.entries.has(kind));
  const [kind] = kinds;
  if (kinds.length !== 1 || kind === undefined) {
    const message =
      kinds.length === 0
        ? 'it checks nothing'
        : `it has ${kinds.join(' and ')}, and a check has but one of them`;
    const hint = kinds.length === 0 ? `Add one of ${CHECKS.join(', ')}.` : 'Make a check of each.';
    tell(context, tree.at, path, {
      code: kinds.length === 0 ? 'missing' : 'conflict',
      message,
      hint,
      bearable: false,
    });
    return;
  }
  const status = tree.entries.get('status');
  if (status !== undefined && kind !== 'http') {
    const message = `a check of ${kind} has no status`;
    tell(context, status.at, childPath(path, 'status'), { code: 'conflict', message, hint: 'Take it away.' });
  }
  const command = tree.entries.get('command')?.value;
  if (command?.kind !== 'list') return;
  const [program] = command.items;
  if (program === undefined || (program.kind === 'scalar' && program.text === '')) {
    tell(context, command.at, childPath(path, 'command'), {
      code: 'empty',
      message: program === undefined ? 'the command is empty' : 'the command names no program',
      hint: 'Write the program and its arguments.',
    });
  }
}

function sameUsers(tree: MapTree, context: Context): void {
  const users = tree.entries.get('users')?.value;
  if (users?.kind !== 'list') return;
  const seen = new Set<string>();
  for (const [index, user] of users.items.entries()) {
    const name = user.kind === 'map' ? scalar(user, 'name') : undefined;
    if (name === undefined) continue;
    if (seen.has(name.text)) {
      const message = `the user ${shown(name.text)} is here twice, and the later one counts`;
      tell(context, name.at, `users[${index}].name`, {
        code: 'conflict',
        message,
        hint: 'Make one of the two.',
      });
    }
    seen.add(name.text);
  }
}

/** SSH without passwords, and nobody who has a key: such a machine cannot be reached. Kairos refuses to install it. */
function hardening(tree: MapTree, _path: string, context: Context): void {
  const install = tree.entries.get('install')?.value;
  if (install?.kind !== 'map' || !isTrue(install, 'ssh_hardening')) return;
  const users = tree.entries.get('users')?.value;
  const items = users?.kind === 'list' ? users.items : [];
  const has = (map: MapTree) => {
    const keys = map.entries.get('ssh_authorized_keys')?.value;
    return keys?.kind === 'list' && keys.items.length > 0;
  };
  if (has(tree) || items.some((user) => user.kind === 'map' && has(user)) || tree.entries.has('stages'))
    return;
  tell(context, install.entries.get('ssh_hardening')?.at ?? install.at, 'install.ssh_hardening', {
    code: 'conflict',
    message: 'nobody has an SSH key, so nobody could log in by SSH',
    hint: 'Add ssh_authorized_keys to a user.',
  });
}

function required(tree: MapTree, keys: readonly string[], path: string, context: Context): void {
  for (const key of keys) {
    const entry = tree.entries.get(key);
    const empty = entry?.value.kind === 'scalar' && entry.value.text === '';
    if (entry !== undefined && !empty) continue;
    tell(context, entry?.at ?? tree.at, path, {
      code: 'missing',
      message: `${key} is missing`,
      hint: `Add ${key}.`,
    });
  }
}

/** Kairos gives what has no mode the mode 0000. */
function modeGiven(tree: MapTree, path: string, context: Context, mode: string): void {
  // A misspelled one was told.
  if (nearest('permissions', tree.entries.keys()) !== undefined || tree.entries.has('mode')) return;
  tell(context, tree.at, path, {
    code: 'missing',
    severity: 'warning',
    message: `there are no permissions, so only root may use it: ${mode}, in Kairos 0000`,
    hint:
      mode === '0700'
        ? 'Add permissions: 0755, or what is wanted.'
        : 'Add permissions: 0644, or what is wanted.',
  });
}

const GZIP = [0x1f, 0x8b];

/** What is encoded has to be what it is said to be. */
function content(tree: MapTree, path: string, context: Context): void {
  const encoding = scalar(tree, 'encoding')?.text ?? '';
  const found = scalar(tree, 'content');
  if (found === undefined || isTemplate(found.text)) return;
  const inner = childPath(path, 'content');
  if (encoding.includes('64')) {
    const bytes = decodeBase64(found.text);
    if (bytes === undefined) {
      const hint = 'Make it by `base64 FILE`, or take encoding away.';
      tell(context, found.at, inner, { code: 'bad-value', message: 'it is not base64', hint });
      return;
    }
    if (!encoding.startsWith('gz') || (bytes[0] === GZIP[0] && bytes[1] === GZIP[1])) return;
    const hint = 'Make it by `gzip FILE | base64`, or write encoding: b64.';
    tell(context, found.at, inner, {
      code: 'bad-value',
      message: 'it is base64, and not compressed by gzip',
      hint,
    });
  }
}

function scalar(tree: MapTree, key: string): ScalarTree | undefined {
  const value = tree.entries.get(key)?.value;
  return value?.kind === 'scalar' ? value : undefined;
}

/** Nothing is there; what could not be read was told. */
function isUnset(value: Tree): boolean {
  return value.kind === 'scalar' && value.value === null && value.text === '';
}

function isTrue(tree: MapTree, key: string): boolean {
  const found = scalar(tree, key);
  return (
    found !== undefined && (found.value === true || found.text === 'true' || yesOrNo(found.text) === true)
  );
}
