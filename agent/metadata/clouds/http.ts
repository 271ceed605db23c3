/**
 * The client for a metadata service. The service speaks plain HTTP, so any machine on the path may answer. The client
 * therefore connects once, to an address and never to a name. It uses no proxy from the environment, follows no
 * redirect, limits time and size, and accepts only plain text.
 */
import { Agent, type IncomingHttpHeaders, request } from 'node:http';
import { show } from '../../config/config-error.ts';
import type { MetadataEndpoint } from '../../config/desired-metadata.ts';
import { errorCode, errorMessage } from '../../host/errors.ts';

export interface MetadataReply {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  /** For status 200: printable ASCII and line breaks, at most LARGEST bytes. Empty for any other status. */
  readonly text: string;
}

/** Milliseconds until a whole answer must have arrived. A real service takes a few. */
const REQUEST_LIMIT = 2_000;
/** Bytes. Google's whole answer for eight interfaces has six thousand. */
const LARGEST = 64 * 1024;
const LARGEST_HEADERS = 8 * 1024;

const UNREACHABLE: Readonly<Record<string, string>> = {
  ECONNREFUSED: 'nothing listens there (connection refused)',
  EHOSTUNREACH: 'it cannot be reached from here (no route to the host)',
  ENETUNREACH: 'it cannot be reached from here (no route to its network)',
  ECONNRESET: 'the connection was cut before the answer was whole',
  EPIPE: 'the connection was cut before the answer was whole',
  EACCES: 'a firewall of this host does not let it be asked',
  EPERM: 'a firewall of this host does not let it be asked',
};

/** The connection was accepted but no answer came in time. On EC2 a used-up hop limit looks like this. */
export class SilentError extends Error {}

export class MetadataClient {
  readonly #endpoint: MetadataEndpoint;
  readonly #signal: AbortSignal;
  readonly #agent = new Agent({ keepAlive: true, maxSockets: 1 });

  /** Aborting `signal` ends every request with an Error that says it was too late. */
  constructor(endpoint: MetadataEndpoint, signal: AbortSignal) {
    this.#endpoint = endpoint;
    this.#signal = signal;
  }

  /** The reply, whatever its status. Throws an Error with a sentence if no valid reply came. */
  async ask(method: 'GET' | 'PUT', path: string, headers: Record<string, string>): Promise<MetadataReply> {
    if (this.#signal.aborted) throw tooLate(false);
    const { promise, resolve, reject } = Promise.withResolvers<MetadataReply>();
    let connected = false;
    const asked = request({
      ...this.#endpoint,
      method,
      path,
      agent: this.#agent,
      headers: { ...headers, 'user-agent': 'holdfast', ...(method === 'PUT' ? { 'content-length': '0' } : {}) },
      maxHeaderSize: LARGEST_HEADERS,
      insecureHTTPParser: false,
    });
    const fail = (error: Error) => {
      reject(error);
      asked.destroy();
    };
    const late = () => fail(tooLate(connected));
    const timer = setTimeout(late, REQUEST_LIMIT);
    this.#signal.addEventListener('abort', late);
    asked.on('socket', (socket) => {
      if (socket.connecting) socket.once('connect', () => (connected = true));
      else connected = true;
    });
    asked.on('error', (error) => reject(new Error(reasonOf(error), { cause: error })));
    asked.on('response', (response) => {
      const chunks: Buffer[] = [];
      let size = 0;
      response.on('data', (chunk: Buffer) => {
        size += chunk.length;
        if (size > LARGEST) fail(new Error(`its answer is larger than ${LARGEST / 1024} KiB, and was not read`));
        else chunks.push(chunk);
      });
      response.on('error', (error) => reject(new Error(reasonOf(error), { cause: error })));
      response.on('end', () => {
        const { statusCode = 0, headers } = response;
        try {
          // The body of a refusal is meant for people and may be HTML. We do not use it.
          const text = statusCode === 200 ? textOf(Buffer.concat(chunks), headers) : '';
          resolve({ status: statusCode, headers, text });
        } catch (error) {
          reject(error);
        }
      });
    });
    asked.end();
    try {
      return await promise;
    } finally {
      clearTimeout(timer);
      this.#signal.removeEventListener('abort', late);
    }
  }

  close(): void {
    this.#agent.destroy();
  }
}

/** A sentence for a status other than 200. It holds for every provider. */
export function refusedReply({ status, headers }: MetadataReply, what: string): Error {
  if (status >= 300 && status < 400) {
    const to = headers.location === undefined ? '' : ` to ${show(headers.location)}`;
    return new Error(`it redirects${to}, as no metadata service does; that was not followed`);
  }
  if (status === 403) return new Error(`it refuses ${what} (403): the service is switched off for this instance`);
  if (status === 429 || status === 503)
    return new Error(`it is asked too often, or overloaded (${status} for ${what})`);
  if (status >= 500) return new Error(`it fails (${status} for ${what})`);
  return new Error(`it does not give ${what} (${status})`);
}

function textOf(body: Buffer, headers: IncomingHttpHeaders): string {
  const encoding = headers['content-encoding'];
  if (encoding !== undefined && encoding !== 'identity') {
    throw new Error(`it answers in an encoding that was not asked for (${show(encoding)})`);
  }
  const text = body.toString('latin1');
  if (/^\s*</.test(text) || /\bhtml\b/i.test(headers['content-type'] ?? '')) {
    throw new Error('it answers with a web page: a captive portal or a proxy stands in its place');
  }
  if (/[^\t\r\n\x20-\x7e]/.test(text)) throw new Error('its answer is no plain text');
  return text;
}

function tooLate(connected: boolean): Error {
  if (!connected) return new Error('it cannot be reached (no connection in time)');
  return new SilentError('it took the connection and did not answer in time');
}

function reasonOf(error: Error): string {
  const code = errorCode(error) ?? '';
  if (code.startsWith('HPE_')) return `what it answers is no HTTP, or too much of it (${code})`;
  return UNREACHABLE[code] ?? errorMessage(error);
}
