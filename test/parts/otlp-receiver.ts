/**
 * A receiver of OTLP/HTTP that shares no code with what sends: the messages are read by protobufjs from the .proto
 * definitions of opentelemetry-proto 1.x, cut down to the fields that a receiver of ours looks at.
 */
import { once } from 'node:events';
import { createServer, type IncomingMessage, type RequestListener, type Server, type ServerResponse } from 'node:http';
import { createServer as createTlsServer, type ServerOptions } from 'node:https';
import type { AddressInfo } from 'node:net';
import { buffer } from 'node:stream/consumers';
import type { TestContext } from 'node:test';
import { gunzipSync } from 'node:zlib';
import protobuf from 'protobufjs';

const PROTO = `syntax = "proto3";
message AnyValue { oneof value { string string_value = 1; bool bool_value = 2; int64 int_value = 3; double double_value = 4; } }
message KeyValue { string key = 1; AnyValue value = 2; }
message Resource { repeated KeyValue attributes = 1; }
message Scope { string name = 1; }
message NumberDataPoint {
  fixed64 start_time_unix_nano = 2; fixed64 time_unix_nano = 3;
  oneof value { double as_double = 4; sfixed64 as_int = 6; }
  repeated KeyValue attributes = 7;
}
message Gauge { repeated NumberDataPoint data_points = 1; }
message Sum { repeated NumberDataPoint data_points = 1; int32 aggregation_temporality = 2; bool is_monotonic = 3; }
message Metric { string name = 1; string description = 2; string unit = 3; oneof data { Gauge gauge = 5; Sum sum = 7; } }
message ScopeMetrics { Scope scope = 1; repeated Metric metrics = 2; }
message ResourceMetrics { Resource resource = 1; repeated ScopeMetrics scope_metrics = 2; }
message MetricsRequest { repeated ResourceMetrics resource_metrics = 1; }
message LogRecord {
  fixed64 time_unix_nano = 1; int32 severity_number = 2; string severity_text = 3; AnyValue body = 5;
  repeated KeyValue attributes = 6; fixed64 observed_time_unix_nano = 11; string event_name = 12;
}
message ScopeLogs { Scope scope = 1; repeated LogRecord log_records = 2; }
message ResourceLogs { Resource resource = 1; repeated ScopeLogs scope_logs = 2; }
message LogsRequest { repeated ResourceLogs resource_logs = 1; }
message PartialSuccess { int64 rejected = 1; string error_message = 2; }
message Response { PartialSuccess partial_success = 1; }`;

const { root } = protobuf.parse(PROTO);

/** Values are as both formats can have them: numbers where they fit, times in milliseconds. */
export interface Point {
  readonly time: number;
  readonly start: number;
  readonly value: number;
  readonly attributes: Record<string, unknown>;
}
export interface ReceivedMetric {
  readonly name: string;
  readonly unit: string;
  readonly kind: 'gauge' | 'counter';
  readonly type: 'int' | 'double';
  readonly points: Point[];
}
export interface ReceivedLog {
  readonly time: number;
  readonly name: string;
  readonly severity: number;
  readonly body: string;
  readonly attributes: Record<string, unknown>;
}

// biome-ignore lint/suspicious/noExplicitAny: the shape is what the sender made of it
type Any = any;

export function decodeMetrics(
  body: Buffer,
  type: string,
): { resource: Record<string, unknown>; metrics: ReceivedMetric[] } {
  const [group] = decode('MetricsRequest', body, type).resourceMetrics;
  const list = group.scopeMetrics[0].metrics as Any[];
  return {
    resource: attributes(group.resource.attributes),
    metrics: list.map(({ name, unit, gauge, sum }) => {
      if (sum && (sum.aggregationTemporality !== 2 || !sum.isMonotonic)) throw new Error(`${name}: not cumulative`);
      const points = (gauge ?? sum).dataPoints as Any[];
      return { name, unit, kind: gauge ? 'gauge' : 'counter', type: typeOf(points[0]), points: points.map(point) };
    }),
  };
}

export function decodeLogs(body: Buffer, type: string): { resource: Record<string, unknown>; logs: ReceivedLog[] } {
  const [group] = decode('LogsRequest', body, type).resourceLogs;
  const list = group.scopeLogs[0].logRecords as Any[];
  return {
    resource: attributes(group.resource.attributes),
    logs: list.map((log) => ({
      time: milliseconds(log.timeUnixNano),
      name: log.eventName,
      severity: log.severityNumber,
      body: log.body.stringValue,
      attributes: attributes(log.attributes),
    })),
  };
}

/** An answer of "partial success" in protobuf. */
export function partialSuccess(rejected: number, errorMessage: string): Buffer {
  return Buffer.from(root.lookupType('Response').encode({ partialSuccess: { rejected, errorMessage } }).finish());
}

function decode(message: string, body: Buffer, type: string): Any {
  if (type === 'application/json') return JSON.parse(body.toString());
  const schema = root.lookupType(message);
  return schema.toObject(schema.decode(body), { longs: String });
}

function typeOf(point: Any): 'int' | 'double' {
  return point.asInt === undefined ? 'double' : 'int';
}

function point({ timeUnixNano, startTimeUnixNano, asInt, asDouble, attributes: list }: Any): Point {
  return {
    time: milliseconds(timeUnixNano),
    start: milliseconds(startTimeUnixNano),
    value: Number(asInt ?? asDouble),
    attributes: attributes(list ?? []),
  };
}

function milliseconds(nanoseconds: string): number {
  return Number(BigInt(nanoseconds) / 1_000_000n);
}

function attributes(list: Any[]): Record<string, unknown> {
  return Object.fromEntries(
    list.map(({ key, value }) => {
      const { stringValue, boolValue, intValue, doubleValue } = value;
      return [key, stringValue ?? boolValue ?? doubleValue ?? Number(intValue)];
    }),
  );
}

export interface Request {
  readonly path: string;
  readonly headers: IncomingMessage['headers'];
  readonly body: Buffer;
}

export type Answer = (request: Request, response: ServerResponse, raw: IncomingMessage) => void;

/** Listens on loopback until the test is over. `answer` may be changed while it runs. */
export class Receiver {
  readonly requests: Request[] = [];
  answer: Answer;
  readonly #server: Server;

  private constructor(server: Server, answer: Answer) {
    this.#server = server;
    this.answer = answer;
  }

  static async start(
    t: TestContext,
    { answer = accept, tls }: { answer?: Answer; tls?: ServerOptions } = {},
  ): Promise<Receiver> {
    const listener: RequestListener = async (raw, response) => {
      const body = await buffer(raw).catch(() => null);
      if (body === null) return;
      const { url: path = '', headers } = raw;
      const request = { path, headers, body: headers['content-encoding'] === 'gzip' ? gunzipSync(body) : body };
      receiver.requests.push(request);
      receiver.answer(request, response, raw);
    };
    const server = tls ? createTlsServer(tls, listener) : createServer(listener);
    const receiver = new Receiver(server, answer);
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    t.after(() => receiver.close());
    return receiver;
  }

  get port(): number {
    return (this.#server.address() as AddressInfo).port;
  }

  get url(): string {
    return `http://127.0.0.1:${this.port}`;
  }

  /** The content of all requests that were answered with success, repeats included: what a store would have. */
  logs(): ReceivedLog[] {
    return this.requests
      .filter(({ path }) => path.endsWith('/v1/logs'))
      .flatMap(({ body, headers }) => decodeLogs(body, headers['content-type']!).logs);
  }

  metrics(): ReceivedMetric[] {
    return this.requests
      .filter(({ path }) => path.endsWith('/v1/metrics'))
      .flatMap(({ body, headers }) => decodeMetrics(body, headers['content-type']!).metrics);
  }

  close(): void {
    this.#server.close();
    this.#server.closeAllConnections();
  }
}

/** The answer of a receiver that took everything. */
export const accept: Answer = ({ headers }, response) => {
  response.setHeader('content-type', headers['content-type']!);
  response.end(headers['content-type'] === 'application/json' ? '{}' : '');
};

export function refuse(status: number, headers: Record<string, string> = {}): Answer {
  return (_, response) => response.writeHead(status, headers).end();
}
