/** Mistakes that people make, with exactly what is told of them: a test holds them, and docs/configuration-mistakes.md shows them. */
export interface Mistake {
  readonly title: string;
  /** One file, or several that are read in this order. */
  readonly text: string | readonly string[];
}

const HEAD = '#cloud-config\n';

function step(text: string, stage = 'boot'): string {
  return `${HEAD}stages:\n  ${stage}:\n${text.replaceAll(/^/gm, '    ').trimEnd()}\n`;
}

export const MISTAKES: Readonly<Record<string, readonly Mistake[]>> = {
  YAML: [
    { title: 'a tab', text: `${HEAD}install:\n\tauto: true\n` },
    { title: 'a quote that is not closed', text: `${HEAD}hostname: "box\nusers: []\n` },
    { title: 'text after a closing quote', text: step('- if: "[ -f /x ]" && true\n  commands: [echo]') },
    { title: 'a bracket that is not closed', text: `${HEAD}users:\n  - name: kairos\n    groups: [admin\n` },
    { title: 'a brace that is not closed', text: `${HEAD}install: {auto: true\nhostname: box\n` },
    { title: 'no space after a colon', text: `${HEAD}hostname:box\nstrict: true\n` },
    { title: 'no space after a hyphen', text: step('- commands:\n    -echo hello') },
    { title: 'no space after the second hyphen', text: step('- commands:\n    - echo one\n    -echo two') },
    {
      title: 'a colon within a value',
      text: `${HEAD}users:\n  - name: kairos\n    gecos: Admin: the first\n`,
    },
    { title: 'a colon within a command', text: step('- commands:\n    - echo "state": ok') },
    { title: 'a key that is indented too little', text: `${HEAD}users:\n  - name: kairos\n   passwd: x\n` },
    { title: 'a key that is indented too much', text: `${HEAD}hostname: box\n  strict: true\n` },
    { title: 'a list’s item among keys', text: `${HEAD}install:\n  auto: true\n  - device: auto\n` },
    { title: 'a key without its colon', text: `${HEAD}users\n  - name: kairos\n` },
    { title: 'a template without quotes', text: step('- hostname: {{ .MachineID }}') },
    { title: 'a template without quotes, with text', text: step('- hostname: {{ trunc 4 .MachineID }}-box') },
    { title: 'a value that begins with @', text: `${HEAD}users:\n  - name: kairos\n    passwd: @secret\n` },
    { title: 'a value that begins with %', text: `${HEAD}hostname: %host\n` },
    { title: 'a value that begins with *', text: step('- environment:\n    PATTERN: *.yaml') },
    { title: 'a condition that begins with !', text: step('- if: ! -f /etc/x\n  commands: [echo]') },
    { title: 'a condition that begins with [', text: step('- if: [ -f /etc/x ]\n  commands: [echo]') },
    { title: 'a backslash in double quotes', text: step('- commands:\n    - "grep \\d /etc/x"') },
    {
      title: 'text behind |',
      text: step('- files:\n    - path: /etc/x\n      permissions: 0644\n      content: | hello'),
    },
    { title: 'a key twice', text: `${HEAD}hostname: a\nstrict: true\nhostname: b\n` },
    {
      title: 'a stage twice',
      text: `${HEAD}stages:\n  boot:\n    - commands: [echo one]\n  boot:\n    - commands: [echo two]\n`,
    },
    {
      title: 'a step’s key twice',
      text: step('- commands: [echo one]\n  sysctl: {kernel.panic: 1}\n  commands: [echo two]'),
    },
    { title: 'two documents in one file', text: `${HEAD}hostname: box\n---\nstrict: true\n` },
    {
      title: 'the marks of a merge conflict',
      text: `${HEAD}<<<<<<< HEAD\nhostname: a\n=======\nhostname: b\n>>>>>>> other\n`,
    },
    {
      title: 'a no-break space from a web page',
      text: `${HEAD}install:\n  auto: true\n\u00a0 device: auto\n  reboot: true\n`,
    },
    { title: 'a list in place of the whole', text: `${HEAD}- hostname: box\n` },
    { title: 'a web page in place of the file', text: '<!DOCTYPE html>\n<html></html>\n' },
    { title: 'nothing but comments', text: `${HEAD}# hostname: box\n` },
  ],
  Header: [
    { title: 'no header', text: 'hostname: box\n' },
    { title: 'no header, and nothing but stages', text: 'stages:\n  boot:\n    - commands: [echo]\n' },
    { title: 'a blank in the header', text: '# cloud-config\nhostname: box\n' },
    { title: 'another spelling of the header', text: '#cloud_config\nhostname: box\n' },
    { title: 'a header too far below', text: `${'# note\n'.repeat(12)}#cloud-config\nhostname: box\n` },
  ],
  Keys: [
    { title: 'a letter too many', text: `${HEAD}hostnamee: box\n` },
    {
      title: 'two letters that changed places',
      text: step('- files:\n    - path: /etc/x\n      permsisions: 0644\n      content: x'),
    },
    { title: 'a key in capitals', text: `${HEAD}Hostname: box\n` },
    { title: 'systctl', text: step('- systctl:\n    kernel.panic: 10') },
    { title: 'systemctl.enabled', text: step('- systemctl:\n    enabled:\n      - ssh.service') },
    { title: 'command for commands', text: step('- command: echo') },
    {
      title: 'mode for permissions',
      text: step('- files:\n    - path: /etc/x\n      mode: 0644\n      content: x'),
    },
    {
      title: 'name for path',
      text: step('- files:\n    - name: /etc/x\n      permissions: 0644\n      content: x'),
    },
    {
      title: 'contents for content',
      text: step('- files:\n    - path: /etc/x\n      permissions: 0644\n      contents: x'),
    },
    {
      title: 'cloud-init’s sudo',
      text: `${HEAD}users:\n  - name: kairos\n    sudo: ALL=(ALL) NOPASSWD:ALL\n`,
    },
    {
      title: 'cloud-init’s plain_text_passwd',
      text: `${HEAD}users:\n  - name: kairos\n    plain_text_passwd: x\n`,
    },
    { title: 'cloud-init’s packages', text: `${HEAD}packages:\n  - vim\n` },
    { title: 'cloud-init’s bootcmd', text: `${HEAD}bootcmd:\n  - echo\n` },
    {
      title: 'a hyphen for an underline',
      text: `${HEAD}write-files:\n  - path: /etc/x\n    permissions: 0644\n    content: x\n`,
    },
    { title: 'enable for enabled', text: `${HEAD}k3s:\n  enable: true\n` },
    { title: 'a key outside of its parent', text: `${HEAD}device: auto\n` },
    {
      title: 'a key of an installation at the top',
      text: `${HEAD}grub_options_extra: x\nbind_mounts: [/mnt/x]\n`,
    },
    { title: 'a key of users in the wrong place', text: `${HEAD}passwd: x\n` },
    { title: 'a step’s key at the top', text: `${HEAD}sysctl:\n  kernel.panic: 10\n` },
    { title: 'a key that nothing is near to', text: `${HEAD}banana: true\n` },
    {
      title: 'fs for filesystem',
      text: step(
        '- layout:\n    device: {label: COS_PERSISTENT}\n    add_partitions:\n      - fsLabel: DATA\n        fs: ext4',
      ),
    },
    {
      title: 'GRUB’s variable misspelled',
      text: `${HEAD}install:\n  grub_options:\n    extra_cmdlin: quiet\n`,
    },
    { title: 'a setting of timesyncd misspelled', text: step('- timesyncd:\n    NPT: time.example.org') },
  ],
  'Stages and steps': [
    { title: 'a stage that is not there', text: step('- commands: [echo]', 'bot') },
    { title: 'a stage with an underline', text: step('- commands: [echo]', 'after_install') },
    { title: 'a stage in capitals', text: step('- commands: [echo]', 'Boot') },
    { title: 'a stage of one’s own', text: step('- commands: [echo]', 'mine') },
    { title: 'a stage that is a map', text: step('commands:\n  - echo') },
    { title: 'a step that does nothing', text: step('- name: nothing') },
    { title: 'a stage of comments', text: `${HEAD}stages:\n  boot:\n  # - commands: [echo]\n` },
    { title: 'a hyphen with nothing behind it', text: step('- commands:\n    - echo\n    -') },
    {
      title: 'after as a text',
      text: step('- name: one\n  commands: [echo]\n- name: two\n  after: one\n  commands: [echo]'),
    },
    {
      title: 'after with the wrong name',
      text: step(
        '- name: first\n  commands: [echo]\n- name: second\n  after: [{name: frist}]\n  commands: [echo]',
      ),
    },
    {
      title: 'after of what is not there',
      text: step('- name: second\n  after: [{name: rke2.install}]\n  commands: [echo]'),
    },
    {
      title: 'after of a name that two have',
      text: step(
        '- name: same\n  commands: [echo]\n- name: same\n  commands: [echo]\n- name: last\n  after: [{name: same}]\n  commands: [echo]',
      ),
    },
    {
      title: 'steps that wait for each other',
      text: step(
        '- name: hen\n  after: [{name: egg}]\n  commands: [echo]\n- name: egg\n  after: [{name: hen}]\n  commands: [echo]',
      ),
    },
    {
      title: 'a step that waits for itself',
      text: step('- name: ego\n  after: [{name: ego}]\n  commands: [echo]'),
    },
    {
      title: 'if_files with another condition',
      text: step('- if_files:\n    exists: [/etc/x]\n  commands: [echo]'),
    },
    { title: 'the kernel’s name of an architecture', text: step('- only_arch: x86_64\n  commands: [echo]') },
    { title: 'an expression that is none', text: step('- only_os: "ubuntu(22"\n  commands: [echo]') },
    { title: 'an init that is not known', text: step('- only_service_manager: systmd\n  commands: [echo]') },
    {
      title: 'a provider that is not there',
      text: step('- datasource:\n    providers: [aws, digitaloceam]'),
    },
    { title: 'the provider file without a path', text: step('- datasource:\n    providers: [file]') },
    {
      title: 'an entry of a user database without its kind',
      text: step('- ensure_entities:\n    - entity: |\n        username: foo'),
    },
    { title: 'a git repository without a folder', text: step('- git:\n    url: https://example.org/x.git') },
    { title: 'a layout without a disk', text: step('- layout:\n    expand_partition: {size: 0}') },
  ],
  Values: [
    {
      title: 'a mode without its 0',
      text: step('- files:\n    - path: /etc/x\n      permissions: 644\n      content: x'),
    },
    {
      title: 'a mode with a 9',
      text: step('- files:\n    - path: /etc/x\n      permissions: 0699\n      content: x'),
    },
    {
      title: 'a mode in letters',
      text: step('- files:\n    - path: /etc/x\n      permissions: u=rw,g=r\n      content: x'),
    },
    {
      title: 'a mode of cloud-init that is none',
      text: `${HEAD}write_files:\n  - path: /etc/x\n    permissions: "0948"\n    content: x\n`,
    },
    { title: 'no mode', text: step('- files:\n    - path: /etc/x\n      content: x') },
    { title: 'a file without a path', text: step('- files:\n    - permissions: 0644\n      content: x') },
    {
      title: 'a path that is not absolute',
      text: step('- files:\n    - path: etc/x\n      permissions: 0644\n      content: x'),
    },
    { title: 'a path with ~', text: step('- directories:\n    - path: ~/x\n      permissions: 0755') },
    {
      title: 'base64 that is none',
      text: step(
        '- files:\n    - path: /etc/x\n      permissions: 0644\n      encoding: b64\n      content: hello world!',
      ),
    },
    {
      title: 'base64 that is not compressed',
      text: step(
        '- files:\n    - path: /etc/x\n      permissions: 0644\n      encoding: gz+b64\n      content: aGVsbG8=',
      ),
    },
    {
      title: 'an encoding that is none',
      text: step(
        '- files:\n    - path: /etc/x\n      permissions: 0644\n      encoding: bas64\n      content: aGVsbG8=',
      ),
    },
    {
      title: 'an owner by name',
      text: step(
        '- files:\n    - path: /etc/x\n      permissions: 0644\n      owner: root\n      content: x',
      ),
    },
    { title: 'a boolean in quotes', text: `${HEAD}install:\n  auto: "true"\n` },
    { title: 'a boolean that is none', text: `${HEAD}install:\n  auto: maybe\n` },
    { title: 'a number with a unit', text: `${HEAD}install:\n  partitions:\n    oem:\n      size: 10GB\n` },
    { title: 'a number in quotes', text: `${HEAD}install:\n  partitions:\n    oem:\n      size: "64"\n` },
    { title: 'a disk without /dev', text: `${HEAD}install:\n  device: sda\n` },
    { title: 'reboot and poweroff', text: `${HEAD}install:\n  reboot: true\n  poweroff: true\n` },
    {
      title: 'a URL that is none',
      text: step('- downloads:\n    - url: htp://example.org/x\n      path: /tmp/x\n      permissions: 0644'),
    },
    { title: 'a URL without its scheme', text: `${HEAD}config_url: example.org/config.yaml\n` },
    { title: 'a host’s name that is none', text: `${HEAD}hostname: my_host\n` },
    { title: 'a time that is none', text: `${HEAD}health:\n  deadline: 5 minutes\n` },
    {
      title: 'a check of two things',
      text: `${HEAD}health:\n  checks:\n    - unit: ssh.service\n      tcp: localhost:22\n`,
    },
    { title: 'a port that is missing', text: `${HEAD}health:\n  checks:\n    - tcp: localhost\n` },
    { title: 'a text for a map', text: `${HEAD}install: auto\n` },
    { title: 'a map for a text', text: step('- commands:\n    - echo: hello') },
    { title: 'a text for a list', text: step('- commands: echo hello') },
    { title: 'a block for a list', text: step('- commands: |\n    echo one\n    echo two') },
    { title: 'a list for a map', text: step('- sysctl:\n    - kernel.panic: 10') },
    { title: 'a role that is none', text: `${HEAD}p2p:\n  network_token: x\n  role: mster\n` },
    {
      title: 'what has no effect here',
      text: `${HEAD}install:\n  grub_options:\n    extra_cmdline: quiet\n`,
    },
    { title: 'partitions that are kept', text: `${HEAD}install:\n  no-format: true\n` },
    {
      title: 'partitions that are encrypted',
      text: `${HEAD}install:\n  encrypted_partitions:\n    - COS_PERSISTENT\n`,
    },
  ],
  'Users and keys': [
    { title: 'groups as a text', text: `${HEAD}users:\n  - name: kairos\n    groups: admin\n` },
    { title: 'groups with commas', text: `${HEAD}users:\n  - name: kairos\n    groups: admin, docker\n` },
    { title: 'a user without a name', text: `${HEAD}users:\n  - passwd: x\n` },
    { title: 'a user’s name that is a number', text: `${HEAD}users:\n  - name: 007\n` },
    { title: 'users as a map', text: `${HEAD}users:\n  kairos:\n    passwd: x\n` },
    { title: 'users of a step as a list', text: step('- users:\n    - name: kairos') },
    { title: 'a user twice', text: `${HEAD}users:\n  - name: kairos\n  - name: kairos\n` },
    {
      title: 'a password that is locked',
      text: `${HEAD}users:\n  - name: kairos\n    passwd: x\n    lock_passwd: true\n`,
    },
    { title: 'a hash that is cut off', text: `${HEAD}users:\n  - name: kairos\n    passwd: $6$abc\n` },
    {
      title: 'keys that are all comments',
      text: `${HEAD}users:\n  - name: kairos\n    ssh_authorized_keys:\n    # - github:USER\n`,
    },
    {
      title: 'a key that is cut off',
      text: `${HEAD}users:\n  - name: kairos\n    ssh_authorized_keys:\n      - ssh-ed25519 AAAAC3Nz\n`,
    },
    {
      title: 'a private key',
      text: `${HEAD}ssh_authorized_keys:\n  - |\n    -----BEGIN OPENSSH PRIVATE KEY-----\n    b3BlbnNzaC1rZXktdjEA\n`,
    },
    { title: 'keys by user in the wrong shape', text: step('- authorized_keys:\n    - github:USER') },
    { title: 'a GitHub user that is missing', text: `${HEAD}ssh_authorized_keys: ["github:"]\n` },
    {
      title: 'SSH by keys only, and no key',
      text: `${HEAD}install:\n  ssh_hardening: true\nusers:\n  - name: kairos\n    passwd: x\n`,
    },
  ],
  'Several files': [
    {
      title: 'a list here, a map there',
      text: [`${HEAD}x-own: 1\nusers:\n  - name: kairos\n`, `${HEAD}users:\n  kairos: {}\n`],
    },
    {
      title: 'steps of two files that wait for each other',
      text: [
        `${HEAD}name: a\nstages:\n  boot:\n    - name: one\n      after: [{name: b.two}]\n      commands: [echo]\n`,
        `${HEAD}name: b\nstages:\n  boot:\n    - name: two\n      after: [{name: a.one}]\n      commands: [echo]\n`,
      ],
    },
  ],
  Templates: [
    { title: 'a function that there is not', text: step('- hostname: "node-{{ uper .MachineID }}"') },
    { title: 'a value without its point', text: step('- hostname: "{{ MachineID }}"') },
    { title: 'braces that are not closed', text: step('- hostname: "{{ .MachineID }"') },
    {
      title: 'an if without its end',
      text: step(
        '- files:\n    - path: /etc/issue\n      permissions: 0644\n      content: |\n        hello\n        {{ if .Values.site }}on site',
      ),
    },
    {
      title: 'an operator',
      text: step('- commands:\n    - \'{{ if .Values.os.name == "debian" }}true{{ end }}\''),
    },
    { title: 'a function of sprig that is not here', text: step('- hostname: \'{{ genCA "x" 1 }}\'') },
  ],
};
