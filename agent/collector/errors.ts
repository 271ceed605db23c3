/** How many memory errors a host had in each hour, by its counters and by its events. The hours are those in which we heard of them. */
import { noteReturn } from './clones.ts';
import type { Host } from './host.ts';
import type { Point } from './otlp.ts';
import type { SeriesTable } from './series.ts';

const HOUR = 3_600_000;

/** Notes by how much the counters grew with a heartbeat of this number, before its values are taken. true: there were errors. */
export function countErrors(
  host: Host,
  points: readonly Point[],
  series: SeriesTable,
  sequence: number | null,
  now: number,
): boolean {
  const counts = howCounted(host, points, sequence, now);
  // One that the host begins with may have counted long before.
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

/** `on`: counters go on from what was there; `anew`: they began at 0; `not`: they may be another agent's. */
function howCounted(host: Host, points: readonly Point[], sequence: number | null, now: number): 'on' | 'anew' | 'not' {
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

export function noteErrors({ memoryErrors }: Host, now: number, counted: number, events: number): void {
  const hour = Math.floor(now / HOUR);
  const before = memoryErrors.get(hour) ?? { counted: 0, events: 0 };
  // A counter may say any number, and the sum of two is none any more.
  const sum = Math.min(Number.MAX_SAFE_INTEGER, before.counted + counted);
  memoryErrors.set(hour, { counted: sum, events: before.events + events });
}

/** Forgets errors of more than a day ago, and those of the future, which were counted while our clock was wrong. */
export function forgetErrors({ memoryErrors }: Host, now: number): void {
  for (const hour of memoryErrors.keys()) {
    if (hour < now / HOUR - 25 || hour > now / HOUR + 1) memoryErrors.delete(hour);
  }
}

export function isMemoryError(event: string): boolean {
  return event === 'holdfast.memory_error' || event === 'holdfast.route_failure';
}
