/** The gateways and their shares as rows for people. */
import type { Family } from '../../agent/address/address.ts';
import { type DefaultRouteView, gatewayName } from '../../agent/egress/look.ts';
import { protocolName } from '../../agent/host/netlink/table-names.ts';
import { KINDS, type Share } from './spread.ts';
import { LABEL, percent, type Spread } from './traps.ts';

export const GATEWAYS_HEAD = [
  ...['', 'gateway', 'by', 'neighbour', 'weight'],
  ...['many addresses', 'one pair of addresses', 'one pair, by flow label'],
];

export function gatewayRows(family: Family, egress: DefaultRouteView | null, spread: Spread | null): string[][] {
  const label = LABEL[family];
  if (egress === null) return [[label, 'no default route', ...GATEWAYS_HEAD.slice(2).map(() => '')]];
  return egress.gateways.map((gateway, n) => [
    label,
    gatewayName(gateway),
    origin(egress),
    gateway.carrier ? (gateway.neighbour ?? '–') : 'no carrier',
    String(gateway.weight),
    ...KINDS.map((kind) => against(spread?.[kind][n])),
  ]);
}

/** `ra, high, 26 s left` */
function origin({ protocol, expires, preference }: DefaultRouteView): string {
  const rank = expires === null || preference === null ? [] : [preference];
  return [protocolName(protocol), ...rank, ...(expires === null ? [] : [`${Math.round(expires)} s left`])].join(', ');
}

function against(share: Share | undefined): string {
  return share === undefined ? '–' : `${percent(share.seen)} of ${percent(share.expected)}`;
}
