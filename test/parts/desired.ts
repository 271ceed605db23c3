/** Desired states for tests: what is not said is not configured. */
import type {
  DesiredDhcp,
  DesiredDns,
  DesiredNexthop,
  DesiredRoute,
  DesiredState,
  DhcpScope,
  IgnoredOffer,
} from '../../agent/config/desired.ts';
import type { DesiredMetadata } from '../../agent/config/desired-metadata.ts';
import { accepted, type Plain } from './accepted.ts';

export const NO_DNS: DesiredDns = {
  domain: null,
  search: null,
  nameservers: null,
  sortlist: null,
  options: null,
  symlink: 'refuse',
  split: null,
  verify: null,
};

export const NO_METADATA: DesiredMetadata = {
  provider: 'auto',
  endpoint: { host: '169.254.169.254', port: 80 },
  interval: 300_000,
};

export function scope(supersede: Record<string, readonly string[]> = {}): DhcpScope {
  return { supersede: new Map(Object.entries(supersede)), request: null, ignore: [] };
}

export function dhclient(
  supersede: Record<string, readonly string[]> = {},
  interfaces: Record<string, Record<string, readonly string[]>> = {},
  ignore: Record<string, readonly IgnoredOffer[]> = {},
): DesiredDhcp {
  const scopes = Object.entries(interfaces).map(([name, own]) => [name, scope(own)] as const);
  const ignoring = Object.entries(ignore).map(([name, offers]) => [name, { ...scope(), ignore: offers }] as const);
  return accepted({ global: scope(supersede), interfaces: new Map([...scopes, ...ignoring]) });
}

export function route(to: string, nexthops: readonly Plain<DesiredNexthop>[]): DesiredRoute {
  const common = { table: 254, src: null, mtu: null, takeOver: false } as const;
  const family = to.includes(':') ? 'ipv6' : 'ipv4';
  const metric = family === 'ipv4' ? 0 : 1024;
  return accepted({ ...common, to, family, type: 'unicast', nexthops, nexthopId: null, metric });
}

export function desired(parts: Partial<Plain<DesiredState>> = {}): DesiredState {
  return accepted({
    dns: null,
    dhcp: dhclient(),
    dhclient: dhclient(),
    restart: 'never',
    networkdRestart: 'never',
    sysctl: [],
    masquerade: [],
    dnsmasq: null,
    routes: [],
    rules: [],
    metadata: NO_METADATA,
    egress: null,
    ledger: { mode: 'retiring', retire: [] },
    ...parts,
  });
}

export function dns(parts: Partial<Plain<DesiredDns>>): DesiredDns {
  return accepted({ ...NO_DNS, ...parts });
}

/** The configuration that the loader makes from a whole `dns`: its parts are also dhclient options. */
export const WHOLE: DesiredState = desired({
  dns: dns({
    domain: 'example.com',
    search: ['dev.example.com', 'example.com'],
    nameservers: ['10.34.56.78', '10.34.56.79', '2001:db8::53'],
    sortlist: ['10.72.52.100/255.255.255.255', '10.72.0.0/255.255.0.0'],
    options: ['timeout:1', 'rotate'],
  }),
  dhclient: dhclient(
    {
      'domain-name': ['example.com'],
      'domain-search': ['dev.example.com', 'example.com'],
      'domain-name-servers': ['10.34.56.78', '10.34.56.79'],
      'dhcp6.domain-search': ['dev.example.com', 'example.com'],
      'dhcp6.name-servers': ['2001:db8::53'],
      'ntp-servers': ['10.34.56.80'],
    },
    { eth1: { 'host-name': ['router'], 'interface-mtu': ['1400'] }, 'eth0.100': { routers: ['10.0.0.1'] } },
    { eth9: ['routers', 'classless-routes'] },
  ),
  routes: [
    route('10.0.0.0/16', [{ via: '10.0.1.1', dev: 'eth0', weight: 1, onlink: false }]),
    { ...route('10.9.0.0/16', []), type: 'blackhole' },
  ],
});

export const WHOLE_LINES = `\
domain example.com
search dev.example.com example.com
nameserver 10.34.56.78
nameserver 10.34.56.79
nameserver 2001:db8::53
sortlist 10.72.52.100/255.255.255.255 10.72.0.0/255.255.0.0
options timeout:1 rotate
`;
