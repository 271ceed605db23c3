import type { ClientResource } from '../clients/client.ts';
import { CLIENTS } from '../clients/clients.ts';

const ofClients = (turn: ClientResource['turn']) =>
  CLIENTS.flatMap(({ resources }) => resources.filter((one) => one.turn === turn).map(({ name }) => name));

/**
 * The order of apply. The hooks come first, so that no lease event undoes later changes. NetworkManager comes after the
 * resolver, because it may stop its own name service, which the old resolv.conf names. The split comes before the
 * resolver, so that libc asks a forwarder only when the forwarder knows it. The rules come after the routes, so that a rule leads
 * to a table that has its routes.
 */
const HOLDERS_OF_DNS = [...ofClients('before resolv.conf'), 'split', 'resolver', ...ofClients('after resolv.conf')];
export const RESOURCE_NAMES: readonly ResourceName[] = [
  ...HOLDERS_OF_DNS,
  'sysctl',
  'routes',
  'rules',
  'masquerade',
  'dnsmasq',
  'egress',
  'ledger',
];
export type ResourceName = string;

/** The resources that hold `dns`. All other resources work without the look-up of names. */
export const OF_DNS: readonly string[] = HOLDERS_OF_DNS;
