/** The part of the configuration's definition that `agent run` obeys: `report`, `probes` and `expect`. */
import * as z from 'zod/mini';
import { show } from '../config-error.ts';
import { PROBE_NAMES } from '../desired-daemon.ts';
import { checkEndpoint, pathProblem, SECRET_PATTERN, secretProblem } from '../notation/endpoint.ts';
import { SIZE_PATTERN, sizeProblem } from '../notation/quantities.ts';
import { UNIT_PATTERN, unitNameProblem } from '../notation/unit-names.ts';
import { groups } from './groups-section.ts';
import { durationField, field, listField, onOrOff, section, textField } from './parts.ts';

const LABEL_PATTERN = '^[A-Za-z_][A-Za-z0-9_.-]{0,62}$';
const LONGEST_LABEL = 256;

const file = textField(pathProblem, { pattern: '^/.*[^/]$' });
const secret = textField(secretProblem, { pattern: SECRET_PATTERN });
const trueOrFalse = onOrOff();

export const report = section(
  {
    endpoint: field(
      textField(
        (value) => {
          const checked = checkEndpoint(value);
          return 'problem' in checked ? checked.problem : undefined;
        },
        { pattern: '^[Hh][Tt][Tt][Pp][Ss]?://[^?#@]+$' },
      ),
      'Base URL of an OTLP/HTTP receiver, such as `agent collector`: `/v1/metrics` and `/v1/logs` below it are used. Without it nothing is sent.',
      ['https://collector.example.com:4318'],
    ),
    interval: field(durationField('1s', '1h'), 'Time between heartbeats (default: 30s).', ['30s']),
    format: field(z.enum(['protobuf', 'json']), 'Encoding of OTLP (default: protobuf).'),
    spool: field(
      textField(sizeProblem({ least: '1MiB', most: '1024GiB' }), { pattern: SIZE_PATTERN }),
      'Space on disk for reports that are not delivered yet (default: 64MiB).',
      ['64MiB'],
    ),
    enforce: field(
      trueOrFalse,
      'false: `agent run` reports what differs and changes no setting (default: true). `retire` and `ledger: always` still count.',
    ),
    ca: field(
      secret,
      'PEM file of the authorities that may sign the receiver’s certificate (default: Node’s own list).',
      ['/etc/holdfast/ca.pem'],
    ),
    certificate: field(secret, 'PEM file of the certificate that this host shows. `key` names its private key.', [
      '/etc/holdfast/agent.pem',
    ]),
    key: field(secret, 'PEM file of that certificate’s private key.', ['/etc/holdfast/agent.key', 'credential:key']),
    'token-file': field(secret, 'File with the bearer token. It is read again when it changes.', [
      '/etc/holdfast/token',
      'credential:token',
    ]),
    labels: field(
      z.record(
        textField(labelNameProblem, { pattern: LABEL_PATTERN }),
        textField(labelProblem, { maxLength: LONGEST_LABEL }),
      ),
      'Labels that the collector shows beside the host’s name.',
      [{ site: 'fra1', role: 'router' }],
    ),
  },
  'Where, how often and under which name `agent run` reports.',
);

export const probes = section(
  {
    'memory-errors': section(
      {
        logs: field(
          z.array(
            z.strictObject(
              { path: file },
              { error: ({ code }) => (code === 'unrecognized_keys' ? 'path' : undefined) },
            ),
          ),
          'Logs of routing daemons to follow, also through rotation.',
          [[{ path: '/var/log/frr/frr.log' }]],
        ),
        journal: field(
          listField(textField(unitNameProblem, { pattern: UNIT_PATTERN }), { most: 32, full: 'list at most 32 units' }),
          'Units of routing daemons whose messages in systemd’s journal are followed.',
          [['frr.service', 'bird.service']],
        ),
      },
      'Memory errors of the kernel and of routing daemons.',
    ),
    canary: section(
      {
        interval: field(
          durationField('1s', '24h', true),
          'Time between two test routes (default: 60s); 0s switches the canary off.',
          ['60s'],
        ),
      },
      'A test route, added and deleted in a table of its own, that shows whether the kernel still takes routes.',
    ),
    off: field(listField(z.enum(PROBE_NAMES)), 'Probes that do not run.', [['nameservers']]),
  },
  'Settings of the probes of `agent run` and `agent probe`.',
);

export const expect = section(
  {
    default: section(
      {
        nexthops: field(
          z.int({ error: 'write a whole number from 1' }).check(z.gte(1, 'write a whole number from 1')),
          'How many next hops each default route should have.',
          [2],
        ),
      },
      'The default routes.',
    ),
    groups,
  },
  'What this host should have. A lack is reported.',
);

function labelNameProblem(name: string): string | undefined {
  if (new RegExp(LABEL_PATTERN).test(name)) return undefined;
  return `${show(name)} is no label; write up to 63 letters, digits, _ . and -, a letter or _ first`;
}

function labelProblem(value: string): string | undefined {
  if (/[\x00-\x1f\x7f]/.test(value)) return `${show(value)} has a line break or control character; write one line`;
  return value.length > LONGEST_LABEL ? `is longer than ${LONGEST_LABEL} characters; shorten it` : undefined;
}
