/** Why a rehearsal without an address would do harm that no operator wants. */
import { networkInterfaces } from 'node:os';
import type { IpAddress } from '../../address/accepted.ts';
import { bareHost } from '../../address/address.ts';
import { RESOLVED_UPLINKS } from '../../clients/resolved.ts';
import { inForce, runningOnes } from '../../depends/conf/conf-source.ts';
import { FORWARDERS } from '../../depends/conf/forwarders.ts';
import { canonicalAddress, isLoopbackAddress } from '../../depends/found-addresses.ts';
import { routesSource } from '../../depends/routes-source.ts';
import { Surroundings } from '../../depends/surroundings.ts';
import { whoIs } from '../../depends/who.ts';
import { askNameServer } from '../../dns/ask.ts';
import { lookUp } from '../../dns/lookup.ts';
import { HostError, nullIfRefused } from '../../host/errors.ts';
import type { Host } from '../../host/host.ts';
import { effectiveValues } from '../../resolver/libc-reading.ts';
import { RESOLV_CONF } from '../../resolver/resolv-conf.ts';

/** Milliseconds for another server's answer. */
const TIMEOUT = 1_500;
/** Milliseconds for the kernel's list of routes. */
const TIME_LIMIT = 10_000;
/** Programs of the list that answer the questions of other programs. */
const ASKED_BY_OTHERS: ReadonlySet<string> = new Set(['dnsmasq', 'unbound', 'named', 'CoreDNS']);
/** Answers after which the C library asks the next server. */
const USELESS: readonly string[] = ['SERVFAIL', 'REFUSED', 'NOTIMP', 'FORMERR'];

export interface WayOut {
  /** Base URL of the collector; null if there is none. */
  readonly endpoint: string | null;
  /** The addresses that the operator's terminal comes from. */
  readonly terminals: ReadonlySet<IpAddress>;
}

/** Each reason as a sentence; empty if the rehearsal may begin. */
export async function refusals(host: Host, address: IpAddress, { endpoint, terminals }: WayOut): Promise<string[]> {
  const around = new Surroundings(host, { holding: async () => null, originals: [] });
  const route = await routeThrough(around, address);
  const collector = endpoint === null ? null : bareHost(new URL(endpoint).hostname);
  const isCollector = collector !== null && (await addressesOf(host, collector)).includes(address);
  return [
    ...(isOwn(address) ? [`${address} is this host itself, and its programs reach each other by that address`] : []),
    ...(await onlyServers(around, address)),
    ...(isCollector ? [`${address} is the collector that this host reports to (${endpoint})`] : []),
    ...(terminals.has(address) ? [`your own terminal comes from ${address}, and would be cut off`] : []),
    ...(route === null
      ? []
      : [`${address} is the next hop of a route (${route}), and a routing daemon may lose its session with it`]),
  ];
}

/** Whether packets to the address never leave this host. */
function isOwn(address: IpAddress): boolean {
  const own = Object.values(networkInterfaces()).flatMap((all) => all ?? []);
  return isLoopbackAddress(address) || own.some((one) => canonicalAddress(one.address) === address);
}

/** null if there is no such route. Throws HostError if the kernel does not list its routes. */
async function routeThrough(around: Surroundings, address: IpAddress): Promise<string | null> {
  const { found, unseen } = await routesSource(around).look(new Set([address]), AbortSignal.timeout(TIME_LIMIT));
  const [problem] = unseen;
  if (problem !== undefined) throw new HostError('EREFUSED', problem.reason);
  return found[0]?.where ?? null;
}

/** For each list of servers in which the address is the only server that works: a sentence. */
async function onlyServers(around: Surroundings, address: IpAddress): Promise<string[]> {
  const lists = listsOf(around).filter(({ servers }) => servers.has(address));
  const lone = await Promise.all(
    lists.map(async ({ whose, servers }) => {
      const others = [...servers].filter((server) => server !== address);
      const working = await Promise.all(others.map(answers));
      return working.includes(true) ? [] : [`${address} is the only name server of ${whose} that works`];
    }),
  );
  return lone.flat();
}

interface ServerList {
  /** In the operator's words. */
  readonly whose: string;
  readonly servers: ReadonlySet<IpAddress>;
}

/** The name servers of this host's own programs, and those behind each forwarder that these programs may ask. */
function listsOf(around: Surroundings): ServerList[] {
  const { host } = around;
  const list = (whose: string, servers: readonly string[]) => {
    return { whose, servers: new Set(servers.flatMap((server) => canonicalAddress(server) ?? [])) };
  };
  const of = (file: string) => effectiveValues(host.readTextUnlessAstray(file) ?? '', 'nameserver') ?? [];
  const forwarders = FORWARDERS.filter(({ name }) => ASKED_BY_OTHERS.has(name)).flatMap((program) =>
    runningOnes(around, program).flatMap(({ main }) => {
      if (!around.isOwnTree(main)) return [];
      const { files } = nullIfRefused(() => inForce(around, main, program).mentions) ?? { files: [] };
      const named = files.flatMap(({ mentions }) => mentions.filter(({ role }) => role === 'nameserver'));
      return [
        list(
          whoIs(host, main),
          named.map(({ address }) => address),
        ),
      ];
    }),
  );
  return [list('this host', of(RESOLV_CONF)), list('systemd-resolved', of(RESOLVED_UPLINKS)), ...forwarders];
}

async function answers(server: string): Promise<boolean> {
  const [answer] = await askNameServer(server, [{ name: '', type: 'NS' }], { timeout: TIMEOUT });
  return answer?.kind === 'answer' && !USELESS.includes(answer.rcode);
}

async function addressesOf(host: Host, name: string): Promise<readonly IpAddress[]> {
  const own = canonicalAddress(name);
  return own === null ? ((await lookUp(host, name)) ?? []) : [own];
}
