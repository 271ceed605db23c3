/**
 * The `routes` part of the configuration's definition. conflicts-routes.ts checks whether the settings fit together.
 */
import * as z from 'zod/mini';
import type { Checked } from '../config-error.ts';
import { INTERFACE_PATTERN, interfaceNameProblem } from '../notation/names.ts';
import { checkAddress, checkDestination, checkGateway, checkTable } from '../notation/route-notation.ts';
import { between, field, onOrOff, problem, textField, unknownKeys } from './parts.ts';

const ROUTE_TYPES = ['unicast', 'blackhole', 'unreachable', 'prohibit'] as const;
export type RouteType = (typeof ROUTE_TYPES)[number];

const flag = (description: string) => field(onOrOff(), description, [true]);

const via = field(
  textField((value) => problemOf(checkGateway(value)), { pattern: '^([0-9a-fA-F.:]+|(metadata:)?subnet-gateway)$' }),
  'The gateway: an address, or subnet-gateway, as the cloud’s metadata service knows it. Left out: directly on the link.',
  ['10.0.1.1', 'subnet-gateway'],
);
const dev = field(
  textField(interfaceNameProblem, { pattern: INTERFACE_PATTERN }),
  'The interface; where it is left out the kernel finds it by the gateway.',
  ['eth0'],
);

const nexthop = {
  via,
  dev,
  weight: field(between(1, 256), 'The share of the flows that it gets, beside the other weights (default: 1).', [1]),
  onlink: flag('The gateway is on the link, whatever the interface’s addresses say.'),
};

const route = {
  to: textField((value) => problemOf(checkDestination(value)), {
    pattern: '^([0-9a-fA-F.:]+(/[0-9]+)?|default|metadata:[a-z0-9-]+)$',
  }).check(
    z.meta({
      description: 'The destination: a network, default, or one that the cloud’s metadata service knows.',
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
    'Several next hops, among which the flows are shared out (multipath).',
    [
      [
        { via: '10.0.1.1', weight: 2 },
        { via: '10.0.2.1', weight: 1 },
      ],
    ],
  ),
  nhid: field(
    between(1, 2 ** 32 - 1),
    'Instead of via, dev and nexthops: the number of a nexthop object (ip-nexthop(8)), or of a group of them, that somebody else keeps.',
    [42],
  ),
  type: field(
    z.enum(ROUTE_TYPES),
    'unicast (default), or what becomes of packets that go nowhere: dropped in silence (blackhole), or with an answer (unreachable, prohibit).',
  ),
  table: field(
    z
      .union([z.int(), z.string()], { error: 'write main, default or a number from 1' })
      .check(problem((value) => problemOfTable(value))),
    'The routing table: a number, main (default) or default.',
    [100],
  ),
  metric: field(
    between(0, 2 ** 32 - 1),
    'Of routes to the same destination the one with the lowest is used (default: 0; of IPv6 routes 1024, the kernel’s own).',
    [100],
  ),
  src: field(
    textField((value) => problemOf(checkAddress(value)), { pattern: '^[0-9a-fA-F.:]+$' }),
    'The address of this host that packets go out with, where their program chose none.',
    ['10.0.1.5'],
  ),
  mtu: field(between(68, 65_535), 'The largest packet, in bytes, that goes this way whole.', [1400]),
  takeOver: flag('Replaces a route of somebody else’s to the same destination, instead of only reporting it.'),
};

export const routes = field(
  z.array(z.strictObject(route, { error: unknownKeys(route) })),
  'Static routes, kept by netlink. Only those that Holdfast made itself are ever removed.',
  [
    [
      { to: '10.0.0.0/16', via: '10.0.1.1', dev: 'eth0' },
      { to: 'metadata:vpc-ipv4-cidr-block', via: 'subnet-gateway' },
    ],
  ],
);

function problemOf(checked: Checked): string | undefined {
  return 'problem' in checked ? checked.problem : undefined;
}

function problemOfTable(table: string | number): string | undefined {
  const checked = checkTable(table);
  return 'problem' in checked ? checked.problem : undefined;
}
