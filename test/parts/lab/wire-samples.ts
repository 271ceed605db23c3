/** One value or more of every metric that a host may report, except those that the reporter adds itself. */
import { METRICS, type MetricName } from '../../../probes/metrics.ts';
import { type Sample, type SampleAttributes, sample } from '../../../probes/probe.ts';

const IPV6 = { 'network.type': 'ipv6' };

/** What the dashboard selects by; other metrics have attributes whose names and values are hard to carry. */
const ATTRIBUTES: Partial<Record<MetricName, readonly SampleAttributes[]>> = {
  'system.network.route.count': [{ 'network.type': 'ipv4' }, IPV6],
  'system.network.route.table.count': [
    { ...IPV6, table: 'main', protocol: 'bgp' },
    { ...IPV6, table: '4294967295', protocol: 'static' },
  ],
  'holdfast.setting.state': ['now', 'lease', 'boot'].map((moment) => ({
    setting: 'dns.nameservers',
    moment,
    state: moment === 'now' ? 'ok' : 'drifted',
  })),
  'holdfast.memory_errors': [{ cause: 'neighbour-table-overflow', source: 'kernel' }],
  'holdfast.probe.success': [{ probe: 'routes' }],
  'holdfast.condition': [{ code: 'default-nexthops', ...IPV6, nexthops: 1 }],
};
const HARD = [{ ...IPV6, 'a.b-c': 'quote " backslash \\ line\nend ü €', whole: 7, yes: true }];

/** Added to each heartbeat by the reporter. */
const REPORTERS = ['holdfast.heartbeat.sequence', 'holdfast.heartbeat.interval', 'holdfast.spool.size'];

export function everySample(): Sample[] {
  let n = 0;
  const others = Object.entries(METRICS).filter(([name]) => !REPORTERS.includes(name));
  return others.flatMap(([name, { unit, kind }]) =>
    (ATTRIBUTES[name as MetricName] ?? HARD).map((attributes) => {
      n++;
      if (name === 'holdfast.probe.success') return sample(name, 0, attributes);
      // Counts are whole numbers, some beyond 32 bits. Other values are fractions that a float does not round.
      const value = unit === '1' && kind === 'gauge' ? 1 : unit === 's' ? 1000.1 + n : 2 ** 40 + n;
      return sample(name as MetricName, value, attributes);
    }),
  );
}
