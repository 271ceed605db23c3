/** The options of dhclient that `dns` sets. */
export const DNS_OPTIONS = {
  domain: ['domain-name'],
  search: ['domain-search', 'dhcp6.domain-search'],
  nameservers: ['domain-name-servers', 'dhcp6.name-servers'],
} as const;

const SETTINGS: ReadonlyMap<string, string> = new Map(
  Object.entries(DNS_OPTIONS).flatMap(([setting, options]) => options.map((option) => [option, `dns.${setting}`])),
);

/**
 * The setting that holds this option for the whole host (`dns.search`), not for one interface; null if `dns` does not
 * set the option.
 */
export function dnsSettingOf(option: string): string | null {
  return SETTINGS.get(option) ?? null;
}
