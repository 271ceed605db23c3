/**
 * Sends one request at a time to the collector, by node:http or node:https. Connections are kept open; proxies from the
 * environment are not used; redirects are not followed. Each request reads certificates and token again
 * (credentials.ts).
 */
import { type ClientRequest, Agent as HttpAgent, request as httpRequest, type IncomingHttpHeaders } from 'node:http';
import { Agent as HttpsAgent, request as httpsRequest } from 'node:https';
import type { Socket } from 'node:net';
import { errorCode } from '../../host/errors.ts';
import { connectAny, type Race } from './connect.ts';
import type { CredentialNames, Credentials, Proofs } from './credentials.ts';

export interface DeliveryReply {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  /** The body, cut off after the largest number of bytes. */
  readonly body: Buffer;
}

export interface Sent {
  readonly method: 'GET' | 'POST' | 'PUT' | 'DELETE';
  /** It is appended to the endpoint's own path, and may have a query. */
  readonly path: string;
  readonly body?: Uint8Array;
  readonly headers?: Record<string, string>;
  /** Bytes of the reply that are read. */
  readonly largest?: number;
}

const LARGEST_REPLY = 64 * 1024;
/** Milliseconds to wait for a connection: as long as a request may take. */
const LONGEST_CONNECT = 15_000;

export class Client {
  readonly #base: URL;
  readonly #names: CredentialNames;
  readonly #credentials: Credentials;
  readonly #race: Partial<Race>;
  #agent: HttpAgent | null = null;
  /** Ends all attempts to connect. */
  #closing = new AbortController();
  /** The collector's address that accepted a connection and then did not answer; null if none did. */
  #distrusted: string | null = null;
  /** The certificates and key that the kept connections were made with. */
  #shown = '';

  /** Throws if the endpoint is no http or https URL. `race`: another way to find and try the collector's addresses. */
  constructor(endpoint: string, names: CredentialNames, credentials: Credentials, race: Partial<Race> = {}) {
    this.#base = new URL(endpoint);
    if (!/^https?:$/.test(this.#base.protocol))
      throw new TypeError(`${this.#base.protocol} is neither http: nor https:`);
    this.#names = names;
    this.#credentials = credentials;
    this.#race = race;
  }

  post(path: string, body: Uint8Array, headers: Record<string, string>, signal: AbortSignal): Promise<DeliveryReply> {
    return this.send({ method: 'POST', path, body, headers }, signal);
  }

  /**
   * Throws with the reason if no answer came. If the other side has closed a kept connection in the meantime, a new one
   * is tried.
   */
  async send({ method, path, body, headers, largest }: Sent, signal: AbortSignal): Promise<DeliveryReply> {
    const url = new URL(this.#base);
    const [pathname = '', query = ''] = path.split('?');
    url.pathname = url.pathname.replace(/\/*$/, pathname);
    url.search = query;
    const proofs = this.#credentials.read(this.#names);
    const all = {
      ...headers,
      ...(proofs.token === null ? {} : { authorization: `Bearer ${proofs.token}` }),
      ...(body === undefined ? {} : { 'content-length': String(body.length) }),
      'user-agent': 'holdfast',
    };
    const agent = this.#freshAgent(proofs);
    for (;;) {
      const begin = this.#base.protocol === 'https:' ? httpsRequest : httpRequest;
      const request = begin(url, { method, agent, headers: all, signal });
      try {
        const reply = await exchange(request, body, largest ?? LARGEST_REPLY);
        if (request.socket?.remoteAddress === this.#distrusted) this.#distrusted = null;
        return reply;
      } catch (error) {
        if (!request.reusedSocket) this.#distrusted = request.socket?.remoteAddress ?? this.#distrusted;
        if (!request.reusedSocket || signal.aborted || !/^(ECONNRESET|EPIPE)$/.test(errorCode(error) ?? ''))
          throw error;
      }
    }
  }

  close(): void {
    this.#closing.abort();
    this.#closing = new AbortController();
    this.#agent?.destroy();
    this.#agent = null;
  }

  #freshAgent({ ca, certificate, key }: Proofs): HttpAgent {
    const shown = [ca, certificate, key].map((pem) => pem?.toString('latin1') ?? '').join('\0');
    if (this.#agent !== null && this.#shown === shown) return this.#agent;
    this.close();
    this.#shown = shown;
    const options = { keepAlive: true, maxSockets: 2, scheduling: 'lifo' } as const;
    this.#agent =
      this.#base.protocol === 'https:'
        ? new HttpsAgent({
            ...options,
            ...(ca && { ca }),
            ...(certificate && { cert: certificate }),
            ...(key && { key }),
          })
        : new HttpAgent(options);
    this.#connectBy(this.#agent);
    return this.#agent;
  }

  #connectBy(agent: HttpAgent): void {
    const isTls = this.#base.protocol === 'https:';
    const target = {
      host: this.#base.hostname,
      port: Number(this.#base.port || (isTls ? 443 : 80)),
    };
    const { createConnection } = HttpsAgent.prototype;
    agent.createConnection = (options, connected) => {
      const signal = AbortSignal.any([this.#closing.signal, AbortSignal.timeout(LONGEST_CONNECT)]);
      connectAny(target, signal, this.#distrusted, this.#race).then(
        (socket) =>
          connected?.(null, isTls ? (createConnection.call(agent, { ...options, socket }) as Socket) : socket),
        (error) => connected?.(error, undefined as never),
      );
      return undefined;
    };
  }
}

function exchange(request: ClientRequest, body: Uint8Array | undefined, largest: number): Promise<DeliveryReply> {
  return new Promise((resolve, reject) => {
    request.on('error', reject);
    request.on('response', (response) => {
      const chunks: Buffer[] = [];
      let size = 0;
      const done = () => {
        const { statusCode = 0, headers } = response;
        resolve({ status: statusCode, headers, body: Buffer.concat(chunks).subarray(0, largest) });
      };
      response.on('data', (chunk: Buffer) => {
        chunks.push(chunk);
        size += chunk.length;
        if (size <= largest) return;
        done();
        request.destroy();
      });
      response.on('end', done);
      response.on('error', reject);
    });
    request.end(body);
  });
}
