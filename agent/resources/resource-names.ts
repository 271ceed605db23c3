/**
 * The order of apply. The hooks come first, so that no lease event undoes later changes. NetworkManager comes after the
 * resolver, because it may stop its own name service, which the old resolv.conf names.
 */
const HOLDERS_OF_DNS = ['hooks', 'dhcpcd', 'resolved', 'resolver', 'networkmanager', 'dhclient'] as const;
export const RESOURCE_NAMES = [
  ...HOLDERS_OF_DNS,
  'sysctl',
  'routes',
  'masquerade',
  'dnsmasq',
  'egress',
  'ledger',
] as const;
export type ResourceName = (typeof RESOURCE_NAMES)[number];

/** The resources that hold `dns`. All other resources work without the look-up of names. */
export const OF_DNS: readonly string[] = HOLDERS_OF_DNS;
