import { choice, duration, integer, list, object, text, texts } from './kinds.ts';

/** `health`: what has to hold before a release on trial is good. */

const check = object(
  'A check: exactly one of unit, tcp, http, command, kubernetes.',
  {
    unit: text('A unit that has to be active, with its ending: `ssh.service`.', {
      format: 'health-unit',
      templated: false,
    }),
    tcp: text('`HOST:PORT` that has to take a connection.', { format: 'tcp', templated: false }),
    http: text('A URL that has to answer.', { format: 'health-url', templated: false }),
    status: integer('The status that `http` has to answer with; 200 unless given.', 100, 599),
    command: texts('A program with its arguments, which has to succeed. It is not given to a shell.', {
      mostItems: 200,
    }),
    kubernetes: choice('`node-ready`: this machine is a node that is ready.', ['node-ready']),
    timeout: duration('How long one attempt may take; 10s unless given.', 1000, 600_000),
  },
  { rule: 'health-check' },
);

export const health = object('When a release on trial is good.', {
  deadline: duration('How long a boot may take to become healthy; 10m unless given.', 10_000, 3_600_000),
  'allow-failed': texts(
    'Units that may have failed, with `*` and `?`.',
    { mostItems: 200 },
    { format: 'unit-glob', templated: false },
  ),
  checks: list('What has to hold besides.', check, { mostItems: 200 }),
});
