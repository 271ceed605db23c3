/** How a change is confirmed: `confirm`. */
import * as z from 'zod/mini';
import { ipAddress } from '../../address/address-checks.ts';
import { show } from '../config-error.ts';
import { domainProblem } from '../notation/names.ts';
import { isRolloutName } from '../notation/rollout-name.ts';
import { checkTcpTarget } from '../notation/tcp-target.ts';
import { between, durationField, field, listField, problem, section, textField, unknownKeys } from './parts.ts';

/** The most further witnesses. Each is asked every second, and anew each time. */
const MOST_ALSO = 16;

const also = {
  tcp: field(
    textField(tcpProblem, { pattern: '^.+:[0-9]{1,5}$' }),
    'An address or a name with a TCP port that accepts a connection.',
    ['10.0.0.5:22'],
  ),
  ping: field(
    textField(pingProblem, { pattern: '^(gateway|[0-9a-fA-F.:]+)$' }),
    'An address that answers a ping; gateway stands for the gateways of the default routes.',
    ['gateway'],
  ),
  host: field(
    textField(domainProblem, { maxLength: 253 }),
    'The name of another host with Holdfast, from which the collector must hear after the change.',
    ['db1.example.com'],
  ),
};

const EXAMPLE = 'write { tcp: "10.0.0.5:22" }, { ping: gateway } or { host: db1.example.com }';

export const confirm = section(
  {
    by: field(
      z.enum(['collector', 'local']),
      'Who confirms a change: collector (default with report.endpoint), or local: gateways, name servers and those of also.',
    ),
    within: field(
      durationField('10s', '1h'),
      'Time in which the witnesses must answer again after a change; otherwise it is put back (default: 120s).',
      ['120s'],
    ),
    also: field(
      listField(
        z
          .strictObject(also, { error: ({ code }) => unknownKeys(also)({ code }) ?? EXAMPLE })
          .check(problem((one: object) => (Object.keys(one).length === 1 ? undefined : EXAMPLE))),
        { most: MOST_ALSO, full: `has more than ${MOST_ALSO} witnesses; take some out` },
      ),
      'Further witnesses that must be reached as before.',
      [[{ tcp: '10.0.0.5:22' }, { ping: 'gateway' }]],
    ),
    inbound: field(
      between(1, 65_535),
      'A TCP port of this host to which the collector connects from its own side, before and after a change.',
      [22],
    ),
    waves: field(
      z.union(
        [
          z.boolean(),
          z.string().check(problem(rolloutProblem), z.meta({ pattern: '^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$' })),
        ],
        {
          error: ({ input }) =>
            typeof input === 'number'
              ? `${input} is a number; write it in quotes`
              : 'write true, or the name of the rollout, such as release-7',
        },
      ),
      'Ask the collector before a change is applied: it admits 1 host, then 1 %, 10 % and all. A name makes one rollout of hosts whose configurations differ.',
      [true, 'release-7'],
    ),
  },
  'A change is a trial: if it cuts the host off from a witness that answered before, Holdfast puts the change back.',
);

function rolloutProblem(value: string): string | undefined {
  return isRolloutName(value)
    ? undefined
    : `${show(value)} is no name of a rollout; write one such as release-7 (letters, digits, dots, _ and -, not config- at its beginning)`;
}

function tcpProblem(value: string): string | undefined {
  const checked = checkTcpTarget(value);
  return 'problem' in checked ? checked.problem : undefined;
}

function pingProblem(value: string): string | undefined {
  if (value === 'gateway' || ipAddress(value) !== null) return undefined;
  return `${show(value)} is no address; write gateway, or an address such as 10.0.0.5`;
}
