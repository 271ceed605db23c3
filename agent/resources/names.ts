/**
 * In the order of apply: the hooks first, so that no lease event undoes what comes after them; NetworkManager after the resolver,
 * for it may stop a name service of its own that the old resolv.conf names.
 */
export const RESOURCE_NAMES = [
  'hooks',
  'dhcpcd',
  'resolved',
  'resolver',
  'networkmanager',
  'dhclient',
  'sysctl',
  'routes',
  'masquerade',
  'dnsmasq',
  'egress',
] as const;
export type ResourceName = (typeof RESOURCE_NAMES)[number];

/** Those that hold `dns`. What the others hold stands whether or not names can be looked up. */
export const OF_DNS: readonly string[] = [
  'hooks',
  'dhcpcd',
  'resolved',
  'resolver',
  'networkmanager',
  'dhclient',
] satisfies ResourceName[];
