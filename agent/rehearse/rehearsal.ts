/**
 * Plays a lease event on a stage (stage.ts) with the real dhclient-script and the real hooks, to see what the event
 * would change. The host itself is not changed.
 */
import { ipAddress } from '../address/address-checks.ts';
import { scriptOf, whyNotRun } from '../clients/dhclient/dhclient-scripts.ts';
import { hookPlaces, whyDeaf } from '../clients/dhclient/hooks/hook-places.ts';
import { clientName, type RunningDhclient } from '../clients/dhclient/running.ts';
import type { DesiredDns } from '../config/desired.ts';
import { HostError } from '../host/errors.ts';
import type { Host } from '../host/host.ts';
import { RUN_FOLDER } from '../host/paths.ts';
import { RESOLV_CONF } from '../resolver/resolv-conf.ts';
import { judgeRehearsal } from './judge.ts';
import { leaseOf } from './lease.ts';
import { beginsWithStart, type LeaseReason, variablesOf } from './lease-events.ts';
import {
  type Address,
  addressLine,
  answerAs,
  makeNetwork,
  type Network,
  networkAround,
  parseAddresses,
  parseRoutes,
  routeLine,
  type StageRoute,
} from './network.ts';
import { play, type StageView } from './stage.ts';

export interface RehearseOptions {
  /** The configured content of resolv.conf; null if none is configured. */
  readonly dns: DesiredDns | null;
  /** Whether the router answers dhclient-script's ping at TIMEOUT. Default: true. */
  readonly routerAnswers?: boolean;
  /** true: play the machine's start, with no address, no route and nothing in /run. */
  readonly atBoot?: boolean;
}

export interface BeforeAfter<T> {
  readonly before: T;
  readonly after: T;
}

export interface Rehearsal {
  readonly interface: string;
  readonly reason: LeaseReason;
  /** Whether the router answered; null if that does not matter to this event. */
  readonly routerAnswers: boolean | null;
  /** Exit status of dhclient-script. If it is not 0, dhclient declines the lease. */
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

/** Throws HostError if there is nothing to rehearse, or the stage cannot be made. */
export async function playEvent(
  host: Host,
  client: RunningDhclient,
  iface: string,
  reason: LeaseReason,
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
  const answering = pinged && routerAnswers ? ipAddress(router) : null;
  const seen = await play({
    interface: iface,
    script,
    variables,
    always: extraVariables(client),
    preinit: reason === 'EXPIRE' ? 'after' : beginsWithStart(reason) ? 'before' : null,
    network: made.network,
    peer: [...made.peer, ...(answering === null ? [] : answerAs(answering, iface, network))],
    sysctls: networkSysctls(host, iface),
    atBoot,
    record: recordOf(host, script, iface),
  });
  const addresses = compare(seen.addresses, (text) => parseAddresses(text).filter((one) => one.interface !== 'lo'));
  const routes = compare(seen.routes, parseRoutes);
  const problems = judgeRehearsal({
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
    // At TIMEOUT dhclient uses the lease as it was written.
    notes: [
      ...(reason === 'REBOOT' || reason === 'BOUND' ? notes : []),
      ...caveats(network, seen, addresses.before, routes.before),
    ],
    output: seen.output,
  };
}

function ownScript(host: Host, client: RunningDhclient): string {
  if (client.owner !== null)
    throw new HostError(
      'EOWNER',
      `${clientName(client)} is run by ${client.owner}, and its script passes the lease to ${client.owner}, so its events cannot be rehearsed`,
    );
  const script = scriptOf(host, client) ?? { path: '/sbin/dhclient-script', named: null };
  const why = whyNotRun(host, script.path);
  const named = script.named === null ? '' : ` (${script.named})`;
  if (why !== null) throw new HostError('ENOENT', `${clientName(client)}: its script ${script.path}${named} ${why}`);
  return script.path;
}

/**
 * Path of our exit hook's record of this interface; null if the hook is missing, or if this script does not source it.
 */
function recordOf(host: Host, script: string, iface: string): string | null {
  const places = hookPlaces(host);
  if (places === null || whyDeaf(host, script, places) !== null) return null;
  const hook = host.stat(places.exit)?.isFile() ? (host.readText(places.exit) ?? '') : '';
  return hook.includes(RUN_FOLDER) ? `${RUN_FOLDER}/lease.${iface}` : null;
}

/** The variables of `-e NAME=value`, by which ifupdown passes a metric (IF_METRIC). */
function extraVariables({ arguments: words }: RunningDhclient): string[] {
  return words.flatMap((word, at) => (words[at - 1] === '-e' && /^\w+=/.test(word) ? [word] : []));
}

/** The network as the kernel makes it, before any program configures it. */
function atStart({ links }: Network, iface: string): Network {
  return {
    links: links.filter(({ name }) => name === iface).map((link) => ({ ...link, up: false })),
    addresses: [],
    routes: [],
  };
}

/**
 * The IPv4 sysctls of the interface, and forwarding. Forwarding comes first, because it sets others (ip-sysctl.rst).
 */
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
      if (error instanceof HostError) return []; // write-only sysctls
      throw error;
    }
  });
}

function compare<T>({ before, after }: BeforeAfter<string>, parse: (text: string) => T[]): BeforeAfter<T[]> {
  return { before: parse(before), after: parse(after) };
}

/** The routes in a kernel's order, whatever order they were made in. */
function shownRoutes(routes: readonly StageRoute[]): string[] {
  const key = ({ destination }: StageRoute) => (destination === 'default' ? '' : destination);
  return routes.toSorted((a, b) => (key(a) < key(b) ? -1 : Number(key(a) > key(b)))).map(routeLine);
}

const shownAddress = (one: Address) => `${addressLine(one)} dev ${one.interface}`;

/** Notes on the differences between the rehearsal and the real host. */
function caveats(
  network: Network,
  seen: StageView,
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
