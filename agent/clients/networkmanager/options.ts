/**
 * What NetworkManager's own DHCP client does with DHCP options. The list of requested options is fixed in its program
 * (nm-dhcp-options.c, compared with what 1.42 sends); no setting changes it.
 */

const REQUESTED = new Set([
  'subnet-mask',
  'time-offset',
  'domain-name-servers',
  'host-name',
  'domain-name',
  'interface-mtu',
  'broadcast-address',
  'rfc3442-classless-static-routes',
  'routers',
  'static-routes',
  'nis-domain',
  'nis-servers',
  'ntp-servers',
  'domain-search',
  'ms-classless-static-routes',
  'wpad',
  'root-path',
  'dhcp6.name-servers',
  'dhcp6.domain-search',
  'dhcp6.sntp-servers',
]);

/** Whether NetworkManager asks the server for the option. */
export function isRequested(option: string): boolean {
  return REQUESTED.has(option);
}

/** Why NetworkManager cannot take another value for the option, and what to write; null if it can. */
export function notSuperseded(option: string): string | null {
  if (option === 'interface-mtu') return null;
  const instead = INSTEAD[option];
  if (instead !== undefined) return `NetworkManager has no setting for ${option}: ${instead}`;
  return `NetworkManager has no setting for ${option}: its dispatcher scripts get what the server offered`;
}

const RESOLV_CONF = (key: string) => `write dns.${key}, which Holdfast holds with NetworkManager`;
const NTP =
  'its dispatcher scripts get what the server offered; name the servers in the configuration of the time service, and tell its script to take none of DHCP (chrony: PEERNTP=no in /etc/sysconfig/network, or no sourcedir /run/chrony-dhcp)';
const ROUTES = 'write the routes below "routes", and ignore: [routers, classless-routes]';

const INSTEAD: Readonly<Record<string, string>> = {
  'domain-name-servers': RESOLV_CONF('nameservers'),
  'dhcp6.name-servers': RESOLV_CONF('nameservers'),
  'domain-name': RESOLV_CONF('domain'),
  'domain-search': RESOLV_CONF('search'),
  'dhcp6.domain-search': RESOLV_CONF('search'),
  'ntp-servers': NTP,
  'dhcp6.sntp-servers': NTP,
  routers: ROUTES,
  'static-routes': ROUTES,
  'rfc3442-classless-static-routes': ROUTES,
  'ms-classless-static-routes': ROUTES,
  'host-name': 'write the name into /etc/hostname; NetworkManager then takes none of a lease',
};

export function requestedOptions(): string[] {
  return [...REQUESTED];
}
