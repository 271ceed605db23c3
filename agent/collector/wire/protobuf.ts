/**
 * OTLP as protobuf, read field by field without an object for every message. A heartbeat's resource and series are
 * found by their bytes, so their attributes are read only the first time.
 */
import {
  LIMITS,
  type LogRecord,
  type LogsRequest,
  MalformedRequest,
  type MetricsRequest,
  type OtlpAttributes,
  type OtlpPoint,
  type OtlpResource,
  RequestTally,
  type SeriesIndex,
} from './otlp.ts';
import { AttributesReader } from './protobuf-attributes.ts';
import { readMetric } from './protobuf-metric.ts';
import { readLogRecord } from './protobuf-record.ts';
import { BYTES, checkEnd, endOf, messages, type Reader, reading } from './protobuf-wire.ts';

/** Throws MalformedRequest. */
export function readMetrics(body: Buffer, series: SeriesIndex): MetricsRequest {
  return reading(body, (reader) => {
    const tally = new RequestTally();
    const resources = readAll<OtlpPoint>(reader, tally, (points) => readMetric(reader, series, points, tally));
    return { resources: resources.map(({ resource, records }) => ({ resource, points: records })), ...tally.result };
  });
}

/** Throws MalformedRequest. */
export function readLogs(body: Buffer): LogsRequest {
  return reading(body, (reader) => {
    const tally = new RequestTally();
    const resources = readAll<LogRecord>(reader, tally, (records) => readLogRecord(reader, records, tally));
    return { resources, ...tally.result };
  });
}

/** Reads a request of metrics or logs: resources (field 1) with scopes (2) with messages for `readOne` (2). */
function readAll<T>(
  reader: Reader,
  tally: RequestTally,
  readOne: (records: T[]) => void,
): { resource: OtlpResource; records: T[] }[] {
  const all: { resource: OtlpResource; records: T[] }[] = [];
  messages(reader, reader.len, (field) => {
    if (field !== 1) return false;
    tally.met('resources');
    const records: T[] = [];
    const resource = ofResource(reader, tally, (end) => {
      tally.met('scopes');
      messages(reader, end, (inScope) => {
        if (inScope !== 2) return false;
        readOne(records);
        return true;
      });
    });
    all.push({ resource, records });
    return true;
  });
  return all;
}

/** Fields of ResourceMetrics and ResourceLogs: 1 is the resource, 2 is a scope. */
function ofResource(reader: Reader, tally: RequestTally, scope: (end: number) => void): OtlpResource {
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
  checkEnd(reader, end);
  const bytes = reader.buf as Buffer;
  const length = to - from;
  tally.met('bytes of resources', length);
  return {
    // A resource that is too long is refused when it is read. No valid resource begins with a zero.
    key: length > LIMITS.resource ? '\0' : bytes.toString('latin1', from, to),
    read: () => {
      if (length > LIMITS.resource) throw new MalformedRequest(`a resource of ${length} bytes`);
      return reading(bytes.subarray(from, to), readResource);
    },
  };
}

function readResource(reader: Reader): OtlpAttributes {
  const attributes = new AttributesReader();
  messages(reader, reader.len, (field) => field === 1 && attributes.add(reader));
  return attributes.all;
}
