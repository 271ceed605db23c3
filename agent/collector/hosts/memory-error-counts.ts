/**
 * Counts a host's memory errors by hour, from its counters and from its events. The hour is when the collector received
 * them.
 */
import type { SeriesTable } from '../series/series.ts';
import type { OtlpPoint } from '../wire/otlp.ts';
import { noteReturn } from './clones.ts';
import type { HostState } from './host-state.ts';

const HOUR = 3_600_000;

/**
 * Notes the growth of the counters with this heartbeat, before its values are taken. Returns whether there were errors.
 */
export function countErrors(
  host: HostState,
  points: readonly OtlpPoint[],
  series: SeriesTable,
  sequence: number | null,
  now: number,
): boolean {
  const counts = howCounted(host, points, sequence, now);
  // The first value of a counter may include errors from long before.
  if (host.series.length === 0 || counts === 'not') return false;
  let found = false;
  for (const { series: id, value } of points) {
    if (series.get(id)?.metric !== 'holdfast.memory_errors') continue;
    const before = counts === 'on' ? (host.value(id) ?? 0) : 0;
    const counted = value >= before ? value - before : value;
    if (counted <= 0) continue;
    noteErrors(host, now, counted, 0);
    found = true;
  }
  return found;
}

/** `on`: the counters continue. `anew`: the counters began at 0. `not`: the counters may belong to another agent. */
function howCounted(
  host: HostState,
  points: readonly OtlpPoint[],
  sequence: number | null,
  now: number,
): 'on' | 'anew' | 'not' {
  if (sequence === null) return 'on';
  const { start, sequence: before, counted } = host;
  if (start === counted && sequence <= before) {
    const repeat = points.every((point) => host.value(point.series) === point.value);
    if (!repeat) noteReturn(host, now);
    return repeat ? 'on' : 'not';
  }
  if (host.returned.count > 0 && now - host.returned.at < HOUR) return 'not';
  if (start === counted || (start > counted && sequence > before)) return 'on';
  return start > counted && sequence === 1 ? 'anew' : 'not';
}

export function noteErrors({ memoryErrors }: HostState, now: number, counted: number, events: number): void {
  const hour = Math.floor(now / HOUR);
  const before = memoryErrors.get(hour) ?? { counted: 0, events: 0 };
  // A counter may have any value, so a sum may overflow.
  const sum = Math.min(Number.MAX_SAFE_INTEGER, before.counted + counted);
  memoryErrors.set(hour, { counted: sum, events: before.events + events });
}

/** Forgets errors older than a day, and those of the future, which were counted while our clock was wrong. */
export function forgetErrors({ memoryErrors }: HostState, now: number): void {
  for (const hour of memoryErrors.keys()) {
    if (hour < now / HOUR - 25 || hour > now / HOUR + 1) memoryErrors.delete(hour);
  }
}

export function isMemoryError(event: string): boolean {
  return event === 'holdfast.memory_error' || event === 'holdfast.route_failure';
}
