/** OTLP/HTTP (https://opentelemetry.io/docs/specs/otlp/#otlphttp): POST /v1/metrics and /v1/logs, protobuf or JSON. */
import type { IncomingMessage, ServerResponse } from 'node:http';
import protobuf from 'protobufjs/minimal.js';
import { Refused, withBody } from '../admission/body.ts';
import { senderOf } from '../admission/sender.ts';
import { Turns } from '../admission/turns.ts';
import { MalformedRequest, type Rejected, TooMany } from '../wire/otlp.ts';
import * as json from '../wire/otlp-json.ts';
import * as binary from '../wire/protobuf.ts';
import { type Committer, NotStored } from './committer.ts';
import type { Fleet } from './fleet.ts';
import { take } from './intake.ts';

type Format = 'protobuf' | 'json';

const TYPES: Readonly<Record<string, Format>> = { 'application/x-protobuf': 'protobuf', 'application/json': 'json' };
const READERS = { protobuf: binary, json } as const;
const CONTENT_TYPE = { protobuf: 'application/x-protobuf', json: 'application/json' } as const;
/** Seconds until a sender may try again. */
const RETRY_AFTER = 5;
/** Bytes of an unpacked body that is read at once. A longer body waits for its sender's turn. */
const SHORT = 32_768;
/** Reasons in one answer. */
const MOST_REASONS = 5;

export class Receiver {
  /** The number of requests, by the status of their answers. */
  readonly answers = new Map<number, number>();
  readonly #fleet: Fleet;
  readonly #committer: Committer;
  readonly #turns = new Turns();

  constructor(fleet: Fleet, committer: Committer) {
    this.#fleet = fleet;
    this.#committer = committer;
  }

  /** Answers a request after its data is on disk. */
  async receive(signal: 'metrics' | 'logs', request: IncomingMessage, response: ServerResponse): Promise<void> {
    const type = (request.headers['content-type'] ?? '').split(';')[0]!.trim().toLowerCase();
    const format = TYPES[type];
    try {
      if (request.method !== 'POST') throw new Refused(405, 'only POST');
      if (format === undefined) throw new Refused(415, 'the content-type is neither protobuf nor JSON');
      const sender = senderOf(request);
      const refused = await withBody(request, sender, (body) => {
        const read = () => {
          if (this.#committer.failing) throw new NotStored('the disk refuses data');
          return take(this.#fleet, READERS[format], signal, body, { sender, now: Date.now() });
        };
        if (body.length <= SHORT) return read();
        return this.#turns.take(
          sender,
          () => response.destroyed,
          async () => read(),
        );
      });
      await this.#committer.committed();
      this.#count(200);
      const answer = accepted(signal, format, refused);
      response.writeHead(200, { 'content-type': CONTENT_TYPE[format], 'content-length': answer.length }).end(answer);
    } catch (error) {
      this.#refuse(request, response, format ?? 'json', error);
    }
  }

  #refuse(request: IncomingMessage, response: ServerResponse, format: Format, error: unknown): void {
    const status = statusOf(error);
    this.#count(status);
    // The connection was lost, so no answer can be sent.
    if (response.destroyed) return;
    const message = status === 500 ? 'internal error' : (error as Error).message;
    const body = failure(format, message);
    const headers: Record<string, string | number> = {
      'content-type': CONTENT_TYPE[format],
      'content-length': body.length,
    };
    if (status === 503) headers['retry-after'] = RETRY_AFTER;
    if (status === 405) headers.allow = 'POST';
    // The rest of the request stays unread, so this connection cannot be used again.
    if (!request.complete) headers.connection = 'close';
    response.writeHead(status, headers).end(body, () => {
      if (!request.complete) request.destroy();
    });
  }

  #count(status: number): void {
    this.answers.set(status, (this.answers.get(status) ?? 0) + 1);
  }
}

function statusOf(error: unknown): number {
  if (error instanceof Refused) return error.status;
  if (error instanceof TooMany) return 413;
  if (error instanceof MalformedRequest) return 400;
  if (error instanceof NotStored) return 503;
  return (error as NodeJS.ErrnoException).code === 'ECONNRESET' ? 400 : 500;
}

/** ExportMetricsServiceResponse or ExportLogsServiceResponse: empty, or with a partial success. */
function accepted(signal: 'metrics' | 'logs', format: Format, { rejected: refused, reasons }: Rejected): Uint8Array {
  const errorMessage = `not kept: ${reasons.slice(0, MOST_REASONS).join('; ')}`;
  if (format === 'json') {
    const count = signal === 'metrics' ? 'rejectedDataPoints' : 'rejectedLogRecords';
    const answer = refused === 0 ? {} : { partialSuccess: { [count]: String(refused), errorMessage } };
    return Buffer.from(JSON.stringify(answer));
  }
  if (refused === 0) return new Uint8Array();
  const writer = protobuf.Writer.create().uint32(10).fork();
  return writer.uint32(8).int64(refused).uint32(18).string(errorMessage).ldelim().finish();
}

/** The answer to a failed request: OTLP requires google.rpc.Status. */
function failure(format: Format, message: string): Uint8Array {
  if (format === 'json') return Buffer.from(JSON.stringify({ message }));
  return protobuf.Writer.create().uint32(18).string(message).finish();
}
