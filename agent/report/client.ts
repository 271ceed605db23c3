/**
 * Sends one POST at a time to the collector, by node:http or node:https. Connections are kept open; proxies from the
 * environment are not used; redirects are not followed. Certificates and token may be renewed at any time, so each request
 * reads them again.
 */
import { type ClientRequest, Agent as HttpAgent, request as httpRequest, type IncomingHttpHeaders } from 'node:http';
import { Agent as HttpsAgent, request as httpsRequest } from 'node:https';
import type { Socket } from 'node:net';
import type { DesiredReport } from '../config/daemon.ts';
import { secretFile } from '../host/credentials.ts';
import { errorCode, hostError } from '../host/errors.ts';
import { readRegularFile } from '../host/read.ts';
import { connectAny } from './connect.ts';

export interface Reply {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  /** The body, cut off after 64 KiB. */
  readonly body: Buffer;
}

const LARGEST_REPLY = 64 * 1024;
/** Milliseconds to wait for a connection: as long as a request may take. */
const LONGEST_CONNECT = 15_000;

export class Client {
  readonly #base: URL;
  readonly #desired: DesiredReport;
  #agent: HttpAgent | null = null;
  /** Ends all attempts to connect. */
  #closing = new AbortController();
  /** The collector's address that accepted a connection and then did not answer; null if none did. */
  #distrusted: string | null = null;
  #credentials = '';

  /** Throws if the endpoint is no http or https URL. */
  constructor(endpoint: string, desired: DesiredReport) {
    this.#base = new URL(endpoint);
    if (!/^https?:$/.test(this.#base.protocol))
      throw new TypeError(`${this.#base.protocol} is neither http: nor https:`);
    this.#desired = desired;
  }

  /**
   * `path` is appended to the endpoint's own. Throws with the reason if no answer came. If the other side has closed a kept
   * connection in the meantime, a new one is tried.
   */
  async post(path: string, body: Uint8Array, headers: Record<string, string>, signal: AbortSignal): Promise<Reply> {
    const url = new URL(this.#base);
    url.pathname = url.pathname.replace(/\/*$/, path);
    const all = {
      ...headers,
      ...this.#authorization(),
      'content-length': String(body.length),
      'user-agent': 'holdfast',
    };
    const agent = this.#freshAgent();
    for (;;) {
      const send = this.#base.protocol === 'https:' ? httpsRequest : httpRequest;
      const request = send(url, { method: 'POST', agent, headers: all, signal });
      try {
        const reply = await exchange(request, body);
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

  #authorization(): Record<string, string> {
    const { tokenFile } = this.#desired;
    if (tokenFile === null) return {};
    const token = read(tokenFile).toString('latin1').trim();
    // We check the token ourselves, so that no library's message ever quotes it.
    if (!/^[\x21-\x7e]+$/.test(token))
      throw new Error(`${tokenFile} holds no token: the file must have one line of visible ASCII`);
    return { authorization: `Bearer ${token}` };
  }

  #freshAgent(): HttpAgent {
    const { ca, certificate, key } = this.#desired;
    const [caPem, certPem, keyPem] = [ca, certificate, key].map((path) => (path === null ? undefined : read(path)));
    const credentials = [caPem, certPem, keyPem].map((pem) => pem?.toString('latin1') ?? '').join('\0');
    if (this.#agent !== null && this.#credentials === credentials) return this.#agent;
    this.close();
    this.#credentials = credentials;
    const options = { keepAlive: true, maxSockets: 2, scheduling: 'lifo' } as const;
    this.#agent =
      this.#base.protocol === 'https:'
        ? new HttpsAgent({
            ...options,
            ...(caPem && { ca: caPem }),
            ...(certPem && { cert: certPem }),
            ...(keyPem && { key: keyPem }),
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
      connectAny(target, signal, this.#distrusted).then(
        (socket) =>
          connected?.(null, isTls ? (createConnection.call(agent, { ...options, socket }) as Socket) : socket),
        (error) => connected?.(error, undefined as never),
      );
      return undefined;
    };
  }
}

function exchange(request: ClientRequest, body: Uint8Array): Promise<Reply> {
  return new Promise((resolve, reject) => {
    request.on('error', reject);
    request.on('response', (response) => {
      const chunks: Buffer[] = [];
      let size = 0;
      const done = () => {
        const { statusCode = 0, headers } = response;
        resolve({ status: statusCode, headers, body: Buffer.concat(chunks).subarray(0, LARGEST_REPLY) });
      };
      response.on('data', (chunk: Buffer) => {
        chunks.push(chunk);
        size += chunk.length;
        if (size <= LARGEST_REPLY) return;
        done();
        request.destroy();
      });
      response.on('end', done);
      response.on('error', reject);
    });
    request.end(body);
  });
}

/** Reads a file, or a credential of systemd. Throws HostError. */
function read(named: string): Buffer {
  const path = secretFile(named);
  try {
    return readRegularFile(path);
  } catch (error) {
    throw hostError('read', path, error);
  }
}
