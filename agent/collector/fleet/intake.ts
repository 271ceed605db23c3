/** Takes the content of a request, and reports the parts that are not kept. */
import {
  type LogsRequest,
  MalformedRequest,
  type MetricsRequest,
  type Rejected,
  type SeriesIndex,
  TooMany,
} from '../wire/otlp.ts';
import type { Fleet } from './fleet.ts';

/** The most different times in one request. Each time counts as a heartbeat, even with a single point. */
const MOST_TIMES = 10_000;
/** The most new series in one request, because a new series costs far more than a known one. */
const MOST_NEW_SERIES = 10_000;
/** A new series with up to so many bytes of attributes counts as one. */
const BYTES_OF_SERIES = 256;

/** One of OTLP's two encodings. */
export interface Decoder {
  readMetrics(body: Buffer, series: SeriesIndex): MetricsRequest;
  readLogs(body: Buffer): LogsRequest;
}

/** The sender, and the time by our clock. */
interface From {
  readonly sender: string;
  readonly now: number;
}

/**
 * Reads the whole request before it takes anything, so that a malformed request changes nothing. Throws
 * MalformedRequest.
 */
export function take(fleet: Fleet, decoder: Decoder, signal: 'metrics' | 'logs', body: Buffer, from: From): Rejected {
  if (signal === 'metrics') return takeMetrics(fleet, decoder, body, from);
  const result = new Result();
  const request = decoder.readLogs(body);
  result.add(request);
  for (const { resource, records } of request.resources) {
    result.take(records.length, (because) => fleet.note(resource, records, from.now, from.sender, because));
  }
  return result.rejected;
}

function takeMetrics(fleet: Fleet, decoder: Decoder, body: Buffer, { sender, now }: From): Rejected {
  try {
    const result = new Result();
    const request = decoder.readMetrics(body, limited(fleet.series));
    if (timesOf(request) > MOST_TIMES)
      throw new TooMany(`points of more than ${MOST_TIMES} times in one request: send fewer`);
    result.add(request);
    for (const { resource, points } of request.resources) {
      result.take(points.length, () => fleet.beat(resource, points, now, sender));
    }
    return result.rejected;
  } finally {
    fleet.upkeep.makeRoom(sender, now);
  }
}

/** The index that refuses a request's new series above MOST_NEW_SERIES. The sender's next heartbeat brings more of them. */
function limited(series: SeriesIndex): SeriesIndex {
  let added = 0;
  return {
    find(metric, unit, key, read) {
      return series.find(metric, unit, key, () => {
        added += 1 + Math.floor(key.length / BYTES_OF_SERIES);
        if (added > MOST_NEW_SERIES)
          throw new MalformedRequest(`more than ${MOST_NEW_SERIES} new series in one request`);
        return read();
      });
    },
  };
}

/** Counts times only if there are enough points to matter. */
function timesOf({ resources }: MetricsRequest): number {
  const long = resources.filter(({ points }) => points.length > 1);
  const most = resources.length - long.length + long.reduce((sum, { points }) => sum + points.length, 0);
  if (most <= MOST_TIMES) return most;
  const times = long.map(({ points }) => new Set(points.map(({ time }) => time)).size);
  return resources.length - long.length + times.reduce((sum, count) => sum + count, 0);
}

class Result {
  readonly #reasons = new Set<string>();
  #rejected = 0;
  #taken = 0;
  #unreadable: MalformedRequest | null = null;

  add({ rejected, reasons }: Rejected): void {
    this.#rejected += rejected;
    for (const reason of reasons) this.#reasons.add(reason);
  }

  /**
   * Runs `work`, which returns how many items it refused, and gives the reasons if it is not a lack of room. A malformed
   * resource loses only its own points.
   */
  take(count: number, work: (because: (reason: string) => void) => number): void {
    try {
      const told: string[] = [];
      const rejected = work((reason) => told.push(reason));
      this.#taken += count - rejected;
      const reasons = rejected > told.length ? [...told, 'more series or hosts than there is room for'] : told;
      this.add({ rejected, reasons });
    } catch (error) {
      if (!(error instanceof MalformedRequest)) throw error;
      this.#unreadable ??= error;
      this.add({ rejected: count, reasons: [error.message] });
    }
  }

  /** Throws MalformedRequest if a part was malformed and nothing else was taken. */
  get rejected(): Rejected {
    if (this.#unreadable !== null && this.#taken === 0) throw this.#unreadable;
    return { rejected: this.#rejected, reasons: [...this.#reasons] };
  }
}
