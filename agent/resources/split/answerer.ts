/** The program on this host that answers the C library's questions, and so can ask some names elsewhere. */
import { rangeOf, unmappedAddress } from '../../address/address-checks.ts';
import { asksResolved, ownsResolvConf, STUBS } from '../../clients/resolved.ts';
import type { DesiredDns } from '../../config/desired.ts';
import type { Host } from '../../host/host.ts';
import { networkInterfaces } from '../../host/looks.ts';
import { listenersAt } from '../../host/process/port-listeners.ts';
import type { Process } from '../../host/process/processes.ts';
import { isUnitEnabled } from '../../host/service/units.ts';
import { effectiveValues } from '../../resolver/libc-reading.ts';
import { isLeftToOwner } from '../../resolver/owner.ts';
import { RESOLV_CONF } from '../../resolver/resolv-conf.ts';

export const FORWARDER_NAMES = ['dnsmasq', 'unbound'] as const;
export type ForwarderName = (typeof FORWARDER_NAMES)[number];

export type Answerer =
  /** `process` is null if it is enabled, and does not run yet. `libcAsks`: its address. */
  | { readonly by: ForwarderName; readonly process: Process | null; readonly libcAsks: string }
  | { readonly by: 'systemd-resolved' }
  /** Nobody on this host can hold a split. `why` says so, with the remedy. */
  | { readonly by: 'nobody'; readonly why: string }
  /** It cannot be seen. */
  | { readonly by: 'unknown'; readonly why: string };

const PORT = 53;
const RUN_ONE = 'run dnsmasq, unbound or systemd-resolved on this host';

export function findAnswerer(host: Host, dns: DesiredDns): Answerer {
  const runs = host.processes('systemd-resolve', 'network').length > 0;
  const owns = ownsResolvConf(host) && dns.symlink === 'refuse';
  // Early at boot its files are not there yet.
  if (owns && (runs || isUnitEnabled(host, 'systemd-resolved.service'))) return { by: 'systemd-resolved' };
  const servers = serversOfLibc(host, dns);
  if ((runs && asksResolved(host)) || servers.every((server) => STUBS.includes(server)))
    return { by: 'systemd-resolved' };
  const others = servers.filter((server) => !isOwn(server, host));
  const [first = ''] = servers;
  if (others.length === servers.length)
    return {
      by: 'nobody',
      why: `libc asks ${others.join(' and ')} itself and cannot ask some domains elsewhere: ${RUN_ONE}, and write its address into dns.nameservers (127.0.0.1)`,
    };
  if (others.length > 0)
    return {
      by: 'nobody',
      why: `libc also asks ${others.join(' and ')}, past the program on this host: leave only ${first} in dns.nameservers`,
    };
  return host.live ? listenerAt(host, first) : notRunning(host, first);
}

/** The addresses that libc asks with the wanted resolv.conf. Without any it asks 127.0.0.1 (resolv.conf(5)). */
function serversOfLibc(host: Host, dns: DesiredDns): readonly string[] {
  const wanted = isLeftToOwner(host, dns) ? null : dns.nameservers;
  const found = wanted ?? effectiveValues(host.readTextUnlessAstray(RESOLV_CONF) ?? '', 'nameserver') ?? [];
  return found.length === 0 ? ['127.0.0.1'] : found;
}

function isOwn(server: string, host: Host): boolean {
  const address = unmappedAddress(server);
  if (address === null) return false;
  if (rangeOf(address) === 'loopback') return true;
  const own = Object.values(networkInterfaces()).flatMap((all) => all?.map((one) => one.address) ?? []);
  return host.live && own.includes(address);
}

function listenerAt(host: Host, address: string): Answerer {
  const [found, ...others] = listenersAt(address, PORT);
  if (found === undefined) return notRunning(host, address);
  const owners = [found, ...others].flatMap(({ owner }) => owner ?? []);
  const owner = owners[0] ?? null;
  const running = FORWARDER_NAMES.flatMap((by) =>
    host.processes(by, 'network').map((process) => ({ by, process, libcAsks: address })),
  );
  if (owner === null) {
    // Without the right to see the sockets of other users, the only program that it can be is known all the same.
    const [only] = running;
    if (only !== undefined && running.length === 1) return only;
    return { by: 'unknown', why: `only root can see which program listens on ${address} port ${PORT}` };
  }
  const forwarder = running.find(({ process }) => process.pid === owner.pid);
  if (forwarder !== undefined) return forwarder;
  if (owner.comm === 'systemd-resolve') return { by: 'systemd-resolved' };
  if (FORWARDER_NAMES.some((name) => name === owner.comm)) {
    const why = `${owner.comm}[${owner.pid}] runs as a user that runs other programs as well, so what its command line names is not trusted: let it run as root, or under an account of its own name`;
    return { by: 'nobody', why };
  }
  return {
    by: 'nobody',
    why: `${owner.comm}[${owner.pid}] listens on ${address} port ${PORT}, and Holdfast cannot split its names: ${RUN_ONE} in its place`,
  };
}

/** Early at boot, and in the files of another root: the service that is enabled will listen there. */
function notRunning(host: Host, address: string): Answerer {
  const enabled = FORWARDER_NAMES.filter((name) => isUnitEnabled(host, `${name}.service`));
  const [only] = enabled;
  if (only !== undefined && enabled.length === 1) return { by: only, process: null, libcAsks: address };
  if (enabled.length > 1) return { by: 'unknown', why: `${enabled.join(' and ')} are enabled, and none of them runs` };
  return { by: 'nobody', why: `libc asks ${address}, and no program listens there: ${RUN_ONE}` };
}
