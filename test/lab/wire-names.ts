/** Names as Prometheus' translation UnderscoreEscapingWithSuffixes makes them of our metrics, units and kinds. */
import { METRICS, type MetricName } from '../../probes/metrics.ts';

const UNITS: Record<string, string> = { s: '_seconds', By: '_bytes', '{route}/s': '_per_second' };

export function prometheusName(metric: MetricName): string {
  const { unit, kind } = METRICS[metric];
  const suffix = kind === 'counter' ? '_total' : unit === '1' ? '_ratio' : '';
  return `${metric.replaceAll('.', '_')}${UNITS[unit] ?? ''}${suffix}`;
}
