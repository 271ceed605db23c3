/** The addresses of the HTTP server: OTLP, the API, Prometheus, the page. */
import type { IncomingMessage, ServerResponse } from 'node:http';
import { Readable } from 'node:stream';
import { CONFIRM_PATH } from '../confirm/wire/acknowledgement.ts';
import { WAVES_PATH } from '../confirm/wire/wave-talk.ts';
import type { Tokens } from './admission/access.ts';
import { Refused, withBody } from './admission/body.ts';
import { senderOf } from './admission/sender.ts';
import type { HealthAnswer } from './api.ts';
import type { Acknowledger } from './confirm/acknowledger.ts';
import type { SealedDoor } from './confirm/sealed-door.ts';
import type { Waves } from './confirm/waves.ts';
import type { Fleet } from './fleet/fleet.ts';
import type { Receiver } from './fleet/receiver.ts';
import { type Page, SECURITY_HEADERS } from './page.ts';
import { fleetExposition } from './queries/fleet-exposition.ts';
import { onlyThese } from './queries/parameters.ts';
import type { Query } from './queries/query.ts';
import type { Retirement } from './queries/retirement.ts';
import type { Stream } from './queries/stream.ts';
import type { Troubles } from './queries/trouble.ts';
import { retireCsv } from './retire/csv.ts';
import { expectedIn } from './retire/expected-names.ts';
import { DatabaseError } from './store/database-error.ts';
import type { Store } from './store/store.ts';

export interface Parts {
  readonly fleet: Fleet;
  readonly store: Store;
  readonly query: Query;
  readonly receiver: Receiver;
  readonly door: SealedDoor;
  readonly acknowledger: Acknowledger;
  readonly waves: Waves;
  readonly stream: Stream;
  readonly page: Page;
  readonly troubles: Troubles;
  readonly retirement: Retirement;
  /** Tokens that may change something; null if nothing may be changed by the API. */
  readonly writers: Tokens | null;
}

/** API addresses that check their parameters themselves. */
const WITH_PARAMETERS = /^\/api\/v1\/(?:hosts(?:\/[^/]+\/(?:events|series))?|retire|nameservers)$/;
/** API addresses that change something, and their methods. */
const WRITES = { hosts: 'DELETE', expected: 'PUT', waves: 'POST' } as const;

/** Answers an admitted request. Never throws. */
export function makeRouter(parts: Parts) {
  const { fleet, store, query, receiver, door, acknowledger, waves, stream, page, troubles, retirement } = parts;
  const health = (response: ServerResponse) => {
    const trouble = troubles.list;
    const status = trouble.length > 0 ? 'trouble' : 'ok';
    const content: HealthAnswer = { status, version: query.summary().version, trouble };
    answer(response, troubles.has('disk') ? 503 : 200, content);
  };
  const answerGet = ({ pathname, searchParams }: URL, request: IncomingMessage, response: ServerResponse) => {
    if (pathname.startsWith('/api/') && !WITH_PARAMETERS.test(pathname)) onlyThese(searchParams, []);
    const [, id, part = ''] = /^\/api\/v1\/hosts\/([^/]+)(?:\/(events|series))?$/.exec(pathname) ?? [];
    if (id !== undefined) {
      const host = fleet.find(decodeURIComponent(id));
      if (host === undefined || host.retired > 0) answer(response, 404, { error: 'no such host' });
      else if (part === 'events') answer(response, 200, query.events(host, searchParams));
      else if (part === 'series') {
        const series = query.series(host, searchParams, senderOf(request), () => response.destroyed);
        series.then((found) => answer(response, 200, found)).catch((error) => fail(response, error));
      } else answer(response, 200, query.host(host));
    } else if (pathname === '/api/v1/hosts') answer(response, 200, query.hosts(searchParams));
    else if (pathname === '/api/v1/summary') answer(response, 200, query.summary());
    else if (pathname === '/api/v1/retire') sendVerdict(retirement, searchParams, response);
    else if (pathname === '/api/v1/nameservers') {
      answer(response, 200, retirement.nameservers(searchParams, Date.now()));
    } else if (pathname === '/api/v1/expected') answer(response, 200, retirement.expected(Date.now()));
    else if (pathname === '/api/v1/waves') answer(response, 200, waves.rows());
    else if (pathname === '/api/v1/stream') {
      if (!stream.add(response, senderOf(request), query.summary()))
        answer(response, 503, { error: 'too many readers' });
    } else if (pathname === '/metrics') sendMetrics(response, fleetExposition(fleet, query, receiver, store));
    else if (pathname === '/healthz') health(response);
    else if (!page.serve(pathname, request, response)) answer(response, 404, { error: 'not found' });
  };
  return (url: URL, request: IncomingMessage, response: ServerResponse): void => {
    if (url.pathname === '/v1/metrics' || url.pathname === '/v1/logs') {
      receiver.receive(url.pathname === '/v1/logs' ? 'logs' : 'metrics', request, response);
      return;
    }
    if (url.pathname === CONFIRM_PATH) {
      void door.receive(acknowledger, request, response);
      return;
    }
    if (url.pathname === WAVES_PATH) {
      void door.receive(waves.desk, request, response);
      return;
    }
    for (const [name, value] of Object.entries(SECURITY_HEADERS)) response.setHeader(name, value);
    const write = writeOf(url);
    if (write !== null && request.method === WRITES[write.what]) {
      change(write, request, response, parts).catch((error) => fail(response, error));
      return;
    }
    if (request.method !== 'GET' && request.method !== 'HEAD') {
      const allowed = write === null ? 'GET' : `GET and ${WRITES[write.what]}`;
      response.setHeader('allow', write === null ? 'GET, HEAD' : `GET, HEAD, ${WRITES[write.what]}`);
      answer(response, 405, { error: `only ${allowed}` });
      dropRest(request, response);
      return;
    }
    try {
      answerGet(url, request, response);
    } catch (error) {
      fail(response, error);
    }
  };
}

interface Write {
  readonly what: keyof typeof WRITES;
  /** The id or name of a host; '' for the list of expected hosts; the id of a rollout. */
  readonly name: string;
  /** The operator's decision about a rollout. */
  readonly decision?: 'stop' | 'continue';
}

/** null if nothing can be changed at this address. */
function writeOf({ pathname }: URL): Write | null {
  if (pathname === '/api/v1/expected') return { what: 'expected', name: '' };
  const [, rollout, decision] = /^\/api\/v1\/waves\/([^/]+)\/(stop|continue)$/.exec(pathname) ?? [];
  if (rollout !== undefined) return { what: 'waves', name: rollout, decision: decision as 'stop' | 'continue' };
  const name = /^\/api\/v1\/hosts\/([^/]+)$/.exec(pathname)?.[1];
  return name === undefined ? null : { what: 'hosts', name };
}

/** Retires a host, takes a list of expected hosts, or stops a rollout or lets it go on. Rejects with Refused. */
async function change(write: Write, request: IncomingMessage, response: ServerResponse, parts: Parts): Promise<void> {
  const { retirement, writers, waves } = parts;
  try {
    if (writers === null) throw new Refused(403, 'nothing may be changed here: start it with --write-token-file');
    if (!writers.admit(request)) throw new Refused(403, 'a token that may write is needed (--write-token-file)');
    if (write.decision !== undefined) {
      const isKnown = waves.decide(decodeURIComponent(write.name), write.decision, Date.now());
      if (!isKnown) throw new Refused(404, 'no such rollout');
    } else if (write.what === 'hosts') retirement.retire(decodeURIComponent(write.name), Date.now());
    else await withBody(request, senderOf(request), (body) => retirement.give(namesIn(body)));
  } finally {
    dropRest(request, response);
  }
  answer(response, 200, write.what === 'waves' ? waves.rows() : retirement.expected(Date.now()));
}

/** Throws Refused. */
function namesIn(body: Buffer): string[] {
  try {
    return expectedIn(JSON.parse(body.toString('utf8')));
  } catch (error) {
    throw new Refused(400, `not a list of hosts: ${(error as Error).message}`);
  }
}

function sendVerdict(retirement: Retirement, parameters: URLSearchParams, response: ServerResponse): void {
  const format = parameters.get('format') ?? 'json';
  if (format !== 'json' && format !== 'csv') throw new Refused(400, '"format" is neither json nor csv');
  const content = retirement.verdict(parameters, Date.now());
  if (format === 'json') {
    answer(response, 200, content);
    return;
  }
  response.writeHead(200, {
    'content-type': 'text/csv; charset=utf-8',
    'content-disposition': `attachment; filename="retire-${content.address.replaceAll(':', '-')}.csv"`,
    'cache-control': 'no-store',
  });
  Readable.from(retireCsv(retirement.whole(parameters, Date.now())))
    .on('error', () => response.destroy())
    .pipe(response);
}

function fail(response: ServerResponse, error: unknown): void {
  if (response.headersSent) response.destroy();
  else if (error instanceof Refused) answer(response, error.status, { error: error.message });
  else if (error instanceof URIError) answer(response, 400, { error: 'not an address' });
  else
    answer(response, 500, {
      error: error instanceof DatabaseError ? 'what is stored of it cannot be read' : 'internal error',
    });
}

/**
 * Addresses that need no bearer token. The health check and the page's files hold no data of the fleet. Questions of hosts
 * that change are sealed.
 */
export function isPublic({ pathname }: URL, page: Page): boolean {
  return ['/healthz', CONFIRM_PATH, WAVES_PATH].includes(pathname) || page.has(pathname);
}

/** null if the address is malformed. */
export function requestAddress({ url = '/' }: IncomingMessage): URL | null {
  return URL.parse(url, 'http://collector');
}

export function answer(response: ServerResponse, status: number, content: unknown): void {
  const body = Buffer.from(JSON.stringify(content));
  const headers = { 'content-type': 'application/json', 'content-length': body.length, 'cache-control': 'no-store' };
  response.writeHead(status, headers).end(body);
}

/** The rest of the request stays unread, so the connection ends with the answer. */
export function dropRest(request: IncomingMessage, response: ServerResponse): void {
  if (!request.complete) response.once('finish', () => request.destroy());
}

function sendMetrics(response: ServerResponse, parts: Generator<string>): void {
  response.writeHead(200, { 'content-type': 'text/plain; version=0.0.4; charset=utf-8' });
  // A reader that goes away in the middle is no error.
  Readable.from(parts)
    .on('error', () => response.destroy())
    .pipe(response);
}
