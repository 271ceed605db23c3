/**
 * No stage sends router advertisements. This note names the routes and servers that the host has from them, so that an
 * operator does not miss them in the rehearsal.
 */
import { HEARD } from '../clients/rdnssd/running.ts';
import { nullIfRefused } from '../host/errors.ts';
import type { Host } from '../host/host.ts';
import { askIp, parseRoutes } from './network.ts';

/** `servers`: the name servers that the client itself has by advertisements. Empty if nothing came by them. */
export function unplayedAdvertisements(host: Host, iface: string, servers: readonly string[] = []): string[] {
  const asked = ['-6', 'route', 'show', 'table', 'main', 'proto', 'ra', 'dev', iface];
  // A kernel without IPv6 refuses the question.
  const routers = (nullIfRefused(() => parseRoutes(askIp(host, asked), 6)) ?? [])
    .filter(({ destination }) => destination === 'default')
    .flatMap(({ hops }) => hops.flatMap(({ gateway }) => gateway ?? []));
  const named = [...new Set([...servers, ...heardByRdnssd(host)])];
  const had = [
    ...(routers.length === 0 ? [] : [`its default route by ${routers.join(', ')}`]),
    ...(named.length === 0 ? [] : [`the name servers ${named.join(', ')}`]),
  ];
  if (had.length === 0) return [];
  return [
    `${iface} has ${had.join(' and ')} from router advertisements, and the stage sends none: nothing that they bring at this event is shown`,
  ];
}

/** rdnssd listens on every interface. */
function heardByRdnssd(host: Host): string[] {
  return [...(host.readText(HEARD) ?? '').matchAll(/^nameserver[ \t]+(\S+)/gm)].map(([, server]) => server!);
}
