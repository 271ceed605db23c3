/** The `egress` part of the configuration's definition. */
import * as z from 'zod/mini';
import { show } from '../config-error.ts';
import { field, section, textField } from './parts.ts';

export const egress = section(
  {
    default: textField((value) => (value === 'bgp' ? undefined : `${show(value)} is not known; write bgp`), {
      enum: ['bgp'],
      description: 'Whose IPv4 default route is to be used: the one that a BGP daemon learned.',
    }),
    dhcp: field(
      z.enum(['drop', 'behind']),
      'What becomes of the DHCP server’s default route while BGP’s is there: `agent run` takes it away and puts it back when BGP’s goes (drop, default), or it stays behind all others (behind).',
    ),
  },
  'Which default route this host leaves by.',
);
