/**
 * Encodes heartbeats and events for OpenTelemetry (OTLP 1.x), with OpenTelemetry's own serializers. Gauges stay gauges.
 * Counters become cumulative monotonic sums since the agent's start; the kernel's own count since the machine's start.
 * Events become log records with an event name.
 */
import type { HrTime, ValueType } from '@opentelemetry/api';
import {
  JsonLogsSerializer,
  JsonMetricsSerializer,
  ProtobufLogsSerializer,
  ProtobufMetricsSerializer,
} from '@opentelemetry/otlp-transformer';
import { type Resource, resourceFromAttributes } from '@opentelemetry/resources';
import type { ReadableLogRecord } from '@opentelemetry/sdk-logs';
import { AggregationTemporality, type DataPoint, DataPointType, type MetricData } from '@opentelemetry/sdk-metrics';
import { METRICS, type MetricDefinition, type MetricName } from '../../probes/metrics.ts';
import type { EventSeverity, SampleAttributes } from '../../probes/probe.ts';
import type { EventRecord, HeartbeatMeasurements } from './heartbeat.ts';

export type Format = 'protobuf' | 'json';

export const CONTENT_TYPES: Readonly<Record<Format, string>> = {
  protobuf: 'application/x-protobuf',
  json: 'application/json',
};

/** The records that the receiver rejected while it took the rest ("partial success"). */
export interface Rejection {
  readonly count: number;
  readonly reason: string;
}

/** One signal: encodes its waiting records as a request, and reads the receiver's answer. */
export interface Encoding<T> {
  /** `records` belong to one resource, oldest first. */
  encode(records: readonly T[], format: Format): Uint8Array;
  /**
   * null if all were taken, or if the answer cannot be read: in that case only the status counts (OTLP 1.x, "Success").
   */
  rejected(answer: Uint8Array, format: Format): Rejection | null;
}

const SCOPE = { name: 'holdfast' };
/** Numbers of OpenTelemetry's log data model. */
const SEVERITIES: Readonly<Record<EventSeverity, number>> = { info: 9, warn: 13, error: 17 };
/** Two numbers of ValueType in @opentelemetry/api, copied to avoid loading the package at run time. */
const [INT, DOUBLE] = [0, 1] as const satisfies readonly ValueType[];

export const metrics: Encoding<HeartbeatMeasurements> = {
  encode(heartbeats, format) {
    const serializer = format === 'json' ? JsonMetricsSerializer : ProtobufMetricsSerializer;
    return serializer.serializeRequest({
      resource: resourceOf(heartbeats),
      scopeMetrics: [{ scope: SCOPE, metrics: metricData(heartbeats) }],
    })!;
  },
  rejected(answer, format) {
    const serializer = format === 'json' ? JsonMetricsSerializer : ProtobufMetricsSerializer;
    const partial = readable(() => serializer.deserializeResponse(answer)?.partialSuccess);
    return rejection(partial?.rejectedDataPoints, partial?.errorMessage);
  },
};

export const events: Encoding<EventRecord> = {
  encode(records, format) {
    const resource = resourceOf(records);
    const serializer = format === 'json' ? JsonLogsSerializer : ProtobufLogsSerializer;
    return serializer.serializeRequest(records.map((record) => logRecord(record, resource)))!;
  },
  rejected(answer, format) {
    const serializer = format === 'json' ? JsonLogsSerializer : ProtobufLogsSerializer;
    const partial = readable(() => serializer.deserializeResponse(answer)?.partialSuccess);
    return rejection(partial?.rejectedLogRecords, partial?.errorMessage);
  },
};

function resourceOf(records: readonly { resource: SampleAttributes }[]): Resource {
  return resourceFromAttributes(records[0]?.resource ?? {});
}

function metricData(heartbeats: readonly HeartbeatMeasurements[]): MetricData[] {
  const points = new Map<MetricName, DataPoint<number>[]>();
  for (const { time, start, boot = start, samples } of heartbeats) {
    for (const { metric, value, attributes } of samples) {
      // A value that is no finite number is left out: it means "unknown", and JSON cannot express it.
      if (!Number.isFinite(value)) continue;
      const startTime = hrTime(sinceBoot(metric) ? boot : start);
      const point = { startTime, endTime: hrTime(time), attributes, value };
      const list = points.get(metric);
      if (list === undefined) points.set(metric, [point]);
      else list.push(point);
    }
  }
  // A record of an earlier version may have a name that this version does not know.
  return [...points].flatMap(([name, list]) => (name in METRICS ? [metric(name, METRICS[name], list)] : []));
}

/** null for a name that only an earlier version of Holdfast knew. */
function sinceBoot(name: MetricName): boolean {
  const definition: MetricDefinition | undefined = METRICS[name];
  return definition?.since === 'boot';
}

function metric(name: string, definition: MetricDefinition, dataPoints: DataPoint<number>[]): MetricData {
  const { unit, kind, description } = definition;
  const whole = /^(\{\w+\}|By)$/.test(unit) && dataPoints.every(({ value }) => Number.isSafeInteger(value));
  const descriptor = { name, description, unit, valueType: whole ? INT : DOUBLE };
  const aggregationTemporality = AggregationTemporality.CUMULATIVE;
  return kind === 'counter'
    ? { descriptor, aggregationTemporality, dataPointType: DataPointType.SUM, isMonotonic: true, dataPoints }
    : { descriptor, aggregationTemporality, dataPointType: DataPointType.GAUGE, dataPoints };
}

function logRecord({ id, observed, event }: EventRecord, resource: Resource): ReadableLogRecord {
  return {
    hrTime: hrTime(event.time),
    hrTimeObserved: hrTime(observed),
    severityNumber: SEVERITIES[event.severity],
    severityText: event.severity.toUpperCase(),
    eventName: event.name,
    body: event.body,
    attributes: { ...event.attributes, 'holdfast.record.id': id },
    droppedAttributesCount: 0,
    resource,
    instrumentationScope: SCOPE,
  };
}

function readable<T>(read: () => T): T | undefined {
  try {
    return read();
  } catch {
    return undefined;
  }
}

function rejection(count: unknown, reason: unknown): Rejection | null {
  const rejected = Number(count ?? 0);
  if (!(rejected > 0)) return null;
  return { count: rejected, reason: typeof reason === 'string' ? reason : '' };
}

function hrTime(milliseconds: number): HrTime {
  const seconds = Math.floor(milliseconds / 1000);
  return [seconds, Math.round((milliseconds - seconds * 1000) * 1e6)];
}
