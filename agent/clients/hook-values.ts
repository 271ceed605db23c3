/** Values of DHCP options as dhcpcd and udhcpc give them to their hooks; dhclient has a notation of its own. */
import type { DesiredDhcp, IgnoredOffer } from '../config/desired.ts';
import { OFFER_OPTIONS } from '../config/notation/offer-options.ts';

/** Domains without the last dot, flags as 1 and 0. null for bytes. */
export function hookValue(format: string, values: readonly string[]): string | null {
  if (/[XEZN]/.test(format)) return null;
  if (/^[Dd]/.test(format)) return values.map((value) => value.replace(/\.$/, '')).join(' ');
  if (format.startsWith('f')) return values.map((value) => (value === 'true' ? '1' : '0')).join(' ');
  return values.join(' ');
}

/** `0.0.0.0/0 10.77.0.8 192.0.2.0/24 10.77.0.7` for RFC 3442's bytes; null if the bytes are no such list. */
export function classlessRoutes(bytes: readonly string[]): string | null {
  const routes: string[] = [];
  for (let at = 0; at < bytes.length; ) {
    const length = Number(bytes[at]);
    const significant = Math.ceil(length / 8);
    const end = at + 1 + significant + 4;
    if (length > 32 || end > bytes.length) return null;
    const network = [...bytes.slice(at + 1, at + 1 + significant), '0', '0', '0', '0'].slice(0, 4);
    routes.push(`${network.join('.')}/${length} ${bytes.slice(end - 4, end).join('.')}`);
    at = end;
  }
  return routes.join(' ');
}

/**
 * The offers that the interface does not take. An interface that supersedes an option takes it, although all others
 * ignore the offer. `iface`: null for the interfaces without a scope of their own.
 */
export function ignoredOffers({ global, interfaces }: DesiredDhcp, iface: string | null): IgnoredOffer[] {
  const own = iface === null ? undefined : interfaces.get(iface);
  const set = [...(own?.supersede.keys() ?? [])];
  const inherited = global.ignore.filter((offer) => !set.some((name) => OFFER_OPTIONS[offer].includes(name)));
  return [...new Set([...inherited, ...(own?.ignore ?? [])])];
}
