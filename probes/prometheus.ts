/**
 * Metrics in Prometheus' text format, version 0.0.4, under the names that Prometheus itself and the OpenTelemetry
 * Collector give them (OpenTelemetry's "Prometheus and OpenMetrics compatibility"): dots become underscores, the unit
 * becomes a suffix.
 */
import { METRICS, type MetricName } from './metrics.ts';
import type { Sample } from './probe.ts';

const UNITS: Readonly<Record<string, string>> = { s: 'seconds', By: 'bytes' };

/** `holdfast_lease_renew_seconds`, `holdfast_memory_errors_total`. */
export function prometheusName(metric: MetricName): string {
  const { unit, kind } = METRICS[metric];
  const name = sanitize(metric);
  const missing = [...unitSuffixes(unit, kind), ...(kind === 'counter' ? ['total'] : [])].filter(
    (suffix) => !name.split('_').includes(suffix),
  );
  return [name, ...missing].join('_');
}

/** Groups the samples by metric, as the format requires. */
export function exposition(samples: readonly Sample[]): string {
  const families = Map.groupBy(samples, ({ metric }) => metric);
  return [...families].map(([metric, members]) => family(metric, members)).join('');
}

function family(metric: MetricName, members: readonly Sample[]): string {
  const name = prometheusName(metric);
  const { description, kind } = METRICS[metric];
  const lines = members.map(({ value, attributes }) => `${name}${labels(attributes)} ${number(value)}\n`);
  return `# HELP ${name} ${escaped(description)}\n# TYPE ${name} ${kind}\n${lines.join('')}`;
}

/** The suffix of a unit. Braces (`{route}`) only explain; `1` means a ratio if the metric is a gauge. */
function unitSuffixes(unit: string, kind: 'gauge' | 'counter'): string[] {
  if (unit === '1') return kind === 'gauge' ? ['ratio'] : [];
  const [main = '', per] = unit.split('/').map((part) => part.replace(/\{.*\}/, ''));
  const named = UNITS[main] ?? main;
  return [...(named === '' ? [] : [named]), ...(per === 's' ? ['per_second'] : [])];
}

function labels(attributes: Sample['attributes']): string {
  const pairs = Object.entries(attributes).map(
    ([name, value]) => `${sanitize(name)}="${escaped(String(value), true)}"`,
  );
  return pairs.length === 0 ? '' : `{${pairs.join(',')}}`;
}

function sanitize(name: string): string {
  return name.replace(/[^A-Za-z0-9]+/g, '_');
}

function escaped(text: string, quotes = false): string {
  const line = text.replace(/\\/g, '\\\\').replace(/\n/g, '\\n');
  return quotes ? line.replace(/"/g, '\\"') : line;
}

/** Writes a number; the format has its own words for values that are not finite. */
function number(value: number): string {
  if (Number.isFinite(value)) return String(value);
  return Number.isNaN(value) ? 'NaN' : value > 0 ? '+Inf' : '-Inf';
}
