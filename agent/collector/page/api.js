/**
 * The page's requests to the collector (../api.ts), and the stream of changes.
 *
 * `attention` takes the code of a need (`silent`), or 1 for any. A collector that was started with a token answers 401
 * without it. The page asks for the token then, and sends it as `Authorization: Bearer` with every request and the
 * stream. (The stream is read by fetch, because an EventSource cannot send the header.)
 *
 * @import { ExpectedAnswer, HostAnswer, HostEvent, HostsAnswer, NameserversAnswer, RetireAnswer, SeriesAnswer, StreamMessage, SummaryAnswer } from '../api.ts'
 */
import { setClock } from './format.js';

/**
 * Milliseconds without a byte of the stream, after which the stream is dead: the collector sends a comment every 15 s.
 */
const DEAD = 45_000;

/** An answer with a status outside 200 to 299. `status` is 0 if there was no answer. */
export class ApiError extends Error {
  /** @param {number} status @param {string} message */
  constructor(status, message) {
    super(message);
    this.status = status;
  }
}

/** @returns {Promise<SummaryAnswer>} */
export const getSummary = () => get('summary', {});

/** @param {Record<string, string | number>} query @param {AbortSignal} signal @returns {Promise<HostsAnswer>} */
export const getHosts = (query, signal) => get('hosts', query, signal);

/** @param {string} id @param {AbortSignal} signal @returns {Promise<HostAnswer>} */
export const getHost = (id, signal) => get(`hosts/${encodeURIComponent(id)}`, {}, signal);

/**
 * The events before an event.
 * @param {string} id
 * @param {HostEvent} event
 * @param {number} limit
 * @param {AbortSignal} signal
 * @returns {Promise<readonly HostEvent[]>}
 */
export const getEvents = (id, event, limit, signal) =>
  get(`hosts/${encodeURIComponent(id)}/events`, { before: event.time, beforeId: event.id, limit }, signal);

/**
 * @param {string} id
 * @param {Record<string, string | number>} query
 * @param {AbortSignal} signal
 * @returns {Promise<SeriesAnswer>}
 */
export const getSeries = (id, query, signal) => get(`hosts/${encodeURIComponent(id)}/series`, query, signal);

/** @param {string} address @param {number} limit @param {AbortSignal} signal @returns {Promise<RetireAnswer>} */
export const getVerdict = (address, limit, signal) => get('retire', { address, limit }, signal);

/** The whole verdict as CSV. @param {string} address @returns {Promise<Blob>} */
export async function getVerdictFile(address) {
  const response = await ask(`retire?${new URLSearchParams({ address, format: 'csv' })}`, 'text/csv');
  return await response.blob();
}

/** @param {number} limit @param {AbortSignal} signal @returns {Promise<NameserversAnswer>} */
export const getNameservers = (limit, signal) => get('nameservers', { limit }, signal);

/**
 * Takes a host off the list of expected hosts.
 * @param {string} id
 * @param {string | null} token a token that may write; null for the token of the page
 * @returns {Promise<ExpectedAnswer>}
 */
export async function retireHost(id, token) {
  const response = await ask(`hosts/${encodeURIComponent(id)}`, 'application/json', undefined, 'DELETE', token);
  return await response.json();
}

/**
 * Stops a rollout, or lets it go on.
 * @param {string} id
 * @param {'stop' | 'continue'} what
 * @param {string | null} token a token that may write; null for the token of the page
 * @returns {Promise<SummaryAnswer['rollouts']>}
 */
export async function decideRollout(id, what, token) {
  const response = await ask(`waves/${encodeURIComponent(id)}/${what}`, 'application/json', undefined, 'POST', token);
  return await response.json();
}

/** @param {string} token */
export const setToken = (token) => sessionStorage.setItem('token', token);

export const hasToken = () => sessionStorage.getItem('token') !== null;

/**
 * @param {string} path @param {Record<string, string | number>} query @param {AbortSignal} [signal]
 * @returns {Promise<any>}
 */
async function get(path, query, signal) {
  const set = Object.entries(query).filter(([, value]) => value !== '');
  const search = new URLSearchParams(set.map(([name, value]) => [name, String(value)]));
  const response = await ask(`${path}${set.length > 0 ? `?${search}` : ''}`, 'application/json', signal);
  setClock(response.headers.get('date'));
  return await response.json();
}

/**
 * @param {string} path @param {string} accept @param {AbortSignal} [signal] @param {'GET' | 'DELETE' | 'POST'} [method]
 * @param {string | null} [other] a token in place of the page's own
 */
async function ask(path, accept, signal, method = 'GET', other = null) {
  const token = other ?? sessionStorage.getItem('token');
  /** @type {Record<string, string>} */
  const headers = token ? { accept, authorization: `Bearer ${token}` } : { accept };
  const response = await fetch(`api/v1/${path}`, { method, headers, signal: signal ?? null }).catch((error) => {
    if (signal?.aborted) throw error;
    throw new ApiError(0, 'The collector cannot be reached');
  });
  if (response.ok) return response;
  const { error } = await response.json().catch(() => ({}));
  const said = `The collector answered ${response.status} ${response.statusText}`.trim();
  throw new ApiError(response.status, typeof error === 'string' ? `${said}: ${error}` : said);
}

/**
 * Follows the stream while the page is open, and connects again after every break: soon at first, later less and less
 * often. The moments are random, so that all open pages do not meet a returning collector at once.
 * @param {{ connected(): void, lost(error: ApiError, retryIn: number): void, message(message: StreamMessage): void }}
 * on
 * @returns {{ retry(): void }} connects again at once
 */
export function followStream(on) {
  let failures = 0;
  let retry = () => {};
  (async () => {
    for (;;) {
      try {
        const response = await ask('stream', 'text/event-stream');
        on.connected();
        for await (const message of messages(response)) {
          failures = 0;
          on.message(message);
        }
        throw new ApiError(0, 'The collector closed the connection');
      } catch (error) {
        const wait = Math.min(30_000, 1_000 * 2 ** failures++) * (0.5 + Math.random() / 2);
        on.lost(error instanceof ApiError ? error : new ApiError(0, 'The connection to the collector broke'), wait);
        await /** @type {Promise<void>} */ (
          new Promise((resolve) => {
            retry = resolve;
            setTimeout(resolve, wait);
          })
        );
      }
    }
  })();
  return {
    retry() {
      failures = 0;
      retry();
    },
  };
}

/**
 * Server-sent events (HTML standard, 9.2.6): only `data:` lines matter. Comments keep the connection open.
 * @param {Response} response
 * @returns {AsyncGenerator<StreamMessage>}
 */
async function* messages(response) {
  const reader = /** @type {ReadableStream<Uint8Array<ArrayBuffer>>} */ (response.body)
    .pipeThrough(new TextDecoderStream())
    .getReader();
  let rest = '';
  for (;;) {
    const dead = setTimeout(() => reader.cancel(), DEAD);
    const { done, value } = await reader.read();
    clearTimeout(dead);
    if (done) return;
    const blocks = (rest + value).split(/\r?\n\r?\n/);
    rest = blocks.pop() ?? '';
    for (const block of blocks) {
      const data = block
        .split(/\r?\n/)
        .flatMap((line) => (line.startsWith('data:') ? [line.slice(5).trimStart()] : []));
      if (data.length > 0) yield JSON.parse(data.join('\n'));
    }
  }
}
