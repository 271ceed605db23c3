/** Takes what a request holds, and says what of it is not kept. */
import type { Fleet } from './fleet.ts';
import { type LogsRequest, MalformedRequest, type MetricsRequest, type Rejected, type SeriesIndex } from './otlp.ts';

/** One of OTLP's two encodings. */
export interface Decoder {
  readMetrics(body: Buffer, series: SeriesIndex): MetricsRequest;
  readLogs(body: Buffer): LogsRequest;
}

/** Reads all before it takes any: a request that is malformed as a whole changes nothing. Throws MalformedRequest. */
export function take(
  fleet: Fleet,
  decoder: Decoder,
  signal: 'metrics' | 'logs',
  body: Buffer,
  { sender, now }: { sender: string; now: number },
): Rejected {
  const result = new Result();
  if (signal === 'logs') {
    const request = decoder.readLogs(body);
    result.add(request);
    for (const { resource, records } of request.resources) {
      result.take(records.length, () => fleet.note(resource, records, now, sender));
    }
  } else {
    const request = decoder.readMetrics(body, fleet.series);
    result.add(request);
    for (const { resource, points } of request.resources) {
      result.take(points.length, () => fleet.beat(resource, points, now, sender));
    }
  }
  return result.rejected;
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

  /** `work` takes so many, and gives how many it refused. A resource that cannot be read takes along what is of it, and nothing else. */
  take(count: number, work: () => number): void {
    try {
      const rejected = work();
      this.#taken += count - rejected;
      this.add({ rejected, reasons: rejected > 0 ? ['more series or hosts than there is room for'] : [] });
    } catch (error) {
      if (!(error instanceof MalformedRequest)) throw error;
      this.#unreadable ??= error;
      this.add({ rejected: count, reasons: [error.message] });
    }
  }

  /** Throws MalformedRequest where something could not be read and nothing else was taken. */
  get rejected(): Rejected {
    if (this.#unreadable !== null && this.#taken === 0) throw this.#unreadable;
    return { rejected: this.#rejected, reasons: [...this.#reasons] };
  }
}
