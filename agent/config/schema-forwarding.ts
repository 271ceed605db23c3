/** `forwarding` of the configuration: what makes a host a gateway. */
import * as z from 'zod/mini';
import { checkPrefix } from './addresses.ts';
import { type Checked, show } from './errors.ts';
import { INTERFACE_PATTERN, interfaceNameProblem } from './names.ts';
import { field, problem, section, text, unknownKeys } from './schema-parts.ts';

const ONLY_OFF = 'write off, or leave the key out';

const family = (name: string) =>
  field(
    z.boolean({ error: 'write true or false' }),
    `Whether ${name} packets are forwarded, on every interface that is there or comes.`,
    [true],
  );

const masquerade = {
  out: text(interfaceNameProblem, { pattern: INTERFACE_PATTERN, description: 'The interface that they leave by.' }),
  from: text((value) => problemOf(checkPrefix(value)), {
    pattern: '^[0-9a-fA-F.:]+(/[0-9]+)?$',
    description: 'The network that they come from, IPv4 or IPv6.',
  }),
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
      'off: no ICMP redirects are sent, and none are believed, on any interface.',
      ['off'],
    ),
    masquerade: field(
      z.array(z.strictObject(masquerade, { error: unknownKeys(masquerade) })),
      'Networks whose packets get the address of the interface that they leave by (source NAT).',
      [[{ out: 'eth0', from: '10.99.0.0/24' }]],
    ),
  },
  'A host that forwards: a gateway, a VPN server, a router. What is left out stays as it is.',
);

function problemOf(checked: Checked): string | undefined {
  return 'problem' in checked ? checked.problem : undefined;
}
