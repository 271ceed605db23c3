/**
 * Judges a host after an event: resolv.conf must be as configured, and no address or route may be lost without need.
 */
import type { LeaseReason } from '../clients/lease-reasons.ts';
import type { DesiredDns } from '../config/desired.ts';
import { effectiveValues } from '../resolver/libc-reading.ts';
import { composeResolvConf, managedKeywords, RESOLV_CONF } from '../resolver/resolv-conf.ts';
import type { Address, StageRoute } from './network.ts';
import { addressLine, routeLine } from './network-commands.ts';

export interface RehearsalOutcome {
  readonly interface: string;
  readonly reason: LeaseReason;
  /** true: the router did not answer the script's ping. */
  readonly silent: boolean;
  readonly status: number;
  /** False: dhclient-script did not reach its exit hooks. Left out if this is unknown. */
  readonly ended?: boolean;
  readonly resolvConf: string | null;
  /** `uplinks`: the text lists the servers and domains of a resolver that libc asks. Default: `file`. */
  readonly resolver?: 'file' | 'uplinks';
  readonly dns: DesiredDns | null;
  readonly addresses: { readonly before: readonly Address[]; readonly after: readonly Address[] };
  readonly routes: { readonly before: readonly StageRoute[]; readonly after: readonly StageRoute[] };
  /** The leases' addresses, and the seconds for which a lease is still valid. */
  readonly expected: { readonly addresses: readonly string[]; readonly seconds: number };
}

/** Seconds that a rehearsal may take, and by which a lifetime may therefore be short. */
const SLACK = 60;

/** One sentence for each value that is not as wanted. */
export function judgeRehearsal(outcome: RehearsalOutcome): string[] {
  return [
    ...resolver(outcome),
    ...early(outcome),
    ...(givesUp(outcome) ? [] : [...script(outcome), ...network(outcome)]),
  ];
}

/** Whether the client itself gives up the address, so that its loss is no fault of a hook. */
function givesUp({ reason, silent }: RehearsalOutcome): boolean {
  return /^(EXPIRE6?|NAK)$/.test(reason) || silent;
}

/** What a resolver has of resolv.conf; the rest belongs to libc. */
const UPLINK_KEYWORDS: ReadonlySet<string> = new Set(['nameserver', 'search']);

function resolver({ resolvConf, dns, resolver: kind }: RehearsalOutcome): string[] {
  if (dns === null || composeResolvConf(resolvConf ?? '', dns) === resolvConf) return [];
  const text = resolvConf ?? '';
  const wanted = composeResolvConf('', dns);
  const values = (of: string, keyword: Parameters<typeof effectiveValues>[1]) =>
    effectiveValues(of, keyword)?.join(' ');
  const looked = managedKeywords(dns).filter((keyword) => kind !== 'uplinks' || UPLINK_KEYWORDS.has(keyword));
  const wrong = looked.filter((keyword) => values(text, keyword) !== values(wanted, keyword));
  if (wrong.length === 0 && kind === 'uplinks') return [];
  if (wrong.length === 0) return [`${RESOLV_CONF} has the wanted values, but in another form`];
  return wrong.map((keyword) => {
    return `${RESOLV_CONF}: ${keyword} ${values(text, keyword) ?? 'is missing'}, wanted ${values(wanted, keyword) ?? 'none'}`;
  });
}

/**
 * An early exit with status 0: dhclient believes that all is done, but lifetime, routes and resolv.conf were not set.
 */
function early({ ended, status }: RehearsalOutcome): string[] {
  if (ended !== false || status !== 0) return [];
  return ['dhclient-script ends before its exit hooks because a hook calls exit, so the event is not carried out'];
}

function script({ status, reason }: RehearsalOutcome): string[] {
  if (status === 0) return [];
  // 128 + SIGKILL, as a shell or timeout(1) returns it.
  if (status === 137)
    return ['dhclient-script was killed by a hook, or did not end within 20 s while dhclient waits for it'];
  const what = reason === 'TIMEOUT' ? 'dhclient refuses the recorded lease' : 'dhclient declines the lease';
  return [`dhclient-script ends with status ${status}: ${what}`];
}

function network({ addresses, routes, expected, interface: iface }: RehearsalOutcome): string[] {
  const shown = (one: Address) => `${one.interface} ${addressLine({ ...one, metric: null })}`;
  const left = new Set(addresses.after.map(shown));
  const lost = addresses.before.filter((one) => !left.has(shown(one)));
  const kept = new Set(routes.after.map(ownMetricless));
  const gone = routes.before.filter((route) => !kept.has(ownMetricless(route)));
  const own = (address: string) =>
    addresses.after.find((one) => one.interface === iface && one.address.replace(/\/.*/, '') === address);
  return [
    ...lost.map((one) => `the address ${one.address} of ${one.interface} would be lost or changed`),
    ...gone.map((route) => `the route ${routeLine(route)} would be lost or changed`),
    ...expected.addresses
      .filter((one) => own(one) === undefined)
      .map((one) => `${iface} would not have its address ${one}`),
    ...expected.addresses
      .flatMap((one) => own(one) ?? [])
      .filter(({ validFor }) => validFor !== null && validFor < expected.seconds - SLACK)
      .map(
        ({ address, validFor }) =>
          `the kernel would take ${address} away in ${validFor} s, though the lease is good for ${Math.round(expected.seconds)} s`,
      ),
  ];
}

/** A restarted systemd-networkd 252 makes the kernel's route to the address's own network anew, with another metric. */
function ownMetricless(route: StageRoute): string {
  return routeLine(route.protocol === 'kernel' ? { ...route, metric: null } : route);
}
