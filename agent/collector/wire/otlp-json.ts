/**
 * OTLP as JSON. Names are in lowerCamelCase, or in the snake_case of the .proto files, which proto3's JSON mapping
 * allows as well; 64-bit integers are decimal texts. Objects with none of the expected names are counted or refused, so
 * nothing vanishes.
 */
import {
  attributesOf,
  finiteOf,
  type Json,
  jsonField,
  jsonList,
  parse,
  record,
  scalar,
  textOf,
  timeOf,
} from './json-values.ts';
import {
  cut,
  DROP_REASONS,
  LIMITS,
  type LogRecord,
  type LogsRequest,
  MalformedRequest,
  type MetricsRequest,
  type OtlpPoint,
  type OtlpResource,
  RequestTally,
  recordOf,
  type SeriesIndex,
  TooMany,
} from './otlp.ts';

/** Throws MalformedRequest. */
export function readMetrics(body: Buffer, series: SeriesIndex): MetricsRequest {
  const tally = new RequestTally();
  const resources = resourcesOf(body, 'resourceMetrics', tally).map(({ one, resource }) => {
    const points: OtlpPoint[] = [];
    for (const scope of jsonList(jsonField(one, 'scopeMetrics'))) {
      for (const metric of jsonList(scope.metrics)) readMetric(metric, resource, series, points, tally);
    }
    return { resource: asResource(resource), points };
  });
  return { resources, ...tally.result };
}

/** Throws MalformedRequest. */
export function readLogs(body: Buffer): LogsRequest {
  const tally = new RequestTally();
  const resources = resourcesOf(body, 'resourceLogs', tally).map(({ one, resource }) => {
    const records: LogRecord[] = [];
    for (const scope of jsonList(jsonField(one, 'scopeLogs'))) {
      for (const each of jsonList(jsonField(scope, 'logRecords'))) readRecord(each, resource, records, tally);
    }
    return { resource: asResource(resource), records };
  });
  return { resources, ...tally.result };
}

/** A malformed resource loses its own points and records, and no others. */
type ReadResource = OtlpResource | MalformedRequest;

function asResource(resource: ReadResource): OtlpResource {
  if (!(resource instanceof MalformedRequest)) return resource;
  return {
    key: '\0',
    read: () => {
      throw resource;
    },
  };
}

function resourcesOf(body: Buffer, name: string, tally: RequestTally): { one: Json; resource: ReadResource }[] {
  const request = parse(body);
  const resources = jsonField(request, name);
  const [other] = Object.keys(request);
  if (resources === undefined && other !== undefined) {
    throw new MalformedRequest(`no "${name}" in it, but "${cut(other, 50)}"`);
  }
  return jsonList(resources).map((one) => {
    tally.met('resources');
    const [known] = ['resource', 'scopeMetrics', 'scopeLogs'].filter((each) => jsonField(one, each) !== undefined);
    if (known === undefined && Object.keys(one).length > 0) {
      tally.unreadable(new MalformedRequest(`no resource and no scope in it, but "${cut(Object.keys(one)[0]!, 50)}"`));
    }
    const resource = contained(() => readResource(one, tally));
    if (resource instanceof MalformedRequest) tally.unreadable(resource, 0);
    return { one, resource };
  });
}

function readResource(one: Json, tally: RequestTally): OtlpResource {
  const attributes = attributesOf(record(one.resource).attributes);
  const text = JSON.stringify(attributes);
  tally.met('bytes of resources', text.length);
  if (text.length > LIMITS.resource) throw new MalformedRequest(`a resource of ${text.length} characters`);
  return { key: `json ${text}`, read: () => attributes };
}

function readMetric(
  metric: Json,
  resource: ReadResource,
  series: SeriesIndex,
  points: OtlpPoint[],
  tally: RequestTally,
): void {
  let met = false;
  for (const kind of ['gauge', 'sum', 'histogram', 'exponentialHistogram', 'summary']) {
    const data = jsonField(metric, kind);
    if (data === undefined) continue;
    met = true;
    const { aggregationTemporality, aggregation_temporality: snake } = record(data);
    const delta = ['1', 'AGGREGATION_TEMPORALITY_DELTA'].includes(String(aggregationTemporality ?? snake));
    for (const point of jsonList(jsonField(record(data), 'dataPoints'))) {
      tally.met('points');
      if (resource instanceof MalformedRequest) tally.unreadable(resource);
      else if (kind !== 'gauge' && kind !== 'sum') tally.reject(DROP_REASONS.histogram);
      else if (kind === 'sum' && delta) tally.reject(DROP_REASONS.delta);
      else {
        const failed = contained(() => readPoint(metric, point, series, points, tally));
        if (failed instanceof MalformedRequest) tally.unreadable(failed);
      }
    }
  }
  if (!met) tally.reject(DROP_REASONS.unknown);
}

function readPoint(metric: Json, point: Json, index: SeriesIndex, points: OtlpPoint[], tally: RequestTally): void {
  const name = textOf(metric.name);
  const value = finiteOf(jsonField(point, 'asDouble') ?? jsonField(point, 'asInt'));
  if (name === '') tally.reject(DROP_REASONS.unnamed);
  else if (value === null) tally.reject(DROP_REASONS.value);
  else {
    const attributes = attributesOf(point.attributes);
    const series = index.find(name, textOf(metric.unit), `json ${JSON.stringify(attributes)}`, () => attributes);
    const [start, time] = [timeOf(jsonField(point, 'startTimeUnixNano')), timeOf(jsonField(point, 'timeUnixNano'))];
    if (series === null) tally.reject(DROP_REASONS.series);
    else {
      points.push({ series, start, time, value });
      tally.kept();
    }
  }
}

function readRecord(one: Json, resource: ReadResource, records: LogRecord[], tally: RequestTally): void {
  tally.met('records');
  const read = resource instanceof MalformedRequest ? resource : contained(() => recordOf(fields(one, tally), tally));
  if (read instanceof MalformedRequest) tally.unreadable(read);
  else if (read !== null) records.push(read);
}

function fields(one: Json, tally: RequestTally) {
  if (Array.isArray(one.attributes)) tally.met('attributes of records', one.attributes.length);
  return {
    time: timeOf(jsonField(one, 'timeUnixNano')) || timeOf(jsonField(one, 'observedTimeUnixNano')),
    name: cut(textOf(jsonField(one, 'eventName')), LIMITS.attributeKey),
    severity: finiteOf(jsonField(one, 'severityNumber')) ?? 0,
    body: String(scalar(one.body, LIMITS.longBody + 1)),
    attributes: attributesOf(one.attributes),
  };
}

/** The result of `read`, or the MalformedRequest that it throws. Throws TooMany. */
function contained<T>(read: () => T): T | MalformedRequest {
  try {
    return read();
  } catch (error) {
    if (!(error instanceof MalformedRequest) || error instanceof TooMany) throw error;
    return error;
  }
}
