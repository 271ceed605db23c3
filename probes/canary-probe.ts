/**
 * The canary adds one route and deletes it again, to see whether the kernel still takes routes. It uses a table that no
 * packet is looked up in. Routing daemons that meet ENOMEM often go on in silence; the canary does not.
 */
import type { Family } from '../agent/address/address.ts';
import type { Host } from '../agent/host/host.ts';
import { ipv6RouteLimit } from '../agent/host/kernel/route-limit.ts';
import { TRIAL_TABLE, tryRoute } from '../agent/host/netlink/routes/trial.ts';
import { tablesInUse } from '../agent/host/netlink/rules/tables-in-use.ts';
import { NetlinkSocket } from '../agent/host/netlink/socket.ts';
import { type Condition, type Probe, type Reading, sample } from './probe.ts';

const FAMILIES = ['ipv4', 'ipv6'] as const;
/** Errors that mean exhausted memory: the kernel's, this memory cgroup's, or the table's limit. */
const FULL = ['ENOMEM', 'ENOBUFS'];
/** Errors that mean that the family is missing or disabled. */
const ABSENT = ['EAFNOSUPPORT', 'EOPNOTSUPP', 'ENODEV'];

/** The probe `canary`. Needs CAP_NET_ADMIN. */
export function canaryProbe(host: Pick<Host, 'sysctl' | 'run'>): Probe {
  // The socket stays open, so that short memory makes the kernel refuse the route, not the socket.
  let socket: NetlinkSocket | null = null;
  return {
    name: 'canary',
    cost: 'constant',
    async read(signal) {
      const readings: Reading[] = [];
      if (socket === null || socket.closed) socket = await NetlinkSocket.open();
      for (const family of FAMILIES) {
        if ((await tablesInUse(socket, family, signal)).has(TRIAL_TABLE)) {
          throw new Error(
            `packets are looked up in table ${TRIAL_TABLE} (by ip rule, or a VRF), so the canary adds no route there`,
          );
        }
        const code = await tryRoute(socket, family, signal);
        if (code === null) readings.push(success(family, 1));
        else if (FULL.includes(code)) readings.push(success(family, 0), failure(family, code, host));
        else if (!ABSENT.includes(code)) throw new Error(`an ${label(family)} route could not be tried: ${code}`);
      }
      return readings;
    },
    /** No route needs to be deleted here: each one goes in the same system call that adds it. */
    async close() {
      socket?.[Symbol.dispose]();
    },
  };
}

function success(family: Family, value: 0 | 1): Reading {
  return sample('holdfast.canary.success', value, { 'network.type': family });
}

function failure(family: Family, code: string, host: Pick<Host, 'sysctl' | 'run'>): Condition {
  const body = `No ${label(family)} route can be added (${code}): ${advice(family, host)}`;
  const attributes = { 'network.type': family, 'error.type': code };
  return { kind: 'condition', code: 'route-add-failed', severity: 'error', body, attributes };
}

function advice(family: Family, host: Pick<Host, 'sysctl' | 'run'>): string {
  const memory =
    'kernel memory is used up, on the whole host or in the memory cgroup of this process: see free(1) and the cgroup’s ' +
    'memory.max (systemd: MemoryMax=), and give the host or the unit more, or the routing daemons fewer routes';
  const limit = family === 'ipv6' ? ipv6RouteLimit(host) : null;
  if (limit?.enforced !== true) return memory;
  return `net.ipv6.route.max_size is ${limit.value} and enforced (${limit.why}): raise it; or ${memory}`;
}

function label(family: Family): string {
  return family === 'ipv4' ? 'IPv4' : 'IPv6';
}
