/** The part of `status` for running DHCP clients: their leases, and what their next events bring. */
import { holderName, type LeaseHolder } from '../clients/client.ts';
import { currentLease, resolvConfWithoutHook } from '../clients/dhclient/leases/leases.ts';
import { pendingOf } from '../clients/dhclient/pending-changes.ts';
import { dhcpClients, type RunningDhclient, staleSince } from '../clients/dhclient/running.ts';
import { type ClientForecast, leaseForecasts, leaseHolders } from '../clients/holders.ts';
import type { LeaseValues } from '../clients/lease-forecast.ts';
import type { ConfiguredState } from '../config/desired.ts';
import type { SettingView } from '../hold/settings-view.ts';
import type { Host } from '../host/host.ts';
import { isoTime } from '../host/iso-time.ts';
import { paint, print, shown } from './output/output.ts';

/** Every time is in ISO 8601. */
export interface ClientsView {
  readonly clients: readonly ClientView[];
  readonly otherClients: readonly HolderView[];
  readonly forecasts: readonly ForecastView[];
}

type HolderView = Omit<LeaseHolder, 'started'> & { readonly started: string };
type ForecastView = Omit<ClientForecast, 'renews'> & { readonly renews: string | null };

export async function viewClients(
  host: Host,
  desired: ConfiguredState,
  settings: readonly SettingView[],
): Promise<ClientsView> {
  const byName = new Map(settings.map(({ setting, moments }) => [setting, moments]));
  // A setting that no lease can change has no such moment.
  const holds = (name: string) => {
    const moments = byName.get(name);
    const found = moments?.lease ?? moments?.now;
    if (found?.older !== undefined) return found.older;
    // A setting of `dhcp` that is pending is not held yet.
    return found?.state === 'unknown' && name.startsWith('dns.') ? null : found?.state === 'ok';
  };
  const forecasts = await leaseForecasts(host, desired, holds);
  return {
    clients: dhcpClients(host).map((client) => viewClient(host, client, desired)),
    otherClients: leaseHolders(host)
      .filter(({ program }) => program !== 'dhclient')
      .map((holder) => ({ ...holder, started: isoTime(holder.started) })),
    forecasts: forecasts.map((one) => ({ ...one, renews: one.renews === null ? null : isoTime(one.renews) })),
  };
}

interface ClientView {
  readonly pid: number;
  readonly family: 4 | 6;
  readonly started: string;
  readonly configuration: string;
  readonly owner: string | null;
  /** When its configuration changed after its start; null if it runs with the present file. */
  readonly staleSince: string | null;
  /** Changed statements that no hook can supply, so they wait for the next start (`request`, `send host-name`). */
  readonly pending: readonly string[];
  readonly leases: LeaseView[];
}

interface LeaseView {
  readonly interface: string;
  readonly address: string | null;
  readonly renews: string | null;
  readonly expires: string | null;
  /**
   * The lines that dhclient-script would write to resolv.conf if there were no hook: at the next renewal; of DHCPv6, at
   * the next start, or when the offer changes.
   */
  readonly withoutHook: string[];
}

function viewClient(host: Host, client: RunningDhclient, { dhclient }: ConfiguredState): ClientView {
  const since = staleSince(host, client);
  const leases = client.interfaces.map((name) => ({ name, lease: currentLease(host, client, name) }));
  return {
    pid: client.pid,
    family: client.family,
    started: isoTime(client.started),
    configuration: client.confFile,
    owner: client.owner,
    staleSince: since === null ? null : isoTime(since),
    pending: pendingOf(host, client, dhclient)?.what ?? [],
    leases: leases.map(({ name, lease }) => ({
      interface: name,
      address: lease?.address ?? null,
      renews: lease?.renew ? isoTime(lease.renew) : null,
      expires: lease?.expire ? isoTime(lease.expire) : null,
      withoutHook: lease === null ? [] : resolvConfWithoutHook(lease),
    })),
  };
}

/** `lines`: resolv.conf's lines if no hook of Holdfast is in place; otherwise null. */
export function tellClients({ clients, otherClients, forecasts }: ClientsView, lines: readonly string[] | null): void {
  const ofProcess = (pid: number) => forecasts.filter((one) => one.pid === pid);
  for (const client of clients) {
    tellClient(client, lines);
    for (const forecast of ofProcess(client.pid)) tellForecast(forecast);
  }
  for (const holder of otherClients) {
    print(`\n${paint('bold', holderName(holder))} since ${holder.started}`);
    const own = ofProcess(holder.pid);
    const stale = new Set(own.flatMap((one) => one.stale ?? []));
    for (const sentence of stale) print(`${paint('yellow', '  stale:')} ${shown(sentence)}`);
    for (const forecast of own) tellForecast(forecast);
  }
}

function tellClient(
  { pid, family, started, configuration, owner, staleSince, pending, leases }: ClientView,
  lines: readonly string[] | null,
): void {
  print('');
  print(
    paint('bold', `dhclient[${pid}]${family === 6 ? ' (IPv6)' : ''}`) +
      ` since ${started}, with ${configuration}${owner === null ? '' : ` (run by ${owner})`}`,
  );
  if (staleSince !== null) {
    print(
      paint('yellow', '  stale: ') +
        `its configuration changed at ${staleSince}; it reads the change only at its next start`,
    );
  }
  if (pending.length > 0) print(`  ${paint('yellow', 'pending until its next start')}: ${shown(pending.join(', '))}`);
  // At a renewal of DHCPv6 that brings the same values, the script writes nothing.
  const event = family === 6 ? 'its next start, or a changed offer,' : 'its next event';
  for (const lease of leases) {
    print(
      `  ${lease.interface}: ${lease.address ?? 'no lease known'}${lease.renews === null ? '' : `, renews ${lease.renews}`}`,
    );
    if (lease.withoutHook.length > 0 && lines !== null) {
      const same = lease.withoutHook.every((line) => lines.includes(line));
      print(`  ${event} writes to resolv.conf: ${lease.withoutHook.join('; ')}${same ? ' (as it is now)' : ''}`);
    } else if (lease.withoutHook.length > 0)
      print(`  without the hook, ${event} would write to resolv.conf: ${lease.withoutHook.join('; ')}`);
  }
}

/** A dhclient's own lines already show what it would write to resolv.conf. */
function tellForecast(forecast: ForecastView): void {
  const { program, without, with: held } = forecast;
  if (program !== 'dhclient') {
    const family = forecast.family === 6 ? ' (IPv6)' : '';
    const address = forecast.address === null ? 'no address known' : shown(forecast.address);
    const renews = forecast.renews === null ? '' : `, renews ${forecast.renews}`;
    print(`  ${shown(forecast.interface)}${family}: ${address}${renews}`);
    print(`  without Holdfast, its next event would bring: ${listed(without)}`);
  }
  const brings = listed(held, without);
  const same = listed(without) === brings;
  print(`  with Holdfast, its next event brings: ${same ? 'the same' : brings}`);
}

const TITLES = { nameservers: 'name servers', search: 'search', routers: 'routers', ntp: 'time servers' } as const;

/**
 * "name servers 10.0.0.1; search none; …", without values that the client does not say. `offered`: the values of which
 * each must be there, although nobody may know it.
 */
function listed(values: LeaseValues, offered: LeaseValues = values): string {
  const keys = Object.keys(TITLES) as (keyof typeof TITLES)[];
  const known = keys.flatMap((key) => {
    const words = values[key];
    if (words === null) return offered[key] === null ? [] : [`${TITLES[key]} unknown`];
    return [`${TITLES[key]} ${words.length === 0 ? 'none' : words.map(shown).join(' ')}`];
  });
  return known.join('; ');
}
