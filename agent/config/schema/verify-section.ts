/** How a change of DNS is proved: `dns.verify`. */
import * as z from 'zod/mini';
import { checkPrefix } from '../notation/addresses.ts';
import { MAX_NAMESERVERS } from '../notation/limits.ts';
import { DOMAIN_PATTERN, domainProblem } from '../notation/names.ts';
import { durationField, field, listField, section, textField } from './parts.ts';

export const verify = section(
  {
    name: textField(domainProblem, { pattern: DOMAIN_PATTERN, maxLength: 253 }).check(
      z.meta({ description: 'The name that the name servers must know.', examples: ['puppet.example.com'] }),
    ),
    expect: field(
      listField(textField(networkProblem, { pattern: '^[0-9a-fA-F.:]+(/[0-9]+)?$' }), {
        empty: 'is empty, and no answer would be right; write a network, or leave the key out',
      }),
      'Networks that must contain all addresses of the name; any other answer counts as no answer.',
      [['10.72.0.0/16']],
    ),
    timeout: field(
      durationField('100ms', '10s'),
      'Time limit for an answer. If an answer is truncated, the question by TCP has the same time again (default: 2s).',
      ['2s'],
    ),
    quorum: field(
      z
        .int({ error: 'write a whole number from 1' })
        .check(z.gte(1, 'write a whole number from 1'), z.lte(MAX_NAMESERVERS, `write at most ${MAX_NAMESERVERS}`)),
      'How many of the name servers must answer (default: 1).',
      [2],
    ),
  },
  'A change of DNS is kept only if the name servers answer for this name and the host can look it up afterwards. Otherwise the change is put back.',
);

function networkProblem(value: string): string | undefined {
  const checked = checkPrefix(value);
  return 'problem' in checked ? checked.problem : undefined;
}
