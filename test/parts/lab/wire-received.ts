/** What a collector's file exporter wrote: OTLP's JSON, read back by host. */
export interface Measured {
  name: string;
  unit: string;
  kind: string;
  value: number;
  attributes: Record<string, unknown>;
}

/** OTLP's JSON (opentelemetry-proto, metrics.proto and logs.proto), as far as it is read here. */
interface Json {
  resource: { attributes: KeyValue[] };
}
interface KeyValue {
  key: string;
  value: Record<string, unknown>;
}
interface Points {
  dataPoints: { attributes?: KeyValue[]; asInt?: string; asDouble?: number }[];
}
interface JsonMetrics extends Json {
  scopeMetrics: { metrics: { name: string; unit: string; gauge?: Points; sum?: Points }[] }[];
}
interface LogRecord {
  timeUnixNano: string;
  severityText: string;
  eventName: string;
  body: Record<string, unknown>;
  attributes: KeyValue[];
}
interface JsonLogs extends Json {
  scopeLogs: { logRecords: LogRecord[] }[];
}

/** null: nothing of this host yet. The size of its spool is its own affair, and left out. */
export function readMetrics(received: unknown[], host: string) {
  const all = received.flatMap((line) => (line as { resourceMetrics: JsonMetrics[] }).resourceMetrics);
  const ours = all.filter((one) => attributesOf(one.resource.attributes)['host.name'] === host);
  if (ours.length === 0) return null;
  const measured = ours
    .flatMap(({ scopeMetrics }) => scopeMetrics.flatMap((scope) => scope.metrics))
    .flatMap(({ name, unit, gauge, sum }) =>
      (gauge ?? sum)!.dataPoints.map(({ attributes, asInt, asDouble }) => ({
        name,
        unit,
        kind: sum === undefined ? 'gauge' : 'counter',
        value: Number(asInt ?? asDouble),
        attributes: attributesOf(attributes ?? []),
      })),
    )
    .filter(({ name }) => name !== 'holdfast.spool.size');
  return { resource: attributesOf(ours[0]!.resource.attributes), samples: measured };
}

/** null: nothing of this host yet. */
export function readEvents(received: unknown[], host: string) {
  const all = received.flatMap((line) => (line as { resourceLogs: JsonLogs[] }).resourceLogs);
  const ours = all.filter((one) => attributesOf(one.resource.attributes)['host.name'] === host);
  const records = ours.flatMap(({ scopeLogs }) => scopeLogs.flatMap((scope) => scope.logRecords));
  if (records.length === 0) return null;
  return records.map((record) => {
    const { 'holdfast.record.id': id, ...attributes } = attributesOf(record.attributes);
    return {
      id,
      name: record.eventName,
      severity: record.severityText.toLowerCase(),
      time: Number(BigInt(record.timeUnixNano) / 1_000_000n),
      body: record.body.stringValue,
      attributes,
    };
  });
}

function attributesOf(list: readonly KeyValue[]): Record<string, unknown> {
  return Object.fromEntries(
    list.map(({ key, value }) => {
      const { intValue, ...other } = value;
      return [key, intValue === undefined ? Object.values(other)[0] : Number(intValue)];
    }),
  );
}
