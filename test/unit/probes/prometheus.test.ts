/** Metrics in Prometheus' text format. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { sample } from '../../../probes/probe.ts';
import { exposition, prometheusName } from '../../../probes/prometheus.ts';

test('names as Prometheus makes them of OTLP: underscores, unit, _total, _ratio', () => {
  assert.equal(prometheusName('system.network.route.count'), 'system_network_route_count');
  assert.equal(prometheusName('system.network.route.utilization'), 'system_network_route_utilization_ratio');
  assert.equal(prometheusName('system.network.route.growth'), 'system_network_route_growth_per_second');
  assert.equal(prometheusName('system.network.route.memory'), 'system_network_route_memory_bytes');
  assert.equal(prometheusName('holdfast.memory_errors'), 'holdfast_memory_errors_total');
  assert.equal(prometheusName('system.memory.pressure.time'), 'system_memory_pressure_time_seconds_total');
  assert.equal(prometheusName('holdfast.heartbeat.sequence'), 'holdfast_heartbeat_sequence_total');
  assert.equal(prometheusName('holdfast.lease.renew'), 'holdfast_lease_renew_seconds');
});

test('Prometheus: one heading a metric, its samples together, labels escaped', () => {
  const text = exposition([
    sample('holdfast.lease.renew', 1.5, { interface: 'a"\\\n', 'network.type': 'ipv4' }),
    sample('holdfast.kernel_log.lost', 0),
    sample('holdfast.lease.renew', -1e-7, { interface: 'b' }),
  ]);
  assert.equal(
    text,
    `# HELP holdfast_lease_renew_seconds Time until the lease is renewed
# TYPE holdfast_lease_renew_seconds gauge
holdfast_lease_renew_seconds{interface="a\\"\\\\\\n",network_type="ipv4"} 1.5
holdfast_lease_renew_seconds{interface="b"} -1e-7
# HELP holdfast_kernel_log_lost_total Records of the kernel log that were overwritten before they were read
# TYPE holdfast_kernel_log_lost_total counter
holdfast_kernel_log_lost_total 0
`,
  );
});
