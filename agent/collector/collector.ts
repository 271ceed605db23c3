/**
 * The embedded collector: receives OTLP/HTTP, keeps it, and shows the fleet. One process, one thread, one database: what
 * a fleet outgrows is answered by any OpenTelemetry Collector, which the agents can be pointed at instead.
 */
import { readFileSync } from 'node:fs';
import { createServer, type Server } from 'node:http';
import { createServer as createSecureServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import { isLoopback, namesLoopback, parseListen, Tokens } from './access.ts';
import { Committer } from './committer.ts';
import { Fleet } from './fleet.ts';
import { Page } from './page.ts';
import { Query } from './query.ts';
import { Receiver } from './receiver.ts';
import { retain } from './retention.ts';
import { addressOf, answer, dropRest, isPublic, makeRouter } from './router.ts';
import { Store } from './store.ts';
import { Stream } from './stream.ts';

export interface CollectorOptions {
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
  /** PEM files. `clientCa`: whoever connects must have a certificate of it. */
  readonly certificate?: string | undefined;
  readonly key?: string | undefined;
  readonly clientCa?: string | undefined;
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

/** Milliseconds. */
const TICK = 1_000;
const TIDY = 60_000;
const LAST_REQUESTS = 2_000;
/** Slow senders are let go: all headers, and the whole request, must be there in this time. Kept open over two heartbeats. */
const PATIENCE = { headersTimeout: 10_000, requestTimeout: 30_000, keepAliveTimeout: 75_000 } as const;

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
  fleet.settle(Date.now());

  server.on('request', (request, response) => {
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
  const tick = () => {
    attempt(() => tokens?.refresh(), 'token file');
    const { changed, beaten } = fleet.settle(Date.now());
    if (changed.length + beaten.length > 0) query.changed(changed.length === 0);
    stream.send(changed, beaten, () => query.summary());
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
  const timers = [setInterval(tick, TICK), setInterval(tidy, TIDY)];
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

function makeServer({ certificate, key, clientCa }: CollectorOptions): Server {
  if ((certificate === undefined) !== (key === undefined)) throw new Error('--certificate and --key go together');
  if (certificate === undefined || key === undefined) {
    if (clientCa !== undefined) throw new Error('--client-ca needs --certificate and --key');
    return createServer(PATIENCE);
  }
  return createSecureServer({
    ...PATIENCE,
    handshakeTimeout: PATIENCE.headersTimeout,
    minVersion: 'TLSv1.2',
    cert: readFileSync(certificate),
    key: readFileSync(key),
    ...(clientCa === undefined ? {} : { ca: readFileSync(clientCa), requestCert: true, rejectUnauthorized: true }),
  });
}

function listening(server: Server, host: string, port: number): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once('error', reject);
    server.listen(port, host, () => {
      server.off('error', reject);
      resolve();
    });
  });
}

function ended(server: Server): Promise<void> {
  return new Promise((resolve) => {
    if (!server.listening) return resolve();
    const patience = setTimeout(() => server.closeAllConnections(), LAST_REQUESTS);
    server.close(() => {
      clearTimeout(patience);
      resolve();
    });
  });
}
