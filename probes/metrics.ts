/**
 * Every metric, named by the rules of OpenTelemetry's semantic conventions. A test compares docs/metrics.md with this
 * table.
 */
export interface MetricDefinition {
  /** The unit in UCUM, as OpenTelemetry writes it: `{route}`, `s`, `By`, `1`. */
  readonly unit: string;
  readonly kind: 'gauge' | 'counter';
  /** When a counter began: the kernel's own at the machine's boot, all others at the agent's start. */
  readonly since?: 'boot';
  readonly description: string;
}

export const METRICS = {
  'system.network.route.count': { unit: '{route}', kind: 'gauge', description: 'Routes in the kernel' },
  'system.network.route.count.max': { unit: '{route}', kind: 'gauge', description: 'The most of these since the boot' },
  'system.network.route.count.max.time': {
    unit: 's',
    kind: 'gauge',
    description: 'When that was, in seconds since the epoch',
  },
  'system.network.route.table.count': {
    unit: '{route}',
    kind: 'gauge',
    description: 'Routes by table and protocol; a route with several next hops counts once',
  },
  'system.network.route.table.count.max': {
    unit: '{route}',
    kind: 'gauge',
    description: 'The most of these since the boot',
  },
  'system.network.route.table.count.max.time': {
    unit: 's',
    kind: 'gauge',
    description: 'When that was, in seconds since the epoch',
  },
  'system.network.route.offload_failed': {
    unit: '{route}',
    kind: 'gauge',
    description: 'Routes that the forwarding hardware refused; absent if there are none',
  },
  'holdfast.route_agreement.routes': {
    unit: '{route}',
    kind: 'gauge',
    description: 'Routes that a routing daemon says it put into the kernel',
  },
  'holdfast.route_agreement.difference': {
    unit: '{route}',
    kind: 'gauge',
    description: 'Those routes less the routes that the kernel has; absent while the daemon changes its routes',
  },
  'system.network.route.limit.enforced': {
    unit: '1',
    kind: 'gauge',
    description: 'Whether this kernel enforces its limit: 1 or 0 (attribute reason)',
  },
  'system.network.route.limit': {
    unit: '{route}',
    kind: 'gauge',
    description: 'The most routes that the kernel can hold; absent if no limit is in force',
  },
  'system.network.route.utilization': {
    unit: '1',
    kind: 'gauge',
    description:
      'Entries that the kernel compares with its limit, divided by the limit; absent if no limit is in force',
  },
  'system.network.route.cache': {
    unit: '{entry}',
    kind: 'gauge',
    description: 'Entries that the kernel compares with its limit; absent if no limit is in force',
  },
  'system.network.route.growth': { unit: '{route}/s', kind: 'gauge', description: 'Growth of the number of routes' },
  'system.network.route.time_to_limit': {
    unit: 's',
    kind: 'gauge',
    description: 'Time until the limit is reached at the present growth; absent if there is no growth',
  },
  'system.network.route.default.nexthops': {
    unit: '{nexthop}',
    kind: 'gauge',
    description: 'Usable next hops of the default route of the main table',
  },
  'system.network.route.default.weight': {
    unit: '1',
    kind: 'gauge',
    description: 'Weight of each next hop of the default route',
  },
  'system.network.route.multipath_hash_policy': {
    unit: '1',
    kind: 'gauge',
    description: 'How packets are spread over next hops (fib_multipath_hash_policy)',
  },
  'system.network.egress.gateways': {
    unit: '{gateway}',
    kind: 'gauge',
    description: 'Reachable gateways of the default route',
  },
  'system.network.egress.share': {
    unit: '1',
    kind: 'gauge',
    description: 'Share of the sampled flows that the kernel sends through a gateway',
  },
  'system.network.egress.expected': {
    unit: '1',
    kind: 'gauge',
    description: 'Share that the weight of a reachable gateway stands for',
  },
  'system.network.egress.neighbor': {
    unit: '1',
    kind: 'gauge',
    description: '1 for the neighbour state of a gateway (attribute state)',
  },
  'system.network.egress.expires': {
    unit: 's',
    kind: 'gauge',
    description: 'Time until the default route goes, unless its router advertises itself again',
  },
  'system.network.egress.moves': {
    unit: '{flow}',
    kind: 'counter',
    description: 'Sampled flows that moved to another gateway because a gateway came or went',
  },
  'system.network.egress.rp_filter.drops': {
    unit: '{packet}',
    kind: 'counter',
    since: 'boot',
    description: 'Packets that reverse path filters dropped',
  },
  'system.network.route.memory': { unit: 'By', kind: 'gauge', description: 'Kernel memory of the routing tables' },
  'holdfast.memory_errors': { unit: '{error}', kind: 'counter', description: 'Memory errors seen, by cause' },
  'holdfast.route_failures.available': {
    unit: '1',
    kind: 'gauge',
    description: 'Whether the kernel reports routes that a process could not add: 1 or 0 (attribute reason)',
  },
  'holdfast.route_failures': {
    unit: '{route}',
    kind: 'counter',
    description: 'Routes that a process could not add because memory was short, by the command of the process',
  },
  'holdfast.route_failures.lost': {
    unit: '{record}',
    kind: 'counter',
    description: 'Records of such failures that were overwritten before they were read; their processes are unknown',
  },
  'holdfast.kernel_log.lost': {
    unit: '{record}',
    kind: 'counter',
    description: 'Records of the kernel log that were overwritten before they were read',
  },
  'system.memory.ecc.errors': {
    unit: '{error}',
    kind: 'counter',
    since: 'boot',
    description: 'Errors of memory modules, by controller and type',
  },
  'system.memory.oom_kills': {
    unit: '{process}',
    kind: 'counter',
    since: 'boot',
    description: 'Processes that the kernel killed because memory was short',
  },
  'system.memory.allocation_stalls': {
    unit: '{stall}',
    kind: 'counter',
    since: 'boot',
    description: 'Times that a process had to wait until memory was freed, by zone',
  },
  'system.memory.pressure.time': {
    unit: 's',
    kind: 'counter',
    since: 'boot',
    description: 'Time in which some tasks, or all tasks, waited for memory (attribute share)',
  },
  'system.network.limit.used': {
    unit: '{entry}',
    kind: 'gauge',
    description: 'Entries (of memory: pages) in use of a limit of the kernel',
  },
  'system.network.limit.used.max': { unit: '{entry}', kind: 'gauge', description: 'The most of these since the boot' },
  'system.network.limit.used.max.time': {
    unit: 's',
    kind: 'gauge',
    description: 'When that was, in seconds since the epoch',
  },
  'system.network.limit.value': {
    unit: '{entry}',
    kind: 'gauge',
    description: 'The limit itself',
  },
  'system.network.limit.utilization': {
    unit: '1',
    kind: 'gauge',
    description: 'What is in use, divided by the limit',
  },
  'system.network.neighbor.table_fulls': {
    unit: '{event}',
    kind: 'counter',
    since: 'boot',
    description: 'Times that the neighbour table had no room for another neighbour',
  },
  'system.network.netlink.drops': {
    unit: '{message}',
    kind: 'counter',
    since: 'boot',
    description: 'Messages of the kernel that a process lost, by process and protocol',
  },
  'holdfast.canary.success': { unit: '1', kind: 'gauge', description: 'Whether a route could be added: 1 or 0' },
  'holdfast.lease.age': { unit: 's', kind: 'gauge', description: 'Time since the last event of the lease' },
  'holdfast.lease.renew': { unit: 's', kind: 'gauge', description: 'Time until the lease is renewed' },
  'holdfast.lease.expire': { unit: 's', kind: 'gauge', description: 'Time until the lease expires' },
  'holdfast.router.expire': {
    unit: 's',
    kind: 'gauge',
    description: 'Time until the default route goes unless the router advertises itself again',
  },
  'holdfast.lease.superseded': {
    unit: '1',
    kind: 'gauge',
    description: 'Whether the hook had to replace the value that dhclient brought: 1 or 0, by option',
  },
  'holdfast.dhclient.stale': {
    unit: '1',
    kind: 'gauge',
    description: 'Whether dhclient runs with an old configuration',
  },
  'holdfast.nameserver.asked': {
    unit: '{packet}',
    kind: 'gauge',
    description: 'Packets that the ledger counted to a name server, by asker',
  },
  'holdfast.nameserver.last_asked': { unit: 's', kind: 'gauge', description: 'When an asker last asked, Unix time' },
  'holdfast.nameserver.ledger_since': {
    unit: 's',
    kind: 'gauge',
    description: 'Since when the ledger counts every asker, Unix time; absent while it does not',
  },
  'holdfast.nameserver.up': { unit: '1', kind: 'gauge', description: 'Whether the name server answers: 1 or 0' },
  'holdfast.nameserver.duration': { unit: 's', kind: 'gauge', description: 'Time until the name server answered' },
  'holdfast.nameserver.verified': {
    unit: '1',
    kind: 'gauge',
    description: 'Whether the name server answers for dns.verify as expected: 1 or 0',
  },
  'holdfast.nearest.age': { unit: 's', kind: 'gauge', description: 'Time since the last good measurement, by target' },
  'holdfast.nearest.position': {
    unit: '1',
    kind: 'gauge',
    description: 'Position of an address among the addresses of its name: 1 is the nearest',
  },
  'holdfast.nearest.duration': { unit: 's', kind: 'gauge', description: 'Time of a TCP connection to the address' },
  'holdfast.metadata.age': {
    unit: 's',
    kind: 'gauge',
    description: 'Time since the cloud last sent the value, by name of the value',
  },
  'system.network.multicast.groups': {
    unit: '{group}',
    kind: 'gauge',
    description: 'Joined multicast groups that a switch may leave out, by interface',
  },
  'system.network.multicast.query.age': {
    unit: 's',
    kind: 'gauge',
    description: 'Time since the last query of IGMP or MLD',
  },
  'system.network.multicast.querier.version': {
    unit: '1',
    kind: 'gauge',
    description: 'Version of IGMP that the querier uses',
  },
  'holdfast.multicast.joined': {
    unit: '1',
    kind: 'gauge',
    description: 'Whether an expected multicast group is joined: 1 or 0',
  },
  'holdfast.setting.state': {
    unit: '1',
    kind: 'gauge',
    description: '1 for the state that a setting has at a moment (attributes setting, moment, state)',
  },
  'holdfast.heals': { unit: '{heal}', kind: 'counter', description: 'Drifts that were put right, by resource' },
  'holdfast.condition': { unit: '1', kind: 'gauge', description: '1 for each present condition (attribute code)' },
  'holdfast.change.provisional': {
    unit: '1',
    kind: 'gauge',
    description: '1 for a change that stays and is not proved yet (attribute holdfast.change.id)',
  },
  'holdfast.change.wave': {
    unit: '1',
    kind: 'gauge',
    description:
      '1 for the last change about which the host asked its collector (attributes holdfast.change.id, holdfast.change.rollout, holdfast.change.standing)',
  },
  'holdfast.change.unseen': {
    unit: '1',
    kind: 'gauge',
    description:
      '1 for each later moment (lease, boot) at which a change was not seen yet (attribute holdfast.change.id)',
  },
  'holdfast.probe.duration': { unit: 's', kind: 'gauge', description: 'Time of the last reading, by probe' },
  'holdfast.probe.success': { unit: '1', kind: 'gauge', description: 'Whether the last reading succeeded: 1 or 0' },
  'holdfast.heartbeat.sequence': { unit: '1', kind: 'counter', description: 'Number of this heartbeat since start' },
  'holdfast.heartbeat.interval': {
    unit: 's',
    kind: 'gauge',
    description: 'Time from one heartbeat to the next, as configured',
  },
  'holdfast.spool.size': {
    unit: 'By',
    kind: 'gauge',
    description: 'Size of the reports that wait on disk for the collector',
  },
  'holdfast.spool.dropped': {
    unit: '{record}',
    kind: 'counter',
    description: 'Records that were given up, by signal and reason',
  },
} as const satisfies Record<string, MetricDefinition>;

export type MetricName = keyof typeof METRICS;
