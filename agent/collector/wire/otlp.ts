/**
 * The content of OTLP/HTTP requests. Protobuf (protobuf.ts) and JSON (otlp-json.ts) are read into the same shapes.
 * Source: opentelemetry-proto 1.x, metrics.proto and logs.proto.
 */
export type OtlpAttributes = Readonly<Record<string, string | number | boolean>>;

/**
 * The attributes of a resource, and a key that is the same for the same bytes: a known host is found without reading
 * them.
 */
export interface OtlpResource {
  readonly key: string;
  read(): OtlpAttributes;
}

/** The index in which decoders look up series. */
export interface SeriesIndex {
  /**
   * The number of a series; null if the series is refused. `key` is the same for the same bytes of attributes, so that
   * a known series is found without reading them.
   */
  find(metric: string, unit: string, key: string, read: () => OtlpAttributes): number | null;
}

/** The points of one resource, in the order of the request. */
export interface ResourcePoints {
  readonly resource: OtlpResource;
  readonly points: readonly OtlpPoint[];
}

export interface OtlpPoint {
  readonly series: number;
  /** When the counter began, in milliseconds since the epoch by the sender's clock; 0 or missing if not given. */
  readonly start?: number;
  /** Milliseconds since the epoch, by the sender's clock; 0 if not given. */
  readonly time: number;
  readonly value: number;
}

/** Points or records of a request that are not kept, and the reasons. */
export interface Rejected {
  readonly rejected: number;
  /** Each reason once, as the sender gets it. */
  readonly reasons: readonly string[];
}

export interface MetricsRequest extends Rejected {
  readonly resources: readonly ResourcePoints[];
}

export interface LogsRequest extends Rejected {
  readonly resources: readonly { readonly resource: OtlpResource; readonly records: readonly LogRecord[] }[];
}

export interface LogRecord {
  /** Milliseconds since the epoch, by the sender's clock; 0 if not given. */
  readonly time: number;
  readonly name: string;
  readonly severity: 'info' | 'warn' | 'error';
  readonly body: string;
  readonly attributes: OtlpAttributes;
}

/**
 * A malformed request, or a malformed part. A whole malformed request is answered with 400. The error has no stack,
 * because a stack takes 10 µs and a request may have 100,000 malformed parts.
 */
export class MalformedRequest extends Error {
  override readonly name: string = 'MalformedRequest';

  constructor(message: string) {
    const { stackTraceLimit } = Error;
    Error.stackTraceLimit = 0;
    super(message);
    Error.stackTraceLimit = stackTraceLimit;
  }
}

/**
 * A request with more items than allowed, however few bytes it has. It is answered with 413, so that the sender halves
 * it.
 */
export class TooMany extends MalformedRequest {
  override readonly name = 'TooMany';
}

export const LIMITS = {
  /** The most attributes of one resource, point or record. More are a mistake or an attack. */
  attributes: 128,
  /** The most characters of a text; longer texts are cut. */
  attributeKey: 256,
  attributeValue: 2048,
  body: 8192,
  /** The most characters of the body of `DEPENDENCES`. */
  longBody: 32_768,
  metricName: 255,
  /** The most bytes of a resource, and characters of all attributes of a series or record. Larger ones are refused. */
  resource: 32_768,
  seriesText: 4_096,
  recordText: 65_536,
  /** The most levels of lists and maps in one value. */
  depth: 8,
} as const;

/** The event whose body is JSON for the collector, so it is never cut: a longer body is refused. */
export const DEPENDENCES = 'holdfast.dependences';

/**
 * Limits of one request, because each request is read in one turn of the event loop: up to 0.5 s at these limits. Without
 * limits a few kilobytes of gzip would become millions of empty records. The default batch of an OpenTelemetry
 * Collector has 8,192 points or records.
 */
const MOST = {
  resources: 10_000,
  scopes: 100_000,
  points: 100_000,
  records: 10_000,
  'attributes of records': 200_000,
  'bytes of resources': 8 * 1024 * 1024,
} as const;

/** Counts the items of one request, and the items that are not kept. */
export class RequestTally {
  readonly #count: Record<keyof typeof MOST, number> = {
    resources: 0,
    scopes: 0,
    points: 0,
    records: 0,
    'attributes of records': 0,
    'bytes of resources': 0,
  };
  readonly #reasons = new Set<string>();
  #rejected = 0;
  #kept = 0;
  #malformed: string | null = null;

  /** Counts `more` items. Throws TooMany. */
  met(what: keyof typeof MOST, more = 1): void {
    this.#count[what] += more;
    if (this.#count[what] > MOST[what]) throw new TooMany(`more than ${MOST[what]} ${what} in one request: send fewer`);
  }

  kept(): void {
    this.#kept += 1;
  }

  reject(reason: string, count = 1): void {
    this.#rejected += count;
    if (count > 0) this.#reasons.add(reason);
  }

  /** Notes a malformed part and the number of points or records that were lost with it. */
  unreadable(error: MalformedRequest, count = 1): void {
    this.#malformed ??= error.message;
    this.reject(error.message, count);
  }

  /** Called at the end of the request. Throws MalformedRequest if a part was malformed and nothing else is kept. */
  get result(): Rejected {
    if (this.#malformed !== null && this.#kept === 0) throw new MalformedRequest(this.#malformed);
    return { rejected: this.#rejected, reasons: [...this.#reasons] };
  }
}

/** The reasons for dropping points and records, as the sender gets them. */
export const DROP_REASONS = {
  value: 'a value that is no finite number',
  delta: 'a sum of temporality delta: set the exporter to cumulative',
  histogram: 'a histogram or summary',
  unknown: 'a metric that has neither gauge nor sum',
  unnamed: 'a metric without a name',
  series: 'more series than are allowed, or one with too long a name',
  empty: 'a record without name, body and attributes',
} as const;

/** Severity numbers of OpenTelemetry: 1–12 trace, debug and info; 13–16 warn; 17–24 error and fatal. */
export function severityOf(severityNumber: number): LogRecord['severity'] {
  if (severityNumber >= 17) return 'error';
  return severityNumber >= 13 ? 'warn' : 'info';
}

/** Nanoseconds since the epoch, in two halves. */
export function milliseconds(low: number, high: number): number {
  return Math.round((high * 4_294_967_296 + low) / 1e6);
}

/** The text without zero characters, because SQLite's length and Prometheus's parser both stop at the first one. */
export function withoutZero(text: string): string {
  return text.includes('\0') ? text.replaceAll('\0', '\ufffd') : text;
}

/**
 * The beginning of a text, at most so many UTF-16 units. Never cuts a surrogate pair, because half a pair is no valid
 * text.
 */
export function cut(text: string, length: number): string {
  if (text.length <= length) return text;
  const last = text.charCodeAt(length - 1);
  return text.slice(0, last >= 0xd800 && last <= 0xdbff ? length - 1 : length);
}

/** One record as a decoder read it. Its body has at most one character more than LIMITS.longBody. */
export interface RawRecord extends Omit<LogRecord, 'severity'> {
  /** OpenTelemetry's severity number. */
  readonly severity: number;
}

/** The record; null if it is not kept (the tally counts it). Throws MalformedRequest if it is too long. */
export function recordOf({ severity, ...raw }: RawRecord, tally: RequestTally): LogRecord | null {
  if (raw.name === '' && raw.body === '' && Object.keys(raw.attributes).length === 0) {
    tally.reject(DROP_REASONS.empty);
    return null;
  }
  if (lengthOf(raw.attributes) > LIMITS.recordText) {
    throw new MalformedRequest(`a record with attributes of more than ${LIMITS.recordText} characters`);
  }
  tally.kept();
  const body = raw.name === DEPENDENCES ? raw.body : cut(raw.body, LIMITS.body);
  return { ...raw, body, severity: severityOf(severity) };
}

/** The characters of all names and values. */
export function lengthOf(attributes: OtlpAttributes): number {
  let length = 0;
  for (const name in attributes) length += name.length + String(attributes[name]).length;
  return length;
}
