/**
 * The embedded collector: receives OTLP/HTTP, stores it, and shows the fleet. It has one process, one thread and one
 * database. A larger fleet can report to any OpenTelemetry Collector.
 */
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { hostInUrl } from '../address/address.ts';
import { isLoopback, namesLoopback, parseListen, Tokens } from './admission/access.ts';
import { listening, makeServer, type ServerOptions, serverEnded, tooMany } from './admission/server.ts';
import { Acknowledger } from './confirm/acknowledger.ts';
import { BehindHosts } from './confirm/behind-hosts.ts';
import { InboundTries } from './confirm/inbound-tries.ts';
import { SealedDoor } from './confirm/sealed-door.ts';
import { checkedWaves, Waves, type WavesOptions } from './confirm/waves.ts';
import { Committer } from './fleet/committer.ts';
import { Fleet } from './fleet/fleet.ts';
import { Receiver } from './fleet/receiver.ts';
import { Clock, newestOf, votesOf } from './hosts/clock.ts';
import { Page } from './page.ts';
import { Query } from './queries/query.ts';
import { Retirement } from './queries/retirement.ts';
import { Stream } from './queries/stream.ts';
import { Troubles } from './queries/trouble.ts';
import { ExpectedHosts } from './retire/expected.ts';
import { readExpectedFile } from './retire/expected-names.ts';
import { answer, dropRest, isPublic, makeRouter, requestAddress } from './router.ts';
import { DatabaseError, damaged } from './store/database-error.ts';
import { retain } from './store/retention.ts';
import { Store } from './store/store.ts';

export interface CollectorOptions extends ServerOptions, WavesOptions {
  /** `HOST:PORT`. Port 0 means any free port. */
  readonly listen: string;
  /** The folder of the database; made if missing. */
  readonly data: string;
  /** Milliseconds. */
  readonly keep?: number;
  /** Bytes on disk. */
  readonly maxSize?: number;
  /** A file with bearer tokens, one a line. */
  readonly tokenFile?: string | undefined;
  /** A file with bearer tokens that may also change the expected hosts. Without it the API changes nothing. */
  readonly writeTokenFile?: string | undefined;
  /** A file with the expected hosts (expected-names.ts). */
  readonly expect?: string | undefined;
  readonly version: string;
  /** Logs errors of the running collector. */
  readonly log?: (message: string) => void;
}

export interface Collector {
  readonly url: string;
  /** Reads the file of expected hosts again. While it cannot be used, the last good content stays in force. */
  readExpected(): void;
  /** Answers the requests that have begun, writes waiting data to the disk, and ends. */
  close(): Promise<void>;
}

export const DEFAULTS = { keep: 14 * 86_400_000, maxSize: 10 * 2 ** 30 } as const;

/** Milliseconds between updates of rows. Making all rows of a second at once would delay heartbeats. */
const LOOK = 250;
const TICK = 1_000;
const TIDY = 60_000;

/** The beginning of a message, before the file and the reason. */
const ON_DISK = 'A file has changed on disk and is not in force (what was read last is, until the file is corrected)';

/**
 * Throws if it may not or cannot listen at the address, or cannot use its files. After a throw, nothing is left open.
 */
export async function startCollector(options: CollectorOptions): Promise<Collector> {
  const { host, port } = parseListen(options.listen);
  const { keep = DEFAULTS.keep, maxSize = DEFAULTS.maxSize, tokenFile, clientCa, log = () => {} } = options;
  if (!isLoopback(host) && tokenFile === undefined && clientCa === undefined) {
    throw new Error(
      `refused to listen on ${host} for everybody: give --token-file, or --client-ca, or listen on 127.0.0.1`,
    );
  }
  const tokens = tokenFile === undefined ? null : new Tokens(tokenFile);
  const writers = options.writeTokenFile === undefined ? null : new Tokens(options.writeTokenFile);
  const names = options.expect === undefined ? [] : readExpectedFile(options.expect);
  const sizes = checkedWaves(options);
  const { server, refresh } = makeServer(options);
  const troubles = new Troubles(log);
  const store = new Store(options.data);
  const { fleet, expected, waves } = readFleet(
    store,
    keep,
    options.data,
    (...parts) => new Waves(...parts, store, sizes, log),
  );
  expected.readFile(names);
  const clock = new Clock(Date.now(), performance.now(), newestOf(fleet.hosts));
  // While the collector takes no requests, no host counts as silent.
  const committer = new Committer(fleet, (error) => {
    if (error === null && !troubles.has('disk')) return;
    const text = error === null ? null : `Nothing that hosts send can be stored (it is tried again): ${error.message}`;
    troubles.set('disk', text, Date.now());
    fleet.rows.listen(error === null ? Date.now() : Number.POSITIVE_INFINITY);
  });
  const query = new Query(fleet, store, options.version, troubles, () => waves.rows());
  const receiver = new Receiver(fleet, committer);
  const stream = new Stream();
  const page = new Page();
  const retirement = new Retirement(fleet, expected, troubles, store.begun());
  const acknowledger = new Acknowledger(new BehindHosts(() => fleet.hosts), new InboundTries());
  const door = new SealedDoor(tokens === null ? [] : [tokens, ...(writers === null ? [] : [writers])]);
  const route = makeRouter({
    fleet,
    store,
    query,
    receiver,
    door,
    acknowledger,
    waves,
    stream,
    page,
    troubles,
    retirement,
    writers,
  });
  fleet.rows.settle(Date.now());
  // A kill may have come between a heartbeat and the look at its result, and the next heartbeat may change nothing.
  waves.take(fleet.rows.all(), Date.now());

  server.on('request', (request, response) => {
    if (tooMany(request, response)) return;
    const url = requestAddress(request);
    if (url === null) answer(response, 400, { error: 'not an address' });
    else if (tokens === null && clientCa === undefined && !namesLoopback(request)) {
      answer(response, 421, { error: 'asked by a name that is not of this machine' });
    } else if (tokens !== null && !isPublic(url, page) && !tokens.admit(request) && !writers?.admit(request)) {
      response.setHeader('www-authenticate', 'Bearer');
      answer(response, 401, { error: 'a token is needed' });
    } else return route(url, request, response);
    dropRest(request, response);
  });

  let stopped = false;
  const look = () => {
    const now = Date.now();
    const set = clock.look(now, performance.now());
    if (set !== 0) {
      fleet.upkeep.shift(set);
      waves.shift(set);
    }
    const settled = fleet.rows.settle(now);
    waves.take(settled.changed, now);
    query.changed(settled);
    stream.note(settled);
    fleet.upkeep.closeOld(now, LOOK / TIDY);
    // A complete chunk is read from the database only.
    if (fleet.waiting) committer.flush();
  };
  const refreshTokens = () => {
    tokens?.refresh();
    writers?.refresh();
  };
  const tick = () => {
    const now = Date.now();
    troubles.attempt('token-file', ON_DISK, refreshTokens, now);
    troubles.attempt('certificate', ON_DISK, refresh, now);
    troubles.set('clock', clock.hear(votesOf(fleet.hosts, now)), now);
    troubles.set('left-out', store.leftOut.sentence(), now);
    troubles.set('database', store.damageSentence(), now);
    waves.look(now, committer.failing);
    stream.send(() => query.summary());
    committer.flush();
  };
  let retaining = Promise.resolve();
  const tidy = () => {
    store.lookAgain();
    if (committer.failing) return; // the disk fails, so nothing can be deleted, and that trouble is already shown
    const tidied = () => {
      fleet.upkeep.tidy(Date.now(), clock.believed);
      expected.flush((id) => fleet.find(id) !== undefined);
      waves.tidy(Date.now());
    };
    troubles.attempt('tidying', 'Tidying', tidied, Date.now());
    retaining = retaining
      .then(() => retain(store, { keep, maxSize }, clock.believed, () => stopped))
      .then(() => troubles.set('retention', null, Date.now()))
      .catch((error: Error) => troubles.set('retention', `Deleting what is old: ${error.message}`, Date.now()));
  };
  const timers = [setInterval(look, LOOK), setInterval(tick, TICK), setInterval(tidy, TIDY)];
  const close = async () => {
    if (stopped) return;
    stopped = true;
    for (const timer of timers) clearInterval(timer);
    stream.close();
    await serverEnded(server);
    await retaining;
    waves.take(fleet.rows.settle(Date.now()).changed, Date.now());
    waves.look(Date.now(), true);
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
  const readExpected = () => {
    const read = () => expected.readFile(options.expect === undefined ? [] : readExpectedFile(options.expect));
    troubles.attempt('expected', ON_DISK, read, Date.now());
  };
  return { url: `${scheme}://${hostInUrl(host)}:${bound.port}`, readExpected, close };
}

/**
 * Loads everything from the store. Throws with a remedy if the database is damaged, and leaves the database as it is.
 */
function readFleet(
  store: Store,
  keep: number,
  data: string,
  makeWaves: (fleet: Fleet, expected: ExpectedHosts) => Waves,
): { fleet: Fleet; expected: ExpectedHosts; waves: Waves } {
  try {
    const { ledgers } = store;
    const expected = new ExpectedHosts(ledgers.expected(), (all) => ledgers.saveExpected(all));
    const fleet = new Fleet(store, keep, Date.now(), ({ key, resource, seen, sender }) =>
      expected.lose(key, String(resource['host.name'] ?? '') || key, seen, sender),
    );
    return { fleet, expected, waves: makeWaves(fleet, expected) };
  } catch (error) {
    store.close();
    if (error instanceof DatabaseError) throw error;
    throw new Error(damaged(join(data, 'collector.db'), (error as Error).message));
  }
}
