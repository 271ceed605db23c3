/** The dashboard of packaging/grafana against a real Prometheus: each of its queries finds what a host reported. */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { missing } from '../../packaging/receivers/build.ts';
import { METRICS, type MetricName } from '../../probes/metrics.ts';
import { prometheusName } from '../../probes/prometheus.ts';
import { Prometheus } from '../parts/lab/wire.ts';
import { ReportingHost } from '../parts/lab/wire-host.ts';
import { freePorts, temporaryFolder, until } from '../parts/lab/wire-program.ts';
import { everySample } from '../parts/lab/wire-samples.ts';
import { REPOSITORY } from '../parts/repository.ts';

interface Panel {
  id: number;
  type: string;
  title: string;
  gridPos: { x: number; y: number; w: number; h: number };
  targets?: { expr: string }[];
  fieldConfig?: { defaults?: { unit?: string } };
}

const dashboard = JSON.parse(readFileSync(join(REPOSITORY, 'packaging/grafana/holdfast.json'), 'utf8')) as {
  panels: Panel[];
};
const rules = readFileSync(join(REPOSITORY, 'packaging/prometheus/holdfast.rules.yml'), 'utf8');
const queries = dashboard.panels.flatMap(({ title, targets = [] }) => targets.map(({ expr }) => ({ title, expr })));

test('rules and dashboard name metrics that there are, and the dashboard shows each that an alert is made of', () => {
  const names = new Set(Object.keys(METRICS).map((metric) => prometheusName(metric as MetricName)));
  const shown = metricsIn(queries.map(({ expr }) => expr).join('\n'));
  // Of the collector's own /metrics (agent/collector/queries/fleet-exposition.ts). Its page shows the rollouts.
  const ofCollector = ['holdfast_rollout_stopped'];
  const alerted = metricsIn(rules.replaceAll(/^ *(#|- alert:|summary:|runbook_url:).*$/gm, ''));
  for (const name of [...shown, ...alerted]) {
    assert.ok(names.has(name) || ofCollector.includes(name), `there is no metric ${name}`);
  }
  // Those two are seen by what is recorded of them.
  const recorded = ['holdfast_heartbeat_sequence_total', 'holdfast_heartbeat_interval_seconds'];
  const unseen = [...alerted].filter((name) => !shown.has(name) && ![...recorded, ...ofCollector].includes(name));
  assert.deepEqual(unseen, []);
});

test('dashboard: every panel says the unit of what it shows', () => {
  for (const { type, title, fieldConfig } of dashboard.panels) {
    if (type !== 'row') assert.ok(fieldConfig?.defaults?.unit, title);
  }
});

test('dashboard: panels have a place of their own each', () => {
  const taken = new Map<string, string>();
  for (const { title, gridPos } of dashboard.panels) {
    assert.ok(gridPos.x + gridPos.w <= 24, title);
    for (let x = gridPos.x; x < gridPos.x + gridPos.w; x++) {
      for (let y = gridPos.y; y < gridPos.y + gridPos.h; y++) {
        assert.ok(!taken.has(`${x} ${y}`), `${title} lies on ${taken.get(`${x} ${y}`)}`);
        taken.set(`${x} ${y}`, title);
      }
    }
  }
  assert.equal(new Set(dashboard.panels.map(({ id }) => id)).size, dashboard.panels.length);
});

test('every query of the dashboard finds what a host reported', { skip: missing('prometheus') }, async () => {
  const folder = temporaryFolder();
  const [port] = await freePorts(1);
  const prometheus = new Prometheus(join(folder, 'prometheus'), port!);
  try {
    await prometheus.start();
    const host = new ReportingHost(folder, 'shown-host', {
      enforce: true,
      interval: 30_000,
      endpoint: `${prometheus.url}/api/v1/otlp`,
      format: 'protobuf',
      spool: 1024 * 1024,
      ca: null,
      certificate: null,
      key: null,
      tokenFile: null,
      labels: {},
    });
    host.reporter.heartbeat(everySample());
    await sleep(20); // a rate is made of two values
    host.reporter.heartbeat(everySample());
    await host.reporter.stop(30_000);
    assert.deepEqual(host.troubles, []);
    for (const { title, expr } of queries) {
      const filled = expr.replaceAll('$host', 'shown-host').replaceAll('$__rate_interval', '2m');
      await until(`an answer in "${title}": ${filled}`, async () => {
        const { result } = await prometheus.query(filled);
        return result.length > 0 || null;
      });
    }
  } finally {
    await prometheus.stop();
  }
});

/** Names of metrics, not of recorded series. */
function metricsIn(text: string): Set<string> {
  return new Set(text.match(/(?<![\w:])(holdfast|system)_\w+/g));
}
