/**
 * The kernel's counters of short memory. A counter that this kernel lacks is left out, because 0 would mean that there
 * was no error.
 */
import { nullIfRefused } from '../../agent/host/errors.ts';
import type { Host } from '../../agent/host/host.ts';
import { neighbourStatistics } from '../../agent/host/kernel/neighbour-table.ts';
import type { Probe, Reading, Sample } from '../probe.ts';
import { sample } from '../probe.ts';
import type { MemoryErrorRecord } from './counts-record.ts';
import { netlinkSockets, type SocketDrops } from './netlink-drops.ts';
import { ErrorTally } from './tally.ts';

export function memoryCounters(host: Host, record: MemoryErrorRecord): Probe {
  const tally = new ErrorTally(record);
  const owners = new Map<string, string>();

  /** Emits the growth of the counter as an event, because the kernel logs nothing when a process loses messages. */
  const overruns = (): Reading[] => {
    const sockets = netlinkSockets(host, owners);
    if (sockets === null) return [];
    tally.watch('netlink', ['netlink-overrun']);
    for (const { inode, process, protocol, drops } of sockets) {
      const lost = record.drops === null ? 0 : drops - (record.drops.get(inode) ?? 0);
      if (lost > 0)
        tally.add('netlink-overrun', 'netlink', `${process} lost ${lost} messages (${protocol})`, Date.now());
    }
    record.drops = new Map(sockets.map(({ inode, drops }) => [inode, drops]));
    return [...tally.take(), ...byProcess(sockets)];
  };

  return {
    name: 'memory-errors.counters',
    cost: 'constant',
    async read() {
      return [...vmstat(host), ...pressure(host), ...neighbours(host), ...ecc(host), ...overruns()];
    },
  };
}

function byProcess(sockets: readonly SocketDrops[]): Sample[] {
  const groups = Map.groupBy(sockets, ({ process, protocol }) => `${process} ${protocol}`);
  return [...groups.values()].map((members) => {
    const { process, protocol } = members[0]!;
    const drops = members.reduce((sum, member) => sum + member.drops, 0);
    return sample('system.network.netlink.drops', drops, { process, protocol });
  });
}

/** /proc/vmstat: `oom_kill` since Linux 4.13; `allocstall` by zone since 4.10, one for all before. */
function vmstat(host: Host): Sample[] {
  const text = host.readText('/proc/vmstat') ?? '';
  const kills = /^oom_kill (\d+)$/m.exec(text)?.[1];
  const stalls = [...text.matchAll(/^allocstall(?:_(\w+))? (\d+)$/gm)];
  return [
    ...(kills === undefined ? [] : [sample('system.memory.oom_kills', Number(kills))]),
    ...stalls.map(([, zone = 'all', count]) => sample('system.memory.allocation_stalls', Number(count), { zone })),
  ];
}

/**
 * See Documentation/accounting/psi.rst; `total` counts microseconds. Missing, or EOPNOTSUPP, if PSI is switched off.
 */
function pressure(host: Host): Sample[] {
  const text = nullIfRefused(() => host.readText('/proc/pressure/memory')) ?? '';
  return [...text.matchAll(/^(some|full) .*\btotal=(\d+)$/gm)].map(([, share = '', total]) =>
    sample('system.memory.pressure.time', Number(total) / 1e6, { share }),
  );
}

/** Since Linux 4.4. */
function neighbours(host: Host): Sample[] {
  return (['ipv4', 'ipv6'] as const).flatMap((type) => {
    const counts = neighbourStatistics(host, type, 'table_fulls');
    if (counts === null) return [];
    const total = counts.reduce((sum, count) => sum + count, 0);
    return [sample('system.network.neighbor.table_fulls', total, { 'network.type': type })];
  });
}

const MEMORY_CONTROLLERS = '/sys/devices/system/edac/mc';

/** See Documentation/admin-guide/ras.rst. Hosts without ECC memory or its driver have no such counters. */
function ecc(host: Host): Sample[] {
  const types = { ce_count: 'corrected', ue_count: 'uncorrected' } as const;
  const controllers = host.list(MEMORY_CONTROLLERS).filter((name) => /^mc\d+$/.test(name));
  return controllers.flatMap((controller) =>
    Object.entries(types).flatMap(([file, type]) => {
      const text = nullIfRefused(() => host.readText(`${MEMORY_CONTROLLERS}/${controller}/${file}`)) ?? '';
      return /^\d+\n?$/.test(text) ? [sample('system.memory.ecc.errors', Number(text), { controller, type })] : [];
    }),
  );
}
