/** OTLP as JSON: names in lowerCamelCase, 64-bit integers as decimal texts. */
import {
  type Attributes,
  cut,
  LIMITS,
  type LogRecord,
  type LogsRequest,
  MalformedRequest,
  type MetricsRequest,
  type Point,
  type Resource,
  type SeriesIndex,
  severityOf,
} from './otlp.ts';

/** Throws MalformedRequest. */
export function readMetrics(body: Buffer, series: SeriesIndex): MetricsRequest {
  let rejected = 0;
  const resources = list(parse(body).resourceMetrics).map((one) => {
    const points: Point[] = [];
    for (const metric of list(one.scopeMetrics).flatMap((scope) => list(scope.metrics))) {
      const { gauge, sum } = metric;
      const data = [...list(record(gauge).dataPoints), ...list(record(sum).dataPoints)];
      if (gauge === undefined && sum === undefined) rejected += 1;
      for (const point of data) {
        const value = numberOf(point.asDouble ?? point.asInt);
        const number = Number.isFinite(value) ? findSeries(series, metric, point) : null;
        if (number === null) rejected += 1;
        else points.push({ series: number, time: timeOf(point.timeUnixNano), value });
      }
    }
    return { resource: resourceOf(one), points };
  });
  return { resources, rejected };
}

/** Throws MalformedRequest. */
export function readLogs(body: Buffer): LogsRequest {
  const resources = list(parse(body).resourceLogs).map((one) => ({
    resource: resourceOf(one),
    records: list(one.scopeLogs).flatMap((scope) => list(scope.logRecords).map(recordOf)),
  }));
  return { resources };
}

type Json = Record<string, unknown>;

function parse(body: Buffer): Json {
  let text: string;
  try {
    text = new TextDecoder('utf-8', { fatal: true }).decode(body);
    return object(JSON.parse(text));
  } catch (error) {
    throw new MalformedRequest(`not OTLP as JSON: ${cut((error as Error).message, 200)}`);
  }
}

function findSeries(series: SeriesIndex, metric: Json, point: Json): number | null {
  const attributes = attributesOf(point.attributes);
  return series.find(textOf(metric.name), textOf(metric.unit), `json ${JSON.stringify(attributes)}`, () => attributes);
}

function resourceOf(one: Json): Resource {
  const attributes = attributesOf(record(one.resource).attributes);
  return { key: `json ${JSON.stringify(attributes)}`, read: () => attributes };
}

function recordOf(one: Json): LogRecord {
  return {
    time: timeOf(one.timeUnixNano) || timeOf(one.observedTimeUnixNano),
    name: cut(textOf(one.eventName), LIMITS.attributeKey),
    severity: severityOf(numberOf(one.severityNumber)),
    body: cut(String(scalar(one.body)), LIMITS.body),
    attributes: attributesOf(one.attributes),
  };
}

function attributesOf(value: unknown): Attributes {
  const pairs = list(value);
  if (pairs.length > LIMITS.attributes) throw new MalformedRequest(`more than ${LIMITS.attributes} attributes`);
  const all: Record<string, string | number | boolean> = Object.create(null);
  for (const pair of pairs) all[cut(textOf(pair.key), LIMITS.attributeKey)] = scalar(pair.value);
  return all;
}

/** An AnyValue; a list or a map is kept as it was written, as JSON. */
function scalar(value: unknown): string | number | boolean {
  const any = record(value);
  if (typeof any.stringValue === 'string') return cut(any.stringValue, LIMITS.attributeValue);
  if (typeof any.boolValue === 'boolean') return any.boolValue;
  const number = numberOf(any.intValue ?? any.doubleValue);
  if (Number.isFinite(number)) return number;
  const other = any.bytesValue ?? any.arrayValue ?? any.kvlistValue ?? any.doubleValue ?? any.stringValue ?? '';
  if (typeof other !== 'object') return cut(String(other), LIMITS.attributeValue);
  if (deeperThan(other, 3 * LIMITS.depth)) throw new MalformedRequest(`values nested more than ${LIMITS.depth} deep`);
  return cut(JSON.stringify(other), LIMITS.attributeValue);
}

function deeperThan(value: unknown, levels: number): boolean {
  if (typeof value !== 'object' || value === null) return false;
  return levels === 0 || Object.values(value).some((inner) => deeperThan(inner, levels - 1));
}

function timeOf(value: unknown): number {
  const time = Math.round(numberOf(value) / 1e6);
  return Number.isFinite(time) ? time : 0;
}

function numberOf(value: unknown): number {
  if (typeof value === 'number') return value;
  return typeof value === 'string' && /^[-+.0-9eE]{1,40}$/.test(value) ? Number(value) : Number.NaN;
}

function textOf(value: unknown): string {
  if (value === undefined || value === null) return '';
  if (typeof value !== 'string') throw new MalformedRequest('a name that is not a text');
  return value;
}

function list(value: unknown): Json[] {
  if (value === undefined || value === null) return [];
  if (!Array.isArray(value)) throw new MalformedRequest('a list was expected');
  return value.map(object);
}

/** Of a field that may be missing. */
function record(value: unknown): Json {
  return value === undefined || value === null ? {} : object(value);
}

function object(value: unknown): Json {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    throw new MalformedRequest('an object was expected');
  }
  return value as Json;
}
