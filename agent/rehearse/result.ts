/** What a rehearsal shows: the host before and after the event, its faults, and the limits of the rehearsal. */
import type { LeaseReason } from '../clients/lease-reasons.ts';
import type { DesiredDns } from '../config/desired.ts';
import { HostError } from '../host/errors.ts';
import type { Host } from '../host/host.ts';
import { RESOLV_CONF } from '../resolver/resolv-conf.ts';
import { judgeRehearsal, type RehearsalOutcome } from './judge.ts';
import { type Address, type Network, parseAddresses, parseRoutes, type StageRoute } from './network.ts';
import { addressLine, routeLine } from './network-commands.ts';

import { seenAddresses6, seenRoutes6 } from './network6.ts';

export interface BeforeAfter<T> {
  readonly before: T;
  readonly after: T;
}

export interface Rehearsal {
  readonly interface: string;
  readonly reason: LeaseReason;
  /** Whether the router answered; null if that does not matter to this event. */
  readonly routerAnswers: boolean | null;
  /** Exit status of the client's script. If it is not 0, dhclient declines the lease. */
  readonly status: number;
  /** latin1, as Host.readText; null if the file does not exist. */
  readonly resolvConf: BeforeAfter<string | null>;
  /**
   * The addresses and routes of all interfaces on the stage, as `ip addr` and `ip route` show them. At the machine's
   * start, `before` is the host's present state.
   */
  readonly addresses: BeforeAfter<readonly string[]>;
  readonly routes: BeforeAfter<readonly string[]>;
  readonly differs: boolean;
  /** One sentence for each value that would not be as wanted. */
  readonly problems: readonly string[];
  /** Limits of this rehearsal: the parts out of reach, and the unknown parts. */
  readonly notes: readonly string[];
  /** The output of the script and the hooks. */
  readonly output: string;
}

/** What the stage showed, and what was expected of it. */
export interface Played {
  readonly interface: string;
  readonly reason: LeaseReason;
  readonly routerAnswers: boolean | null;
  readonly atBoot: boolean;
  readonly dns: DesiredDns | null;
  readonly verdict: Pick<RehearsalOutcome, 'silent' | 'status' | 'ended' | 'expected' | 'resolver'>;
  /** The host's network, and what of it the stage had. Both of the families that are looked at. */
  readonly around: Network;
  readonly network: Network;
  readonly seen: SeenOnStage;
  readonly problems: readonly string[];
  readonly notes: readonly string[];
}

export interface SeenOnStage {
  readonly families: readonly SeenFamily[];
  /** latin1, as Host.readText; null if there is no regular file. */
  readonly resolvConf: BeforeAfter<string | null>;
  /** Sockets of the host's programs that were hidden from the hooks. */
  readonly hidden: readonly string[];
  /** The number of processes that the hooks left running, which were then ended. */
  readonly left: number;
  /** The output of script and hooks, at most 16 KiB. */
  readonly output: string;
}

/** JSON of `ip addr show` and of `ip route show table main`. */
export interface SeenFamily {
  readonly family: 4 | 6;
  readonly addresses: BeforeAfter<string>;
  readonly routes: BeforeAfter<string>;
}

export function resultOf(played: Played): Rehearsal {
  const { seen, around, network, atBoot, dns, verdict, interface: iface, reason, routerAnswers } = played;
  const addresses = together(
    seen.families.map((one) => compare(one.addresses, one.family === 6 ? seenAddresses6 : seenAddresses)),
  );
  const routes = together(
    seen.families.map((one) => compare(one.routes, one.family === 6 ? seenRoutes6 : (text) => parseRoutes(text))),
  );
  const problems = [
    ...played.problems,
    ...judgeRehearsal({
      ...verdict,
      interface: iface,
      reason,
      resolvConf: seen.resolvConf.after,
      dns,
      addresses,
      routes,
    }),
  ];
  return {
    interface: iface,
    reason,
    routerAnswers,
    status: verdict.status,
    resolvConf: seen.resolvConf,
    addresses: {
      before: (atBoot ? around.addresses : addresses.before).map(shownAddress),
      after: addresses.after.map(shownAddress),
    },
    routes: { before: shownRoutes(atBoot ? around.routes : routes.before), after: shownRoutes(routes.after) },
    differs: problems.length > 0,
    problems,
    notes: [...played.notes, ...caveats(network, seen, addresses.before, routes.before)],
    output: seen.output,
  };
}

const seenAddresses = (text: string) => parseAddresses(text).filter((one) => one.interface !== 'lo');

/** The network as the kernel makes it, before any program configures it. */
export function atStart({ links }: Network, iface: string): Network {
  return {
    links: links.filter(({ name }) => name === iface).map((link) => ({ ...link, up: false })),
    addresses: [],
    routes: [],
  };
}

/**
 * The sysctls of the interface, and forwarding. Forwarding comes first, because it sets others (ip-sysctl.rst).
 */
export function networkSysctls(host: Host, iface: string, family: 4 | 6 = 4): [string, string][] {
  const folders = ['all', iface].map((name) => `net/ipv${family}/conf/${name}`);
  const paths = [
    family === 6 ? 'net/ipv6/conf/all/forwarding' : 'net/ipv4/ip_forward',
    ...folders.flatMap((folder) => host.list(`/proc/sys/${folder}`).map((key) => `${folder}/${key}`)),
  ];
  return paths.flatMap((path) => {
    try {
      const value = host.sysctl(path);
      return value === null || value === '' ? [] : [[path, value] as [string, string]];
    } catch (error) {
      if (error instanceof HostError) return []; // write-only sysctls
      throw error;
    }
  });
}

function compare<T>({ before, after }: BeforeAfter<string>, parse: (text: string) => T[]): BeforeAfter<T[]> {
  return { before: parse(before), after: parse(after) };
}

function together<T>(all: readonly BeforeAfter<readonly T[]>[]): BeforeAfter<T[]> {
  return { before: all.flatMap(({ before }) => before), after: all.flatMap(({ after }) => after) };
}

/** The routes in a kernel's order, whatever order they were made in: those of IPv6 behind the others. */
function shownRoutes(routes: readonly StageRoute[]): string[] {
  const key = ({ destination, family }: StageRoute) =>
    `${family === 6 ? '~' : ''}${destination === 'default' ? '' : destination}`;
  return routes.toSorted((a, b) => (key(a) < key(b) ? -1 : Number(key(a) > key(b)))).map(routeLine);
}

export const shownAddress = (one: Address) => `${addressLine(one)} dev ${one.interface}`;

/** Notes on the differences between the rehearsal and the real host. */
function caveats(
  network: Network,
  seen: SeenOnStage,
  addresses: readonly Address[],
  routes: readonly StageRoute[],
): string[] {
  const missing = (wanted: readonly string[], made: readonly string[]) => wanted.filter((line) => !made.includes(line));
  const unlike = [
    ...missing(network.addresses.map(shownAddress), addresses.map(shownAddress)),
    ...missing(network.routes.map(routeLine), routes.map(routeLine)),
  ];
  return [
    ...(unlike.length === 0
      ? []
      : [`the rehearsal lacks these addresses or routes of the host, which could not be made: ${unlike.join('; ')}`]),
    ...(seen.hidden.length === 0 ? [] : [`the hooks could not reach ${some(seen.hidden)}`]),
    ...(seen.left === 0
      ? []
      : [
          `the hooks left ${seen.left} processes running in the background; this rehearsal does not show what those would do later`,
        ]),
    ...(seen.resolvConf.after === null ? [`${RESOLV_CONF} would not be a regular file afterwards`] : []),
  ];
}

function some(names: readonly string[]): string {
  return names.length <= 3 ? names.join(', ') : `${names.slice(0, 3).join(', ')} and ${names.length - 3} more sockets`;
}
