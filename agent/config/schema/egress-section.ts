/** The `egress` part of the configuration's definition. */
import * as z from 'zod/mini';
import { show } from '../config-error.ts';
import { field, section, textField } from './parts.ts';

export const egress = section(
  {
    default: textField((value) => (value === 'bgp' ? undefined : `${show(value)} is not known; write bgp`), {
      enum: ['bgp'],
      description: 'The source of the IPv4 default route: bgp, a route that a BGP daemon learned.',
    }),
    dhcp: field(
      z.enum(['drop', 'behind']),
      'The DHCP server’s default route while BGP’s route exists: `agent run` removes it and puts it back when BGP’s route is gone (drop, default), or it ranks behind all other routes (behind).',
    ),
  },
  'The default route that this host uses.',
);
