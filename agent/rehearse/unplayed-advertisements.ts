/**
 * Not every stage has router advertisements. This note names the routes and servers that the host has from them, so that an
 * operator does not miss them in the rehearsal.
 */
import { HEARD } from '../clients/rdnssd/running.ts';
import type { StagePlan } from '../clients/stage-plan.ts';
import { nullIfRefused } from '../host/errors.ts';
import type { Host } from '../host/host.ts';
import { askIp, parseRoutes } from './network.ts';

/** What this stage does not play. rdnssd is on no stage. */
export function unplayedAdvertisements(
  host: Host,
  iface: string,
  {
    advertisedServers = [],
    advertisements = [],
  }: Partial<Pick<StagePlan, 'advertisedServers' | 'advertisements'>> = {},
  /** Whether the stage sends the plan's advertisements. */
  isPlayed = false,
): string[] {
  const heard = heardByRdnssd(host);
  if (isPlayed) {
    if (heard.length === 0) return [];
    return [
      `rdnssd has the name servers ${heard.join(', ')} from router advertisements, and rdnssd is not on the stage`,
    ];
  }
  const servers = [
    ...advertisedServers,
    ...advertisements.flatMap((one) => one.servers.flatMap(({ addresses }) => addresses)),
  ];
  const asked = ['-6', 'route', 'show', 'table', 'main', 'proto', 'ra', 'dev', iface];
  // A kernel without IPv6 refuses the question.
  const routers = (nullIfRefused(() => parseRoutes(askIp(host, asked), 6)) ?? [])
    .filter(({ destination }) => destination === 'default')
    .flatMap(({ hops }) => hops.flatMap(({ gateway }) => gateway ?? []));
  const named = [...new Set([...servers, ...heard])];
  const had = [
    ...(routers.length === 0 ? [] : [`its default route by ${routers.join(', ')}`]),
    ...(named.length === 0 ? [] : [`the name servers ${named.join(', ')}`]),
  ];
  if (had.length === 0) return [];
  const why =
    advertisements.length === 0
      ? 'the stage sends none'
      : 'this kernel has no bridge or VXLAN device to send them with';
  return [
    `${iface} has ${had.join(' and ')} from router advertisements, and ${why}: nothing that they bring at this event is shown`,
  ];
}

/** rdnssd listens on every interface. */
function heardByRdnssd(host: Host): string[] {
  return [...(host.readText(HEARD) ?? '').matchAll(/^nameserver[ \t]+(\S+)/gm)].map(([, server]) => server!);
}
