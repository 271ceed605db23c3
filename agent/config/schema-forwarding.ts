/** `forwarding` of the configuration: what makes a host a gateway. */
import * as z from 'zod/mini';
import { show } from './errors.ts';
import { field, problem, section } from './schema-parts.ts';

const ONLY_OFF = 'write off, or leave the key out';

const family = (name: string) =>
  field(
    z.boolean({ error: 'write true or false' }),
    `Whether ${name} packets are forwarded, on every interface that is there or comes.`,
    [true],
  );

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
  },
  'A host that forwards: a gateway, a VPN server, a router. What is left out stays as it is.',
);
