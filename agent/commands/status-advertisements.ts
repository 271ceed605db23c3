/**
 * The part of `status` for router advertisements: default routers, the name servers that rdnssd heard, and those that the
 * daemon heard from the kernel.
 */
import { rdnssdLeases } from '../clients/rdnssd/known-leases.ts';
import { rdnssd } from '../clients/rdnssd/running.ts';
import type { HeardServers } from '../daemon/advertised-watch.ts';
import { nullIfRefused } from '../host/errors.ts';
import type { Host } from '../host/host.ts';
import { isoTime } from '../host/iso-time.ts';
import { links } from '../host/netlink/links.ts';
import { advertisedRouters } from '../host/netlink/routes/advertised-routers.ts';
import { NetlinkError, NetlinkSocket } from '../host/netlink/socket.ts';
import { paint, print, shown } from './output/output.ts';

/** Milliseconds for the kernel's answers. */
const TIME_LIMIT = 5_000;

export interface AdvertisementsView {
  /** null if the kernel does not answer. */
  readonly routers: readonly RouterView[] | null;
  readonly nameservers: readonly { readonly who: string; readonly addresses: readonly string[] }[];
  /** Values that no program takes, as far as Holdfast knows. Empty without the daemon. */
  readonly heard: readonly HeardView[];
}

interface RouterView {
  readonly interface: string;
  readonly gateway: string;
  /** ISO 8601; null if the program that made the route removes it itself. */
  readonly expires: string | null;
}

interface HeardView extends Omit<HeardServers, 'index'> {
  readonly interface: string;
}

/** `heard`: by the daemon. */
export async function viewAdvertisements(host: Host, heard: readonly HeardServers[]): Promise<AdvertisementsView> {
  const leases = nullIfRefused(() => rdnssdLeases(host))?.leases ?? [];
  // What rdnssd takes is in its own file.
  const untaken = heard.length === 0 || nullIfRefused(() => rdnssd(host)) !== null ? [] : heard;
  return {
    routers: host.live ? await asked(routers) : null,
    nameservers: leases.map(({ who, nameservers }) => ({ who, addresses: nameservers })),
    heard: untaken.length === 0 ? [] : ((await asked(() => passedOn(host, untaken))) ?? []),
  };
}

async function routers(): Promise<RouterView[]> {
  const found = await advertisedRouters(AbortSignal.timeout(TIME_LIMIT));
  return found.map(({ expires, ...router }) => {
    return { ...router, expires: expires === null ? null : isoTime(Date.now() + expires * 1000) };
  });
}

/**
 * With the names of the interfaces that are present, and on which the kernel acts on advertisements. Before a program
 * such as NetworkManager takes advertisements in the kernel's place, the kernel may have passed on some.
 */
async function passedOn(host: Host, heard: readonly HeardServers[]): Promise<HeardView[]> {
  using socket = await NetlinkSocket.open();
  const present = await links(socket, AbortSignal.timeout(TIME_LIMIT));
  return heard.flatMap(({ index, ...servers }) => {
    const name = present.get(index)?.name;
    const acts = name !== undefined && host.sysctl(`net/ipv6/conf/${name}/accept_ra`)?.trim() !== '0';
    return acts ? [{ interface: name, ...servers }] : [];
  });
}

/** null if the kernel does not answer. */
async function asked<T>(question: () => Promise<T>): Promise<T | null> {
  try {
    return await question();
  } catch (error) {
    if (error instanceof NetlinkError || (error instanceof Error && error.name === 'TimeoutError')) return null;
    throw error;
  }
}

export function tellAdvertisements({ routers, nameservers, heard }: AdvertisementsView): void {
  const lines = [
    ...(routers ?? []).map(({ interface: name, gateway, expires }) => {
      const until = expires === null ? '' : `, until ${expires} unless it advertises itself again`;
      return `${name}: default router ${gateway}${until}`;
    }),
    ...nameservers.map(({ who, addresses }) => `${who} heard the name servers ${addresses.join(' ') || '(none)'}`),
    ...heard.map(heardLine),
  ];
  if (lines.length === 0) return;
  print(`\n${paint('bold', 'router advertisements')}`);
  for (const line of lines) print(`  ${shown(line)}`);
}

function heardLine({ interface: name, router, kind, values, until }: HeardView): string {
  const what = kind === 'search' ? 'search domains' : 'name servers';
  const end = until === null ? '' : `, until ${until} unless it advertises them again`;
  return `${name}: ${router} advertises the ${what} ${values.join(' ')}${end}; no program that Holdfast knows takes them`;
}
