import { idle } from './facts.ts';
import {
  anything,
  boolean,
  choice,
  integer,
  mapOf,
  object,
  openObject,
  text,
  textMap,
  texts,
} from './kinds.ts';

/** Keys of Kairos's provider and of its other parts. */

const LATER = 'nothing here acts on it yet';

const kubernetes = (about: string, more: object = {}) =>
  object(
    about,
    {
      enabled: boolean('Whether it runs.'),
      env: textMap('Its variables.', { keys: 'variable' }),
      args: texts('Its arguments.'),
      replace_env: boolean('`env` takes the place of what is usual.'),
      replace_args: boolean('`args` takes the place of what is usual.'),
      embedded_registry: boolean('Nodes hand images to each other.'),
    },
    { rule: 'kubernetes', instead: { enable: 'Write enabled.', ...more } },
  );

export const cluster = {
  k3s: idle(kubernetes('A server of k3s.'), LATER),
  'k3s-agent': idle(kubernetes('An agent of k3s.'), LATER),
  k0s: idle(kubernetes('A controller of k0s.'), LATER),
  'k0s-worker': idle(kubernetes('A worker of k0s.'), LATER),
  p2p: idle(
    object(
      'Clusters that form by themselves.',
      {
        network_token: text('The secret that all nodes share.', { secret: true }),
        network_id: text('Name of the network.'),
        role: choice('Role of this node.', [
          'master',
          'worker',
          'none',
          'master/ha',
          'master/clusterinit',
          'auto',
          '',
        ]),
        dns: boolean('Names of nodes are resolved.'),
        loglevel: text('How much is logged.'),
        vpn: object(
          'The virtual network.',
          {
            create: boolean('Makes it.'),
            use: boolean('Kubernetes uses it.'),
            env: textMap('Variables of EdgeVPN.', { keys: 'variable' }),
          },
          { instead: { vpn: 'Write create.' } },
        ),
        minimum_nodes: integer('How many nodes to wait for.'),
        disable_dht: boolean('Looks for nodes in the local network only.'),
        auto: object(
          'Gives out roles.',
          {
            enable: boolean('Does so.'),
            ha: object('Several masters.', {
              enable: boolean('Has several.'),
              external_db: text('Database outside of the cluster.', { secret: true }),
              master_nodes: integer('How many besides the first.'),
            }),
          },
          { instead: { enabled: 'Write enable.' } },
        ),
        dynamic_roles: boolean('Gives roles of lost nodes to others.'),
      },
      { rule: 'p2p', instead: { token: 'Write network_token.' } },
    ),
    LATER,
  ),
  kubevip: idle(
    openObject(
      'A virtual address for the cluster.',
      {
        eip: text('The address.'),
        enable: boolean('Has one.'),
        interface: text('The network interface.'),
        manifest_url: text('Where its manifest is.'),
        static_pod: boolean('Runs as a static pod.'),
        version: text('Version of kube-vip.'),
        image: text('Image of kube-vip.'),
      },
      { instead: { enabled: 'Write enable.' } },
    ),
    LATER,
  ),
  kcrypt: idle(
    openObject('Encryption of partitions.', {
      challenger: object('A server that gives out passphrases.', {
        challenger_server: text('Its URL.'),
        mdns: boolean('Looks for it in the local network.'),
        certificate: text('Its certificate.'),
        nv_index: text('Index in the TPM.'),
        c_index: text('Index in the TPM of the certificate.'),
        tpm_device: text('The TPM.'),
      }),
      nv_index: text('Index in the TPM.'),
      c_index: text('Index in the TPM of the certificate.'),
      tpm_device: text('The TPM.'),
    }),
    'partitions are not encrypted yet',
  ),
  phonehome: idle(
    object('A fleet server.', {
      url: text('Of the server.', { format: 'web-url' }),
      registration_token: text('To sign up with.', { secret: true }),
      group: text('Group of nodes.'),
      labels: textMap('Labels of the node.'),
      heartbeat_interval: text('Such as `30s`.'),
      reconnect_backoff: text('Such as `5s`.'),
      artifact_download_retries: integer('How often a download is tried.'),
      artifact_download_retry_interval: text('Such as `5s`.'),
      allowed_commands: texts('What the server may have done.'),
    }),
    LATER,
  ),
  cluster: idle(anything('Settings of other providers of Kairos.'), LATER),
  kairos: idle(anything('Settings of entangle.'), LATER),
  providers: idle(
    object('Plugins.', { paths: texts('Folders with plugins.', {}, { format: 'path' }) }),
    'there are no plugins',
  ),
  labels: idle(mapOf('Labels.', text('')), LATER),
} as const;
