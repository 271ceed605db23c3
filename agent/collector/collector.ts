/**
 * The embedded collector: receives OTLP/HTTP, keeps it, and shows the fleet. One process, one thread, one database: what
 * a fleet outgrows is answered by any OpenTelemetry Collector, which the agents can be pointed at instead.
 */
import type { AddressInfo } from 'node:net';
import { isLoopback, namesLoopback, parseListen, Tokens } from './access.ts';
import { Committer } from './committer.ts';
import { Fleet } from './fleet.ts';
import { Page } from './page.ts';
import { Query } from './query.ts';
import { Receiver } from './receiver.ts';
import { retain } from './retention.ts';
import { addressOf, answer, dropRest, isPublic, makeRouter } from './router.ts';
import { ended, listening, makeServer, type ServerOptions, tooMany } from './server.ts';
import { Store } from './store.ts';
import { Stream } from './stream.ts';

export interface CollectorOptions extends ServerOptions {
  /** `HOST:PORT`; port 0: any that is free. */
  readonly listen: string;
  /** The folder of its database; made where there is none. */
  readonly data: string;
  /** Milliseconds. */
  readonly keep?: number;
  /** Bytes on disk. */
  readonly maxSize?: number;
  /** A file with bearer tokens, one a line. */
  readonly tokenFile?: string | undefined;
  readonly version: string;
  /** Told of what goes wrong while it runs. */
  readonly log?: (message: string) => void;
}

export interface Collector {
  readonly url: string;
  /** Answers what has begun, writes what waits, and ends. */
  close(): Promise<void>;
}

export const DEFAULTS = { keep: 14 * 86_400_000, maxSize: 10 * 2 ** 30 } as const;

/** Milliseconds. Rows are made several times a second: all of a second's at once would keep heartbeats waiting. */
const LOOK = 250;
const TICK = 1_000;
const TIDY = 60_000;

/** Throws where it may not listen there, cannot, or cannot use its files; nothing is left open then. */
export async function startCollector(options: CollectorOptions): Promise<Collector> {
  const { host, port } = parseListen(options.listen);
  const { keep = DEFAULTS.keep, maxSize = DEFAULTS.maxSize, tokenFile, clientCa, log = () => {} } = options;
  if (!isLoopback(host) && tokenFile === undefined && clientCa === undefined) {
    throw new Error(
      `refused to listen on ${host} for everybody: give --token-file, or --client-ca, or listen on 127.0.0.1`,
    );
  }
  const tokens = tokenFile === undefined ? null : new Tokens(tokenFile);
  const server = makeServer(options);
  const store = new Store(options.data);
  const fleet = new Fleet(store, keep, Date.now());
  const committer = new Committer(fleet, (error) => log(`not stored, tried again: ${error.message}`));
  const query = new Query(fleet, store, options.version);
  const receiver = new Receiver(fleet, committer);
  const stream = new Stream();
  const page = new Page();
  const route = makeRouter({ fleet, store, query, receiver, stream, page });
  fleet.rows.settle(Date.now());

  server.on('request', (request, response) => {
    if (tooMany(request, response)) return;
    const url = addressOf(request);
    if (url === null) answer(response, 400, { error: 'not an address' });
    else if (tokens === null && clientCa === undefined && !namesLoopback(request)) {
      answer(response, 421, { error: 'asked by a name that is not of this machine' });
    } else if (tokens !== null && !isPublic(url, page) && !tokens.admit(request)) {
      response.setHeader('www-authenticate', 'Bearer');
      answer(response, 401, { error: 'a token is needed' });
    } else return route(url, request, response);
    dropRest(request, response);
  });

  let stopped = false;
  const look = () => {
    const settled = fleet.rows.settle(Date.now());
    query.changed(settled);
    stream.note(settled);
    fleet.closeOld(Date.now(), LOOK / TIDY);
  };
  const tick = () => {
    attempt(() => tokens?.refresh(), 'token file');
    stream.send(() => query.summary());
    if (fleet.waiting) committer.flush();
  };
  let retaining = Promise.resolve();
  const tidy = () => {
    attempt(() => fleet.tidy(Date.now()), 'tidying');
    retaining = retaining
      .then(() => retain(store, { keep, maxSize }, Date.now(), () => stopped))
      .catch((error: Error) => log(`retention: ${error.message}`));
  };
  const attempt = (work: () => void, what: string) => {
    try {
      work();
    } catch (error) {
      log(`${what}: ${(error as Error).message}`);
    }
  };
  const timers = [setInterval(look, LOOK), setInterval(tick, TICK), setInterval(tidy, TIDY)];
  const close = async () => {
    if (stopped) return;
    stopped = true;
    for (const timer of timers) clearInterval(timer);
    stream.close();
    await ended(server);
    await retaining;
    committer.flush();
    store.close();
  };
  try {
    await listening(server, host, port);
  } catch (error) {
    await close();
    throw new Error(`cannot listen on ${options.listen}: ${(error as Error).message}`);
  }
  const bound = server.address() as AddressInfo;
  const scheme = options.certificate === undefined ? 'http' : 'https';
  return { url: `${scheme}://${host.includes(':') ? `[${host}]` : host}:${bound.port}`, close };
}
