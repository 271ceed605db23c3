/**
 * What OTLP/HTTP brings, whichever its encoding: protobuf (protobuf.ts) and JSON (json.ts) are read into the same shapes.
 * Source: opentelemetry-proto 1.x, metrics.proto and logs.proto.
 */
export type Attributes = Readonly<Record<string, string | number | boolean>>;

/** The attributes of a resource, and a key that is the same for the same bytes: a known host is found without reading them. */
export interface Resource {
  readonly key: string;
  read(): Attributes;
}

/** What the decoders look series up in. */
export interface SeriesIndex {
  /**
   * The number of a series. `key` is the same for the same bytes of attributes, so that a known series is found without
   * reading them; null: it is refused.
   */
  find(metric: string, unit: string, key: string, read: () => Attributes): number | null;
}

/** The points of one resource, in the order of the request. */
export interface ResourcePoints {
  readonly resource: Resource;
  readonly points: readonly Point[];
}

export interface Point {
  readonly series: number;
  /** Milliseconds since the epoch, by the sender's clock; 0: not given. */
  readonly time: number;
  readonly value: number;
}

export interface MetricsRequest {
  readonly resources: readonly ResourcePoints[];
  /** Points that were not kept: histograms, values that are no number, more series than are allowed. */
  readonly rejected: number;
}

export interface LogsRequest {
  readonly resources: readonly { readonly resource: Resource; readonly records: readonly LogRecord[] }[];
}

export interface LogRecord {
  /** Milliseconds since the epoch, by the sender's clock; 0: not given. */
  readonly time: number;
  readonly name: string;
  readonly severity: 'info' | 'warn' | 'error';
  readonly body: string;
  readonly attributes: Attributes;
}

/** A request that is not what it says it is: answered with 400. */
export class MalformedRequest extends Error {
  override readonly name = 'MalformedRequest';
}

export const LIMITS = {
  /** Attributes of one resource, point or record. More is a mistake, or an attack. */
  attributes: 128,
  /** Characters; longer texts are cut. */
  attributeKey: 256,
  attributeValue: 2048,
  body: 8192,
  metricName: 255,
  /** Levels of lists and maps in one value. */
  depth: 8,
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

export function cut(text: string, length: number): string {
  return text.length > length ? text.slice(0, length) : text;
}
