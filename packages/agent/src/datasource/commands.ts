import type { NodeCommand } from '../commands.ts';
import { AgentError } from '../error.ts';
import { findUserData, type Search } from './find.ts';
import { realHttp } from './http.ts';
import { configsOf, keepConfigs, USER_DATA_FOLDER, USER_DATA_NAME } from './keep.ts';
import { PROVIDERS, type ProviderName } from './types.ts';

export const datasourceCommands: readonly NodeCommand[] = [
  {
    name: 'datasource',
    description: 'take the configuration that the cloud, a disc or the firmware has for this machine',
    examples: [
      'cairn datasource',
      'cairn datasource --providers cdrom,config-drive',
      'cairn datasource --providers file --path /run/user-data --dry-run',
    ],
    options: {
      providers: {
        description: `where to look, of ${PROVIDERS.join(', ')}; all of them unless given`,
        default: '',
      },
      path: { description: 'the file of the provider `file`', default: '' },
      name: { description: `the file in ${USER_DATA_FOLDER} that it is kept in`, default: USER_DATA_NAME },
    },
    flags: { 'dry-run': 'say what there is, keep nothing' },
    async run(host, options, signal, { flags } = { flags: new Set() }) {
      const providers = parseProviders(options['providers'] ?? '');
      const name = options['name'] ?? USER_DATA_NAME;
      if (!/^[\w.-]+\.ya?ml$/.test(name)) {
        throw new AgentError(
          'bad-request',
          `${JSON.stringify(name)} is not the name of a file that ends with .yaml`,
        );
      }
      const search = await findUserData(
        { host, http: realHttp() },
        { providers, path: options['path'] || undefined },
        signal,
      );
      const configs = search.found === undefined ? [] : configsOf(search.found, name);
      const keeps = !flags.has('dry-run') && search.found !== undefined;
      const changed = keeps ? await keepConfigs(host.files, configs) : [];
      const { found, problems, took } = search;
      return {
        // What is in it may be secret.
        data: {
          provider: found?.provider,
          place: found?.place,
          files: configs.map((each) => each.name),
          changed,
          problems,
          took,
        },
        text: describe(search, configs.length, changed),
        healthy: problems.length === 0,
      };
    },
  },
];

function parseProviders(text: string): readonly ProviderName[] | undefined {
  const names = text.split(',').filter((name) => name !== '');
  if (names.length === 0) return undefined;
  return names.map((name) => {
    const known = PROVIDERS.find((each) => each === name);
    if (known !== undefined) return known;
    throw new AgentError('bad-request', `there is no provider ${JSON.stringify(name)}`, {
      hint: `Use ${PROVIDERS.join(', ')}.`,
    });
  });
}

function describe({ found, problems, took }: Search, configs: number, changed: readonly string[]): string {
  const seconds = `after ${(took / 1000).toFixed(1)} s`;
  const first =
    found === undefined
      ? `nobody has a configuration for this machine, ${seconds}`
      : `${found.provider}: ${found.place} has ${configs === 1 ? 'one configuration' : `${configs} configurations`}, ${seconds}`;
  const kept = changed.map((path) => `changed: ${path}`);
  return [first, ...kept, ...problems.map((problem) => `problem: ${problem}`)].join('\n');
}
