import { STAGES } from './schema/stages.ts';
import type { Shape } from './shape.ts';

const INTRO = `# Configuration

One YAML file describes a machine. It is Kairos’s cloud-config: its files mean the same here, and what cloud-init’s users know is
understood where it says so. \`cairn config validate FILE\` looks at one, \`cairn config schema\` prints the JSON Schema of this page
for editors, and [Configuration mistakes](configuration-mistakes.md) shows what is told of what is wrong. This page is generated from the
schema by \`node packages/config/scripts/docs.ts\`.

\`\`\`yaml
#cloud-config
hostname: "node-{{ trunc 4 .MachineID }}"
users:
  - name: kairos
    groups: [admin]
    ssh_authorized_keys:
      - github:USER
stages:
  boot:
    - name: greeting
      if: '[ ! -e /etc/motd ]'
      files:
        - path: /etc/motd
          permissions: 0644
          content: |
            This machine is made anew at each boot.
\`\`\`

## Files

The first ten lines have one that is \`#cloud-config\`, \`#kairos-config\` or \`#node-config\`; only \`name\` and \`stages\` are read of a
file without it. Files end with \`.yaml\` or \`.yml\`, are UTF-8, and have at most 4 MiB. They are merged in this order, the later over the
earlier, and in a folder by name:

1. \`/system/oem\`, which is in the image
2. \`/run/initramfs/live\`
3. \`/etc/kairos\`
4. \`/usr/local/cloud-config\`
5. \`/oem\`
6. the kernel’s command line

Maps are merged deeply. Lists of maps are put one after the other; lists of texts are joined, each text once. Of anything else the later
counts. A key without a value (null) empties what earlier files say. \`cairn config explain\` shows where each value came from.

Stages’ steps are run file by file, in the order of \`/system/oem\`, \`/oem\`, \`/usr/local/cloud-config\`; those of a file one after the
other. A step with \`after\` waits for what it names: \`FILE.STEP\`, where FILE is the file’s \`name\` or its path and STEP the step’s \`name\`
or its number; the step’s name alone is enough where only one has it.

On the kernel’s command line \`kairos.config=KEY=VALUE\` sets a value (\`kairos.config=users.0.name=kairos\`),
\`kairos.config_url=URL\` names a further configuration, and \`cos.setup=\` is an older name of both. Keys of this page may stand there by
themselves too: \`stages.boot[0].commands[0]="echo hello"\`.

## How values are written

YAML is read as Kairos’s Go library reads it.

| value | is written |
| --- | --- |
| boolean | \`true\`, \`false\`, and also \`yes\`, \`no\`, \`on\`, \`off\`, \`y\`, \`n\` |
| mode | octal: \`0644\`, \`0o644\`, \`"0644"\`; without the 0 before it a number is decimal to Kairos, and an error here |
| text | as it is, or in quotes; a number or a boolean is taken as it is written |
| time | \`90s\`, \`10m\`, \`1h30m\`; seconds where it is only a number |
| template | Go’s, in quotes: \`"{{ .MachineID }}"\`, where the table says “template” |

Keys of the whole file that begin with \`x-\` or a point are yours, for anchors.

## What is told

Errors and warnings have file, line, column and path, and mostly what to write instead. A key that nothing reads is an error. With
\`--lenient\`, as at boot, whatever a machine can boot with is a warning; with \`--strict\` a warning is an error. Keys that are marked
“no effect” are understood and change nothing here.
`;

/** The reference of all keys, as Markdown. */
export function configReference(shape: Shape): string {
  if (shape.kind !== 'object') throw new TypeError('a configuration is an object');
  const sections: string[] = [INTRO, stagesSection(), '## Keys of the whole file\n', table(shape)];
  for (const [key, field] of shape.fields) sections.push(...sectionsOf(field, key));
  return `${sections.join('\n')}\n`
    .replaceAll(/\n{3,}/g, '\n\n')
    .trimEnd()
    .concat('\n');
}

function stagesSection(): string {
  const rows = Object.entries(STAGES).map(([name, when]) => `| \`${name}\` | ${when} |`);
  return [
    '## Stages\n',
    'Each also has a `.before` and an `.after`. `provider-kairos.bootstrap.before.ROLE` and `.after.ROLE` are known too.\n',
    '| stage | when |\n| --- | --- |',
    ...rows,
    '',
  ].join('\n');
}

function sectionsOf(shape: Shape, path: string): string[] {
  const inner = shape.kind === 'list' ? shape.item : shape.kind === 'map' ? shape.value : shape;
  const below = shape.kind === 'list' ? `${path}[]` : shape.kind === 'map' ? `${path}.NAME` : path;
  if (inner.kind === 'list' || inner.kind === 'map') return inner === shape ? [] : sectionsOf(inner, below);
  if (inner.kind !== 'object') return [];
  const title = path === 'stages.NAME' ? 'stages.STAGE[]' : below;
  const text = shape === inner ? shape.about : `${shape.about} ${inner.about}`;
  return [
    `## \`${title}\`\n`,
    `${text}\n`,
    table(inner),
    ...[...inner.fields].flatMap(([key, field]) => sectionsOf(field, `${title}.${key}`)),
  ];
}

function table(shape: Shape): string {
  if (shape.kind !== 'object') return '';
  const rows = [...shape.fields].map(([key, field]) => {
    const { noEffect, templated } = field.facts;
    const more = [
      ...(templated === true ? ['Template.'] : []),
      ...(noEffect === undefined ? [] : [`**No effect**: ${noEffect}.`]),
    ];
    return `| \`${key}\` | ${kindOf(field)} | ${[field.about, ...more].join(' ').trim()} |`;
  });
  return ['| key | value | |', '| --- | --- | --- |', ...rows, ''].join('\n');
}

const SCALARS = {
  text: 'text',
  boolean: 'boolean',
  integer: 'number',
  mode: 'mode',
  'octal-text': 'mode',
  duration: 'time',
} as const;

function kindOf(shape: Shape): string {
  if (shape.kind === 'scalar') return SCALARS[shape.facts.scalar ?? 'text'];
  if (shape.kind === 'list') return `list of ${plural(shape.item)}`;
  if (shape.kind === 'map') return `${plural(shape.value)} by name`;
  return shape.kind === 'any' ? 'anything' : 'map';
}

function plural(shape: Shape): string {
  const kind = kindOf(shape);
  return shape.kind === 'list' ? `lists of ${plural(shape.item)}` : `${kind}s`;
}
