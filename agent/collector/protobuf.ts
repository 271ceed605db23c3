/**
 * OTLP as protobuf. Read field by field, without making an object of every message: a heartbeat's resource and series
 * are found by their bytes, so their attributes are read only the first time.
 */
import {
  type Attributes,
  cut,
  LIMITS,
  type LogRecord,
  type LogsRequest,
  type MetricsRequest,
  milliseconds,
  type Point,
  type Resource,
  type SeriesIndex,
  severityOf,
} from './otlp.ts';
import { AttributesReader, readValue } from './protobuf-attributes.ts';
import { BYTES, ended, endOf, FIXED64, messages, type Reader, reading, text, VARINT } from './protobuf-wire.ts';

/** Throws MalformedRequest. */
export function readMetrics(body: Buffer, series: SeriesIndex): MetricsRequest {
  return reading(body, (reader) => {
    const resources: { resource: Resource; points: Point[] }[] = [];
    let rejected = 0;
    messages(reader, reader.len, (field) => {
      if (field !== 1) return false;
      const points: Point[] = [];
      const resource = ofResource(reader, (end) => {
        messages(reader, end, (inScope) => {
          if (inScope !== 2) return false;
          rejected += readMetric(reader, series, points);
          return true;
        });
      });
      resources.push({ resource, points });
      return true;
    });
    return { resources, rejected };
  });
}

/** Throws MalformedRequest. */
export function readLogs(body: Buffer): LogsRequest {
  return reading(body, (reader) => {
    const resources: { resource: Resource; records: LogRecord[] }[] = [];
    messages(reader, reader.len, (field) => {
      if (field !== 1) return false;
      const records: LogRecord[] = [];
      const resource = ofResource(reader, (end) => {
        messages(reader, end, (inScope) => {
          if (inScope !== 2) return false;
          records.push(readRecord(reader));
          return true;
        });
      });
      resources.push({ resource, records });
      return true;
    });
    return { resources };
  });
}

/** Of ResourceMetrics and ResourceLogs: field 1 is the resource, field 2 a scope. */
function ofResource(reader: Reader, scope: (end: number) => void): Resource {
  const end = endOf(reader);
  let from = 0;
  let to = 0;
  while (reader.pos < end) {
    const tag = reader.uint32();
    if (tag === ((1 << 3) | BYTES)) {
      to = endOf(reader);
      from = reader.pos;
      reader.pos = to;
    } else if (tag === ((2 << 3) | BYTES)) scope(endOf(reader));
    else reader.skipType(tag & 7, 0, tag >>> 3);
  }
  ended(reader, end);
  const bytes = reader.buf as Buffer;
  return { key: bytes.toString('latin1', from, to), read: () => reading(bytes.subarray(from, to), readResource) };
}

function readResource(reader: Reader): Attributes {
  const attributes = new AttributesReader();
  messages(reader, reader.len, (field) => field === 1 && attributes.add(reader));
  return attributes.all;
}

/** One Metric; gives how many of its points were refused. */
function readMetric(reader: Reader, series: SeriesIndex, points: Point[]): number {
  const end = endOf(reader);
  let name = '';
  let unit = '';
  const data: number[] = [];
  let other = 0;
  while (reader.pos < end) {
    const tag = reader.uint32();
    const field = tag >>> 3;
    if ((tag & 7) !== BYTES) reader.skipType(tag & 7, 0, field);
    else if (field === 1) name = text(reader);
    else if (field === 3) unit = text(reader);
    else if (field === 5 || field === 7) {
      data.push(reader.pos);
      reader.pos = endOf(reader);
    } else {
      if (field >= 9 && field <= 11) other += 1; // a histogram or a summary
      reader.skipType(BYTES, 0, field);
    }
  }
  ended(reader, end);
  let refused = other;
  for (const start of data) {
    reader.pos = start;
    // Of Gauge and Sum alike: field 1 is a NumberDataPoint.
    messages(reader, endOf(reader), (field) => {
      if (field !== 1) return false;
      if (!readPoint(reader, series, name, unit, points)) refused += 1;
      return true;
    });
  }
  reader.pos = end;
  return refused;
}

/** Set where a series has, by its sender, no value at this time. */
const NO_RECORDED_VALUE = 1;

function readPoint(reader: Reader, series: SeriesIndex, name: string, unit: string, points: Point[]): boolean {
  const end = endOf(reader);
  const bytes = reader.buf as Buffer;
  let time = 0;
  let value = Number.NaN;
  let flags = 0;
  let key = '';
  const attributes: number[] = [];
  while (reader.pos < end) {
    const start = reader.pos;
    const tag = reader.uint32();
    const field = tag >>> 3;
    const wire = tag & 7;
    if (field === 7 && wire === BYTES) {
      attributes.push(reader.pos);
      reader.pos = endOf(reader);
      key += bytes.toString('latin1', start, reader.pos);
    } else if (field === 3 && wire === FIXED64) time = milliseconds(reader.fixed32(), reader.fixed32());
    else if (field === 4 && wire === FIXED64) value = reader.double();
    else if (field === 6 && wire === FIXED64) value = reader.fixed32() + reader.sfixed32() * 4_294_967_296;
    else if (field === 8 && wire === VARINT) flags = reader.uint32();
    else reader.skipType(wire, 0, field);
  }
  ended(reader, end);
  if (!Number.isFinite(value) || (flags & NO_RECORDED_VALUE) !== 0) return false;
  const number = series.find(name, unit, key, () => {
    const read = new AttributesReader();
    for (const start of attributes) {
      reader.pos = start;
      read.add(reader);
    }
    reader.pos = end;
    return read.all;
  });
  if (number !== null) points.push({ series: number, time, value });
  return number !== null;
}

function readRecord(reader: Reader): LogRecord {
  const end = endOf(reader);
  const attributes = new AttributesReader();
  let time = 0;
  let observed = 0;
  let severity = 0;
  let body = '';
  let name = '';
  while (reader.pos < end) {
    const tag = reader.uint32();
    const field = tag >>> 3;
    const wire = tag & 7;
    if (field === 1 && wire === FIXED64) time = milliseconds(reader.fixed32(), reader.fixed32());
    else if (field === 11 && wire === FIXED64) observed = milliseconds(reader.fixed32(), reader.fixed32());
    else if (field === 2 && wire === VARINT) severity = reader.uint32();
    else if (field === 5 && wire === BYTES) body = cut(String(readValue(reader, 0)), LIMITS.body);
    else if (field === 6 && wire === BYTES) attributes.add(reader);
    else if (field === 12 && wire === BYTES) name = cut(text(reader), LIMITS.attributeKey);
    else reader.skipType(wire, 0, field);
  }
  ended(reader, end);
  return { time: time || observed, name, severity: severityOf(severity), body, attributes: attributes.all };
}
