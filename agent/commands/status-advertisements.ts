/** The part of `status` for router advertisements: default routers, and the name servers that rdnssd heard. */
import { rdnssdLeases } from '../clients/rdnssd/known-leases.ts';
import { nullIfRefused } from '../host/errors.ts';
import type { Host } from '../host/host.ts';
import { isoTime } from '../host/iso-time.ts';
import { advertisedRouters } from '../host/netlink/routes/advertised-routers.ts';
import { NetlinkError } from '../host/netlink/socket.ts';
import { paint, print, shown } from './output/output.ts';

/** Milliseconds for the kernel's answers. */
const TIME_LIMIT = 5_000;

export interface AdvertisementsView {
  /** null if the kernel does not answer. */
  readonly routers: readonly RouterView[] | null;
  readonly nameservers: readonly { readonly who: string; readonly addresses: readonly string[] }[];
}

interface RouterView {
  readonly interface: string;
  readonly gateway: string;
  /** ISO 8601; null if the program that made the route removes it itself. */
  readonly expires: string | null;
}

export async function viewAdvertisements(host: Host): Promise<AdvertisementsView> {
  const heard = nullIfRefused(() => rdnssdLeases(host))?.leases ?? [];
  return {
    routers: host.live ? await routers() : null,
    nameservers: heard.map(({ who, nameservers }) => ({ who, addresses: nameservers })),
  };
}

async function routers(): Promise<RouterView[] | null> {
  try {
    const found = await advertisedRouters(AbortSignal.timeout(TIME_LIMIT));
    return found.map(({ expires, ...router }) => {
      return { ...router, expires: expires === null ? null : isoTime(Date.now() + expires * 1000) };
    });
  } catch (error) {
    if (error instanceof NetlinkError || (error instanceof Error && error.name === 'TimeoutError')) return null;
    throw error;
  }
}

export function tellAdvertisements({ routers, nameservers }: AdvertisementsView): void {
  const lines = [
    ...(routers ?? []).map(({ interface: name, gateway, expires }) => {
      const until = expires === null ? '' : `, until ${expires} unless it advertises itself again`;
      return `${name}: default router ${gateway}${until}`;
    }),
    ...nameservers.map(({ who, addresses }) => `${who} heard the name servers ${addresses.join(' ') || '(none)'}`),
  ];
  if (lines.length === 0) return;
  print(`\n${paint('bold', 'router advertisements')}`);
  for (const line of lines) print(`  ${shown(line)}`);
}
