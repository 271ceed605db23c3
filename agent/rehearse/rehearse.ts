/**
 * What a lease event would make of this host, found out by playing it on a stage (stage.ts) with the real dhclient-script
 * and the real hooks. The host itself is only looked at.
 */
import type { DesiredDns } from '../config/desired.ts';
import { clientName, type DhcpClient } from '../dhclient/clients.ts';
import { hookPlaces, whyDeaf } from '../dhclient/hook-places.ts';
import { scriptOf, whyNotRun } from '../dhclient/scripts.ts';
import { HostError } from '../host/errors.ts';
import { RUN_FOLDER } from '../host/folders.ts';
import type { Host } from '../host/host.ts';
import { RESOLV_CONF } from '../resolver/resolv-conf.ts';
import { beginsWithStart, type Reason, variablesOf } from './events.ts';
import { judge } from './judge.ts';
import { leaseOf } from './lease.ts';
import {
  type Address,
  addressLine,
  answerAs,
  makeNetwork,
  type Network,
  networkAround,
  parseAddresses,
  parseRoutes,
  type Route,
  routeLine,
} from './network.ts';
import { play, type Seen } from './stage.ts';

export interface RehearseOptions {
  /** What is wanted of resolv.conf; null: nothing is configured. */
  readonly dns: DesiredDns | null;
  /** Whether the router answers the ping that dhclient-script sends it at TIMEOUT. Default: true. */
  readonly routerAnswers?: boolean;
  /** The machine's start: no address, no route, nothing in /run. */
  readonly atBoot?: boolean;
}

export interface BeforeAfter<T> {
  readonly before: T;
  readonly after: T;
}

export interface Rehearsal {
  readonly interface: string;
  readonly reason: Reason;
  /** null: it makes no difference to this event. */
  readonly routerAnswers: boolean | null;
  /** Exit status of dhclient-script; dhclient declines its lease where it is not 0. */
  readonly status: number;
  /** latin1, as Host.readText; null: there is no such file. */
  readonly resolvConf: BeforeAfter<string | null>;
  /**
   * Of all interfaces on the stage, as `ip addr` and `ip route` show them; at the machine's start `before` is what it has
   * now.
   */
  readonly addresses: BeforeAfter<readonly string[]>;
  readonly routes: BeforeAfter<readonly string[]>;
  readonly differs: boolean;
  /** What would not be as wanted; one sentence each. */
  readonly problems: readonly string[];
  /** What the reader should know of this rehearsal: what was out of reach, what cannot be known. */
  readonly notes: readonly string[];
  /** What script and hooks printed. */
  readonly output: string;
}

/** Throws HostError where there is nothing to rehearse, or the stage cannot be set. */
export async function rehearse(
  host: Host,
  client: DhcpClient,
  iface: string,
  reason: Reason,
  { dns, routerAnswers = true, atBoot = false }: RehearseOptions,
): Promise<Rehearsal> {
  const script = ownScript(host, client);
  const { lease, conf, differently, notes } = leaseOf(host, client, iface);
  if (reason === 'TIMEOUT' && lease.expire !== null && lease.expire < Date.now())
    throw new HostError('EEXPIRED', `the recorded lease of ${iface} has expired: no dhclient would use it`);
  const variables = variablesOf({
    reason,
    interface: iface,
    pid: client.pid,
    lease,
    conf,
    differently,
    now: Date.now(),
  });
  const around = networkAround(host, iface);
  const network = atBoot ? atStart(around, iface) : around;
  const made = makeNetwork(network);
  const router = variables.get('new_routers')?.split(' ')[0];
  const pinged = reason === 'TIMEOUT' && router !== undefined;
  const seen = await play({
    interface: iface,
    script,
    variables,
    always: extraVariables(client),
    preinit: reason === 'EXPIRE' ? 'after' : beginsWithStart(reason) ? 'before' : null,
    network: made.network,
    peer: [...made.peer, ...(pinged && routerAnswers ? answerAs(router, iface, network) : [])],
    sysctls: networkSysctls(host, iface),
    atBoot,
    record: recordOf(host, script, iface),
  });
  const addresses = compare(seen.addresses, (text) => parseAddresses(text).filter((one) => one.interface !== 'lo'));
  const routes = compare(seen.routes, parseRoutes);
  const problems = judge({
    interface: iface,
    reason,
    silent: pinged && !routerAnswers,
    status: seen.status,
    ended: seen.ended,
    resolvConf: seen.resolvConf.after,
    dns,
    addresses,
    routes,
    expected: {
      address: variables.get('new_ip_address') ?? null,
      seconds: Number(variables.get('new_expiry') ?? 0) - Date.now() / 1000,
    },
  });
  return {
    interface: iface,
    reason,
    routerAnswers: pinged ? routerAnswers : null,
    status: seen.status,
    resolvConf: seen.resolvConf,
    addresses: {
      before: (atBoot ? around.addresses : addresses.before).map(shownAddress),
      after: addresses.after.map(shownAddress),
    },
    routes: { before: shownRoutes(atBoot ? around.routes : routes.before), after: shownRoutes(routes.after) },
    differs: problems.length > 0,
    problems,
    // At TIMEOUT the lease is taken as it was written.
    notes: [
      ...(reason === 'REBOOT' || reason === 'BOUND' ? notes : []),
      ...caveats(network, seen, addresses.before, routes.before),
    ],
    output: seen.output,
  };
}

function ownScript(host: Host, client: DhcpClient): string {
  if (client.owner !== null)
    throw new HostError(
      'EOWNER',
      `${clientName(client)} is run by ${client.owner}, whose script hands the lease to ${client.owner}: nothing of it can be rehearsed`,
    );
  const script = scriptOf(host, client) ?? { path: '/sbin/dhclient-script', named: null };
  const why = whyNotRun(host, script.path);
  const named = script.named === null ? '' : ` (${script.named})`;
  if (why !== null) throw new HostError('ENOENT', `${clientName(client)}: its script ${script.path}${named} ${why}`);
  return script.path;
}

/** Where our exit hook leaves its record of this interface; null: this script does not come to it, or it is not there. */
function recordOf(host: Host, script: string, iface: string): string | null {
  const places = hookPlaces(host);
  if (places === null || whyDeaf(host, script, places) !== null) return null;
  const hook = host.stat(places.exit)?.isFile() ? (host.readText(places.exit) ?? '') : '';
  return hook.includes(RUN_FOLDER) ? `${RUN_FOLDER}/lease.${iface}` : null;
}

/** `-e NAME=value`: as ifupdown gives a metric (IF_METRIC). */
function extraVariables({ arguments: words }: DhcpClient): string[] {
  return words.flatMap((word, at) => (words[at - 1] === '-e' && /^\w+=/.test(word) ? [word] : []));
}

/** As the kernel has it before anybody configures it. */
function atStart({ links }: Network, iface: string): Network {
  return {
    links: links.filter(({ name }) => name === iface).map((link) => ({ ...link, up: false })),
    addresses: [],
    routes: [],
  };
}

/** Those of IPv4 by interface, and forwarding, which comes first as it sets others (ip-sysctl.rst). */
function networkSysctls(host: Host, iface: string): [string, string][] {
  const folders = ['all', iface].map((name) => `net/ipv4/conf/${name}`);
  const paths = [
    'net/ipv4/ip_forward',
    ...folders.flatMap((folder) => host.list(`/proc/sys/${folder}`).map((key) => `${folder}/${key}`)),
  ];
  return paths.flatMap((path) => {
    try {
      const value = host.sysctl(path);
      return value === null || value === '' ? [] : [[path, value] as [string, string]];
    } catch (error) {
      if (error instanceof HostError) return []; // write-only ones
      throw error;
    }
  });
}

function compare<T>({ before, after }: BeforeAfter<string>, parse: (text: string) => T[]): BeforeAfter<T[]> {
  return { before: parse(before), after: parse(after) };
}

/** As a kernel lists them, whatever order they were made in. */
function shownRoutes(routes: readonly Route[]): string[] {
  const key = ({ destination }: Route) => (destination === 'default' ? '' : destination);
  return routes.toSorted((a, b) => (key(a) < key(b) ? -1 : Number(key(a) > key(b)))).map(routeLine);
}

const shownAddress = (one: Address) => `${addressLine(one)} dev ${one.interface}`;

/** What keeps the rehearsal from being the host's own play. */
function caveats(network: Network, seen: Seen, addresses: readonly Address[], routes: readonly Route[]): string[] {
  const missing = (wanted: readonly string[], made: readonly string[]) => wanted.filter((line) => !made.includes(line));
  const unlike = [
    ...missing(network.addresses.map(shownAddress), addresses.map(shownAddress)),
    ...missing(network.routes.map(routeLine), routes.map(routeLine)),
  ];
  return [
    ...(unlike.length === 0 ? [] : [`could not be made on the stage: ${unlike.join('; ')}`]),
    ...(seen.hidden.length === 0 ? [] : [`out of the hooks' reach: ${some(seen.hidden)}`]),
    ...(seen.left === 0
      ? []
      : [`the hooks left ${seen.left} running in the background: what they would do later is not in this`]),
    ...(seen.resolvConf.after === null ? [`${RESOLV_CONF} is no regular file then`] : []),
  ];
}

function some(names: readonly string[]): string {
  return names.length <= 3 ? names.join(', ') : `${names.slice(0, 3).join(', ')} and ${names.length - 3} more sockets`;
}
