/** The meaning of `dhcp` for dhcpcd on one interface: variables for its hooks, and statements of dhcpcd.conf. */
import type { DesiredDhcp, IgnoredOffer } from '../../config/desired.ts';
import { wantedIn, wantedRequest } from '../dhclient/conf/wanted.ts';
import { ignoredOffers } from '../hook-values.ts';
import { dhcpcdName, neededOption, supersedeWay } from './dhcpcd-options.ts';

export interface WantedOfDhcpcd {
  /** Variables of the enter hook by name, without `new_`; also the values that dhcpcd itself uses. */
  readonly variables: ReadonlyMap<string, string>;
  /** Variables that hooks must not see: dhcpcd would not have the option after its next start. */
  readonly hidden: readonly string[];
  /** Values of `static` lines, for the options that dhcpcd itself uses. */
  readonly statics: ReadonlyMap<string, string>;
  /** Options that dhcpcd must neither ask for nor use (`nooption`). */
  readonly refused: readonly string[];
  /** Options that dhcpcd must ask for (`option`). */
  readonly asked: readonly string[];
  /** Whether dhcpcd takes router advertisements. */
  readonly advertisements: boolean;
}

/** dhcpcd's options by the offer that they carry. */
export const OPTIONS_OF_OFFER: Readonly<Record<IgnoredOffer, readonly string[]>> = {
  routers: ['routers'],
  'classless-routes': ['classless_static_routes', 'ms_classless_static_routes'],
  'router-advertisements': [],
};

/** @param iface null for the interfaces that have no scope of their own. */
export function wantedOfDhcpcd(dhcp: DesiredDhcp, iface: string | null): WantedOfDhcpcd {
  const ignored = ignoredOffers(dhcp, iface);
  const ways = wantedIn(dhcp, iface).map(({ definition, values }) => supersedeWay(definition, values));
  const offers = ignored.flatMap((offer) => OPTIONS_OF_OFFER[offer]);
  const set = ways.flatMap((way) => (way.by === 'none' || offers.includes(way.name) ? [] : [way]));
  const { without, also } = wantedRequest(dhcp, iface);
  const variables = new Map(set.map(({ name, value }) => [name, value]));
  const refused = [
    ...new Set([
      ...offers,
      ...without.filter((option) => neededOption(option) === null).flatMap((option) => dhcpcdName(option) ?? []),
    ]),
  ];
  return {
    variables,
    hidden: refused.filter((name) => !variables.has(name)),
    statics: new Map(set.filter(({ by }) => by === 'conf').map(({ name, value }) => [name, value])),
    refused,
    asked: also.flatMap((option) => dhcpcdName(option) ?? []).filter((name) => !refused.includes(name)),
    advertisements: !ignored.includes('router-advertisements'),
  };
}

const ROUTES = ['static_routes', ...Object.values(OPTIONS_OF_OFFER).flat()];

/** Whether `nooption` takes routes of the offer away, by `ignore` or by `request.without`. */
export function leavesRoutes(dhcp: DesiredDhcp, iface: string): boolean {
  return wantedOfDhcpcd(dhcp, iface).refused.some((name) => ROUTES.includes(name));
}
