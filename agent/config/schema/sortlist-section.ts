/** The `dns.sortlist` part of the configuration's definition: networks, and names whose addresses are measured. */
import * as z from 'zod/mini';
import { show } from '../config-error.ts';
import { checkSortlistPair } from '../notation/addresses.ts';
import { MAX_SORTLIST } from '../notation/limits.ts';
import { DOMAIN_PATTERN, domainProblem } from '../notation/names.ts';
import { between, durationField, field, listField, textField, unknownKeys } from './parts.ts';

const MOST_TRIES = 20;

const pair = textField(pairProblem, { pattern: '^[0-9.]+(/[0-9.]+)?$' });

const nearest = {
  name: textField(fullNameProblem, { pattern: DOMAIN_PATTERN, maxLength: 253 }).check(
    z.meta({ description: 'The full name whose IPv4 addresses are measured.', examples: ['puppet.example.com'] }),
  ),
  port: between(1, 65_535).check(
    z.meta({ description: 'The TCP port of the connections; each is closed at once.', examples: [8140] }),
  ),
  tries: field(
    between(1, MOST_TRIES),
    'Number of connections to each address in one measurement; the quickest counts (default: 5).',
    [5],
  ),
  interval: field(durationField('1s', '24h'), 'Time between the daemon’s measurements (default: 5m).', ['5m']),
};

const entry = {
  nearest: z
    .strictObject(nearest, { error: unknownKeys(nearest) })
    .check(
      z.meta({ description: 'The addresses of a name, the nearest first, by the time that a TCP connection takes.' }),
    ),
};

export const sortlist = field(
  listField(
    z.union([pair, z.strictObject(entry, { error: unknownKeys(entry) })], {
      error: 'write a network, such as 10.72.0.0/16, or { nearest: { name: puppet.example.com, port: 8140 } }',
    }),
    { most: MAX_SORTLIST, full: `has more than ${MAX_SORTLIST} pairs, and libc reads only so many; take some out` },
  ),
  'Networks whose addresses come first in an answer: at most 10 IPv4 networks with prefix or netmask, or names to measure.',
  [
    ['10.72.52.100/32', '10.72.0.0/255.255.0.0'],
    [{ nearest: { name: 'puppet.example.com', port: 8140 } }, '10.0.0.0/8'],
  ],
);

function pairProblem(value: string): string | undefined {
  const checked = checkSortlistPair(value);
  return 'problem' in checked ? checked.problem : undefined;
}

/** The name is looked up as it stands, without the search domains. */
function fullNameProblem(name: string): string | undefined {
  if (/^[0-9.]+$/.test(name)) return `${show(name)} is an address and no name; write ${name}/32 in the sortlist itself`;
  const problem = domainProblem(name);
  if (problem !== undefined || name.includes('.')) return problem;
  return `${show(name)} is not a full name; write it with its domain, such as puppet.example.com`;
}
