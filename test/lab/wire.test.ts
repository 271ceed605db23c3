/**
 * Heartbeats of agent/report on their way to receivers that are not ours: a real OpenTelemetry Collector, and through it
 * and without it a real Prometheus. What arrives is what was sent: names, attributes, values, times.
 */
import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { metrics } from '../../agent/report/otlp-encoding.ts';
import { missing } from '../../packaging/receivers/build.ts';
import { METRICS } from '../../probes/metrics.ts';
import type { Occurrence, Sample } from '../../probes/probe.ts';
import { prometheusName } from '../../probes/prometheus.ts';
import { LabHost, unavailable } from '../parts/lab/host.ts';
import { layWire, type Prometheus, type Series, type Wire } from '../parts/lab/wire.ts';
import { ReportingHost } from '../parts/lab/wire-host.ts';
import { until } from '../parts/lab/wire-program.ts';
import { type Measured, readEvents, readMetrics } from '../parts/lab/wire-received.ts';
import { everySample } from '../parts/lab/wire-samples.ts';

const skip = missing('otelcol-holdfast', 'prometheus');
const samples = everySample();
let wire: Wire;

before(
  async () => {
    if (!skip) wire = await layWire();
  },
  { timeout: 300_000 },
);
after(() => wire?.[Symbol.asyncDispose]());

test('wire: a heartbeat and its events reach an OpenTelemetry Collector as they were sent', { skip }, async () => {
  const { collector } = wire;
  const events = ['info', 'warn', 'error'].map((severity, n) => event(`holdfast.event_${n}`, severity as 'info'));
  const host = new ReportingHost(wire.folder, 'collector-host', collector.report());
  host.reporter.heartbeat(samples, events);
  await host.reporter.stop(30_000);
  assert.deepEqual(host.troubles, []);

  const received = await until('the metrics', async () => readMetrics(collector.received('metrics.json'), host.name));
  assert.deepEqual(sorted(received.samples), sorted([...samples, ...own(1)].map(asSent)));
  assert.deepEqual(received.resource, host.identity.resource);
  const logs = await until('the events', async () => readEvents(collector.received('events.json'), host.name));
  assert.deepEqual(
    logs.map(({ id: _, ...log }) => log),
    events.map(({ kind: _, ...rest }) => rest),
  );
  assert.equal(new Set(logs.map(({ id }) => id)).size, events.length);
});

test('wire: through the collector, by OTLP and by remote write, Prometheus has each value under its own name', {
  skip,
}, async () => {
  const host = new ReportingHost(wire.folder, 'relayed-host', wire.collector.report());
  host.reporter.heartbeat(samples);
  await host.reporter.stop(30_000);
  for (const prometheus of [wire.prometheus, wire.remote]) {
    assert.deepEqual(await stored(prometheus, host, samples.length + 1), expected(host, samples));
  }
});

test('wire: what `agent probe --json` shows is what Prometheus has', { skip: skip || unavailable() }, async () => {
  await using lab = await LabHost.create();
  await lab.sh('ip address add 192.0.2.2/24 dev eth0; ip link set eth0 up; ip route add default via 192.0.2.1');
  await lab.write('/etc/holdfast/agent.yaml', 'sysctl: { net.ipv4.ip_forward: 1 }\n');
  const { stdout } = await lab.agent('probe', '--json');
  const probes = (JSON.parse(stdout) as { probes: { samples: Sample[] }[] }).probes;
  const seen = probes.flatMap(({ samples }) => samples);
  assert.ok(seen.some(({ metric, value }) => metric === 'system.network.route.count' && value > 1));

  const host = new ReportingHost(wire.folder, 'lab-host', wire.collector.report());
  host.reporter.heartbeat(seen);
  await host.reporter.stop(30_000);
  assert.deepEqual(await stored(wire.prometheus, host, seen.length + 1), expected(host, seen));
});

test('wire: an agent may report to Prometheus itself', { skip }, async () => {
  const report = { ...wire.collector.report(), endpoint: `${wire.prometheus.url}/api/v1/otlp`, tokenFile: null };
  for (const format of ['protobuf', 'json'] as const) {
    const host = new ReportingHost(wire.folder, `direct-${format}`, { ...report, format });
    host.reporter.heartbeat(samples);
    await host.reporter.stop(30_000);
    assert.deepEqual(await stored(wire.prometheus, host, samples.length + 1), expected(host, samples));
  }
});

test('Prometheus takes a heartbeat that comes late, and no events: those are given up and told', { skip }, async () => {
  const report = { ...wire.collector.report(), endpoint: `${wire.prometheus.url}/api/v1/otlp`, tokenFile: null };
  const host = new ReportingHost(wire.folder, 'late-host', report);
  host.reporter.heartbeat(samples);
  host.reporter.event(event('holdfast.for_nobody', 'info'));
  await host.reporter.stop(30_000);
  assert.match(host.troubles.join('\n'), /events .*404/);

  const hourAgo = Date.now() - 3_500_000;
  const { resource } = host.identity;
  const late = { time: hourAgo, start: hourAgo, sequence: 0, samples: own(0), resource };
  const answer = await fetch(`${report.endpoint}/v1/metrics`, {
    method: 'POST',
    headers: { 'content-type': 'application/x-protobuf' },
    body: metrics.encode([late], 'protobuf') as Uint8Array<ArrayBuffer>,
  });
  assert.equal(answer.status, 200);
  const [series] = await wire.prometheus.series(`holdfast_heartbeat_sequence_total{host_name="${host.name}"}`);
  assert.deepEqual(series!.points[0], [hourAgo, 0]);
  assert.equal(series!.points[1]![1], 1);
});

test('a wrong token is refused and what waits is kept: with the right one it arrives', { skip }, async () => {
  const tokenFile = join(wire.folder, 'wrong-token');
  writeFileSync(tokenFile, 'no-such-token\n');
  const host = new ReportingHost(wire.folder, 'refused-host', wire.collector.report(tokenFile));
  host.reporter.heartbeat([], [event('holdfast.told_late', 'info')]);
  await until('the refusal', async () => (host.troubles.some((text) => text.includes('401')) ? true : null));
  writeFileSync(tokenFile, 'the-token\n');
  await until('the event', async () => readEvents(wire.collector.received('events.json'), host.name));
  await host.reporter.stop(30_000);
});

test('wire: what the collector has acknowledged outlives its kill -9 while Prometheus is down', { skip }, async () => {
  const { collector, prometheus } = wire;
  await prometheus.stop();
  const host = new ReportingHost(wire.folder, 'durable-host', collector.report());
  for (let n = 0; n < 3; n++) {
    host.reporter.heartbeat(samples);
    await sleep(5); // a series has one value a millisecond
  }
  await host.reporter.stop(30_000);
  assert.deepEqual(host.troubles, []);
  await collector.stop('SIGKILL');
  await prometheus.start();
  await collector.start();
  const numbers = await until('three heartbeats', async () => {
    const found = await prometheus.series(`holdfast_heartbeat_sequence_total{host_name="${host.name}"}`);
    const values = found.flatMap(({ points }) => points.map(([, value]) => value));
    return values.length === 3 ? values : null;
  });
  assert.deepEqual(numbers, [1, 2, 3]);
});

/** What the reporter adds to its heartbeat of this number; the size of its spool is its own affair. */
function own(sequence: number): Sample[] {
  return [{ kind: 'sample', metric: 'holdfast.heartbeat.sequence', value: sequence, attributes: {} }];
}

function event(name: string, severity: Occurrence['severity']): Occurrence {
  const attributes = { cause: 'neighbour-table-overflow', count: 3, whole: true, text: 'ü "quoted"\nline' };
  return { kind: 'event', name, severity, time: Date.now(), body: `${name}: what happened ü`, attributes };
}

function asSent({ metric, value, attributes }: Sample): Measured {
  const { unit, kind } = METRICS[metric];
  return { name: metric, unit, kind, value, attributes };
}

function sorted(measured: readonly Measured[]): Measured[] {
  const key = ({ name, attributes }: Measured) => `${name} ${JSON.stringify(attributes)}`;
  return measured.toSorted((a, b) => (key(a) < key(b) ? -1 : 1));
}

/** All that Prometheus has of a host, when there is at least so much: each series' last value. */
async function stored(prometheus: Prometheus, host: ReportingHost, count: number): Promise<string[]> {
  const found = await until(`${count} series of ${host.name} in ${prometheus.url}`, async () => {
    const series = await prometheus.series(
      `{job="holdfast",host_name="${host.name}",__name__!~"target_info|holdfast_spool_size_bytes"}`,
    );
    return series.length >= count ? series : null;
  });
  return found.map(line).sort();
}

function expected(host: ReportingHost, samples: readonly Sample[]): string[] {
  const { 'host.name': host_name, 'host.id': host_id, 'service.instance.id': instance } = host.identity.resource;
  const common = { host_name, host_id, instance, job: 'holdfast' };
  return [...samples, ...own(1)]
    .map(({ metric, value, attributes }) => {
      const own = Object.entries(attributes).map(([key, text]) => [
        key.replaceAll(/[^a-zA-Z0-9_]/g, '_'),
        String(text),
      ]);
      const labels = { __name__: prometheusName(metric), ...common, ...Object.fromEntries(own) };
      return line({ labels, points: [[0, value]] });
    })
    .sort();
}

function line({ labels, points }: Series): string {
  return `${JSON.stringify(Object.entries(labels).sort())} ${points.at(-1)![1]}`;
}
