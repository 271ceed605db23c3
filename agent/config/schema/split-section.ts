/** Names that are asked at servers of their own: `dns.split`. */
import * as z from 'zod/mini';
import { rangeOf, unmappedAddress } from '../../address/address-checks.ts';
import { show } from '../config-error.ts';
import { checkNameserver } from '../notation/addresses.ts';
import { MOST_SPLIT_DOMAINS, MOST_SPLIT_SERVERS, MOST_SPLITS } from '../notation/limits.ts';
import { DOMAIN_PATTERN, domainProblem } from '../notation/names.ts';
import { splitDomainProblem } from '../notation/split-domains.ts';
import { field, listField, textField, unknownKeys } from './parts.ts';

const domain = textField(splitDomainProblem, { pattern: DOMAIN_PATTERN, maxLength: 253 });
const server = textField(serverProblem, { pattern: '^[0-9a-fA-F.:]+(%.+)?$' });

const entry = {
  domains: listField(domain, {
    empty: 'is empty; write a domain, or take the entry out',
    most: MOST_SPLIT_DOMAINS,
    full: `has more than ${MOST_SPLIT_DOMAINS} domains; write the domain above them, or another entry`,
  }).check(
    z.meta({
      description: 'Domains that are asked, with all names below them, only at `servers`.',
      examples: [['corp.example', '10.in-addr.arpa']],
    }),
  ),
  servers: listField(server, {
    empty: 'is empty, and nobody would be asked; write an address, or take the entry out',
    most: MOST_SPLIT_SERVERS,
    full: `has more than ${MOST_SPLIT_SERVERS} servers; take some out`,
  }).check(z.meta({ description: 'Addresses of the servers of these domains.', examples: [['10.0.0.2']] })),
  verify: field(
    textField(domainProblem, { pattern: DOMAIN_PATTERN, maxLength: 253 }),
    'A name of these domains that `dns.verify` looks up as the proof of this entry; without it, the SOA record of each domain.',
    ['intranet.corp.example'],
  ),
};

export const split = field(
  listField(z.strictObject(entry, { error: unknownKeys(entry) }), {
    empty: 'is empty; write an entry, or leave the key out',
    most: MOST_SPLITS,
    full: `has more than ${MOST_SPLITS} entries; join those with the same servers`,
  }),
  'Names that are asked at servers of their own, and only there. The forwarder on this host that libc asks holds it: systemd-resolved, dnsmasq or unbound.',
  [[{ domains: ['corp.example', '10.in-addr.arpa'], servers: ['10.0.0.2'] }]],
);

function serverProblem(text: string): string | undefined {
  const checked = checkNameserver(text);
  if ('problem' in checked) return checked.problem;
  const address = unmappedAddress(checked.value);
  const isOwn = address !== null && rangeOf(address) === 'loopback';
  return isOwn ? `${show(text)} is this host, which would ask itself; write the address of another host` : undefined;
}
