/**
 * The `routes` part of the configuration's definition. conflicts-routes.ts checks whether the settings fit together.
 */
import * as z from 'zod/mini';
import { INTERFACE_PATTERN, interfaceNameProblem } from '../notation/names.ts';
import { checkAddress, checkDestination, checkGateway, checkTable } from '../notation/route-notation.ts';
import { between, field, onOrOff, problem, problemOf, textField, unknownKeys } from './parts.ts';

const ROUTE_TYPES = ['unicast', 'blackhole', 'unreachable', 'prohibit'] as const;
export type RouteType = (typeof ROUTE_TYPES)[number];

const flag = (description: string) => field(onOrOff(), description, [true]);

const via = field(
  textField((value) => problemOf(checkGateway(value)), { pattern: '^([0-9a-fA-F.:]+|(metadata:)?subnet-gateway)$' }),
  'The gateway: an address, or subnet-gateway from the cloud’s metadata service. Without a gateway, the destination is directly on the link.',
  ['10.0.1.1', 'subnet-gateway'],
);
const dev = field(
  textField(interfaceNameProblem, { pattern: INTERFACE_PATTERN }),
  'The interface. If it is left out, the kernel finds it by the gateway.',
  ['eth0'],
);

export const tableField = z
  .union([z.int(), z.string()], { error: 'write main, default or a number from 1' })
  .check(problem((value) => problemOf(checkTable(value))));

const nexthop = {
  via,
  dev,
  weight: field(between(1, 256), 'The next hop’s share of the flows, relative to the other weights (default: 1).', [1]),
  onlink: flag('The gateway is on the link, whatever the interface’s addresses say.'),
};

const route = {
  to: textField((value) => problemOf(checkDestination(value)), {
    pattern: '^([0-9a-fA-F.:]+(/[0-9]+)?|default|metadata:[a-z0-9-]+)$',
  }).check(
    z.meta({
      description: 'The destination: a network, default, or a network that the cloud’s metadata service names.',
      examples: ['10.0.0.0/16', 'metadata:vpc-ipv4-cidr-blocks'],
    }),
  ),
  via,
  dev,
  onlink: nexthop.onlink,
  nexthops: field(
    z
      .array(z.strictObject(nexthop, { error: unknownKeys(nexthop) }))
      .check(z.minLength(1, 'is empty; write a next hop, or leave the key out')),
    'Several next hops that share the flows (multipath).',
    [
      [
        { via: '10.0.1.1', weight: 2 },
        { via: '10.0.2.1', weight: 1 },
      ],
    ],
  ),
  nhid: field(
    between(1, 2 ** 32 - 1),
    'The number of a nexthop object or group (ip-nexthop(8)) that another program keeps; in place of via, dev and nexthops.',
    [42],
  ),
  type: field(
    z.enum(ROUTE_TYPES),
    'unicast (default), or a way to drop packets: without an answer (blackhole), or with one (unreachable, prohibit).',
  ),
  table: field(tableField, 'The routing table: a number, main (default) or default.', [100]),
  metric: field(
    between(0, 2 ** 32 - 1),
    'The kernel uses the route with the lowest metric to a destination (default: 0; for IPv6 1024, as the kernel’s own).',
    [100],
  ),
  src: field(
    textField((value) => problemOf(checkAddress(value)), { pattern: '^[0-9a-fA-F.:]+$' }),
    'The source address of packets whose program chose none.',
    ['10.0.1.5'],
  ),
  mtu: field(between(68, 65_535), 'The largest packet on this route, in bytes.', [1400]),
  takeOver: flag(
    'If true, a route of another program to the same destination is replaced; otherwise it is only reported.',
  ),
};

export const routes = field(
  z.array(z.strictObject(route, { error: unknownKeys(route) })),
  'Static routes, kept by netlink. Holdfast removes only routes that it made itself.',
  [
    [
      { to: '10.0.0.0/16', via: '10.0.1.1', dev: 'eth0' },
      { to: 'metadata:vpc-ipv4-cidr-block', via: 'subnet-gateway' },
    ],
  ],
);
