/** `forwarding` of the configuration: the settings that make a host a gateway. */
import * as z from 'zod/mini';
import { show } from '../config-error.ts';
import { DNSMASQ_FILE } from '../desired.ts';
import { checkPrefix } from '../notation/addresses.ts';
import { checkRouter, TAG_PATTERN, tagProblem } from '../notation/dnsmasq-tags.ts';
import { pathProblem } from '../notation/endpoint.ts';
import { interfacePatternProblem, OUTGOING_PATTERN } from '../notation/names.ts';
import { field, listField, onOrOff, problem, problemOf, section, textField, unknownKeys } from './parts.ts';

const ONLY_OFF = 'write off, or leave the key out';

const family = (name: string) =>
  field(onOrOff(), `Whether ${name} packets are forwarded, on all present and future interfaces.`, [true]);

const masquerade = {
  out: textField(interfacePatternProblem, {
    pattern: OUTGOING_PATTERN,
    description: 'The outgoing interface. A * at the end stands for the rest of the name.',
  }),
  from: networkField('The network of the packets’ sources, IPv4 or IPv6.'),
  except: field(
    listField(networkField('A network of destinations.'), { empty: 'is empty; write a network, or leave except out' }),
    'Packets to these networks keep their source.',
    [['10.0.0.0/8']],
  ),
};

const network = {
  router: textField((value) => problemOf(checkRouter(value)), {
    pattern: '^[0-9.]+/[0-9]+$',
    description: 'This host’s address in the clients’ network, with its prefix length.',
  }),
  tag: field(
    textField(tagProblem, { pattern: TAG_PATTERN }),
    'The tag that dnsmasq’s dhcp-range sets. Without a tag, all clients get the routes.',
    ['lan'],
  ),
};

export const forwarding = section(
  {
    ipv4: family('IPv4'),
    ipv6: family('IPv6'),
    redirects: field(
      z.string({ error: ONLY_OFF }).check(
        problem((value) => (value === 'off' ? undefined : `${show(value)}: ${ONLY_OFF}`)),
        z.meta({ enum: ['off'] }),
      ),
      'off: no interface sends or accepts ICMP redirects.',
      ['off'],
    ),
    masquerade: field(
      z.array(z.strictObject(masquerade, { error: unknownKeys(masquerade) })),
      'Networks whose packets get the address of the outgoing interface as their source (source NAT).',
      [[{ out: 'ppp*', from: '10.99.0.0/24', except: ['10.0.0.0/8'] }]],
    ),
    dnsmasq: section(
      {
        file: field(
          textField(pathProblem, { pattern: '^/.*[^/]$' }),
          `The file that dnsmasq reads. No other program may write it (default: ${DNSMASQ_FILE}).`,
          [DNSMASQ_FILE],
        ),
        networks: z.array(z.strictObject(network, { error: unknownKeys(network) })).check(
          z.minLength(1, 'is empty; write a network, or leave dnsmasq out'),
          z.meta({
            description: 'The networks that dnsmasq serves.',
            examples: [[{ router: '10.99.0.1/24', tag: 'lan' }]],
          }),
        ),
        dns: field(
          onOrOff(),
          'true: the clients also get the name servers and the search domains under `dns`: options 6 and 119. A server on this host (127.0.0.1) is told as `router`.',
          [true],
        ),
      },
      'A dnsmasq on this host hands the routes under `routes` to its clients: options 121 and 249, and this host as their router: option 3.',
    ),
  },
  'Settings of a host that forwards packets: a gateway, a VPN server, a router. A setting that is left out stays as it is.',
);

function networkField(description: string) {
  return textField((value) => problemOf(checkPrefix(value)), { pattern: '^[0-9a-fA-F.:]+(/[0-9]+)?$', description });
}
