/** Forecasts of the next lease event of a running client, without Holdfast and with it. A forecast changes nothing. */
import type { ConfiguredState, DesiredDhcp, DhcpScope } from '../config/desired.ts';

/** null if the client does not say, or if nobody knows. Values are as the server or the client's files wrote them: hostile text. */
export interface LeaseValues {
  readonly nameservers: readonly string[] | null;
  readonly search: readonly string[] | null;
  /** Gateways of default routes. */
  readonly routers: readonly string[] | null;
  readonly ntp: readonly string[] | null;
}

/** One lease of one family on one interface. */
export interface LeaseForecast {
  /** The process that holds the lease. */
  readonly pid: number;
  readonly interface: string;
  readonly family: 4 | 6;
  readonly address: string | null;
  /** When the client asks for the lease again (T1): milliseconds since the epoch; null if unknown. */
  readonly renews: number | null;
  /** The values at the client's next event if nothing of Holdfast were in place, by the last recorded offer. */
  readonly without: LeaseValues;
  /** The values at the client's next event, with the settings that Holdfast holds at that moment. */
  readonly with: LeaseValues;
  /** A sentence if the client runs with older files than the disk has; null if it has read the present files. */
  readonly stale: string | null;
}

/**
 * Whether the setting (`dns.nameservers`) is held at the next lease. A list: a hook of another configuration holds these
 * values. null: nobody knows.
 */
export type HoldsAtLease = (setting: string) => boolean | readonly string[] | null;

/** The settings that decide one of the values. The first setting that is held counts. */
export type Deciding = Partial<Record<keyof LeaseValues, readonly DecidingSetting[]>>;

export interface DecidingSetting {
  readonly setting: string;
  /** null if not configured. */
  readonly values: readonly string[] | null;
}

/** The values with the held settings in the place of the offer. */
export function valuesWithHeld(without: LeaseValues, deciding: Deciding, holds: HoldsAtLease): LeaseValues {
  const decide = (key: keyof LeaseValues) => {
    for (const { setting, values } of deciding[key] ?? []) {
      const held = values === null ? false : holds(setting);
      if (held !== false) return held === true ? values : held;
    }
    return without[key];
  };
  return {
    nameservers: decide('nameservers'),
    search: decide('search'),
    routers: decide('routers'),
    ntp: decide('ntp'),
  };
}

/** The settings of `dns`, which decide for every client. */
export function decidedByDns(dns: ConfiguredState['dns']): Required<Pick<Deciding, 'nameservers' | 'search'>> {
  const domain = dns?.domain ?? null;
  return {
    nameservers: [{ setting: 'dns.nameservers', values: dns?.nameservers ?? null }],
    search: [
      { setting: 'dns.search', values: dns?.search ?? null },
      { setting: 'dns.domain', values: domain === null ? null : [domain] },
    ],
  };
}

/** The settings of `dns` and of `dhcp`, for one interface. The interface's own scope comes before the global scope. */
export function decidedFor({ dns, dhcp }: ConfiguredState, iface: string): Deciding {
  const name = (own: string | null, part: string) => `dhcp.${own === null ? '' : `interfaces.${own}.`}${part}`;
  return decidedByScopes(dns, dhcp, iface, name);
}

/** `name`: the name of a part (`supersede.ntp-servers`) of an interface's scope, or of the global scope. */
export function decidedByScopes(
  dns: ConfiguredState['dns'],
  { global, interfaces }: DesiredDhcp,
  iface: string,
  name: (iface: string | null, part: string) => string,
): Deciding {
  const scopes: [string | null, DhcpScope | undefined][] = [
    [iface, interfaces.get(iface)],
    [null, global],
  ];
  const by = (option: string): DecidingSetting[] =>
    scopes.map(([own, scope]) => {
      return { setting: name(own, `supersede.${option}`), values: scope?.supersede.get(option) ?? null };
    });
  const ignored = scopes.map(([own, scope]): DecidingSetting => {
    return { setting: name(own, 'ignore'), values: scope?.ignore.includes('routers') ? [] : null };
  });
  const ofDns = decidedByDns(dns);
  return {
    nameservers: [...ofDns.nameservers, ...by('domain-name-servers')],
    search: [...ofDns.search, ...by('domain-search')],
    routers: [...ignored, ...by('routers')],
    ntp: by('ntp-servers'),
  };
}
