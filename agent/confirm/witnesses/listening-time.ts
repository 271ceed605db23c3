/**
 * Time limits that count only the time in which this process listens. A process without processor time, or with a
 * blocked event loop, hears an answer late, and that must not count as silence of the witness.
 */
import { monotonicNow } from '../../host/steady-clock.ts';

/** Milliseconds of listening that one turn of the clock counts, however late it comes. */
const TICK = 100;

interface RunningLimit {
  left: number;
  readonly end: AbortController;
}

/** One clock for all limits, because many agents may share a process. */
const running = new Set<RunningLimit>();
let clock: NodeJS.Timeout | null = null;

function tick(): void {
  for (const limit of running) {
    limit.left -= TICK;
    if (limit.left <= 0) limit.end.abort();
  }
}

export interface ListeningLimit {
  /** Aborts after the time, or with the caller's signal. */
  readonly signal: AbortSignal;
  /** Milliseconds that went by while this process did not listen. */
  lost(): number;
}

/** Runs `work` under a limit of so many milliseconds of listening. Between two ticks every answer that waits is read. */
export async function whileListening<T>(
  time: number,
  signal: AbortSignal,
  work: (limit: ListeningLimit) => Promise<T>,
): Promise<T> {
  const begun = monotonicNow();
  const limit: RunningLimit = { left: time, end: new AbortController() };
  running.add(limit);
  clock ??= setInterval(tick, TICK);
  const lost = () => monotonicNow() - begun - (time - limit.left);
  try {
    return await work({ signal: AbortSignal.any([signal, limit.end.signal]), lost });
  } finally {
    running.delete(limit);
    if (running.size === 0 && clock !== null) {
      clearInterval(clock);
      clock = null;
    }
  }
}
