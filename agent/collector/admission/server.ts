/** The HTTP server, with its limits on waiting and on the answers of one connection. */
import { readFileSync } from 'node:fs';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { createServer as createSecureServer } from 'node:https';
import type { Socket } from 'node:net';
import { totalmem } from 'node:os';
import { checkCertificates, checkKey } from '../../config/proofs.ts';
import { stateOf } from './access.ts';
import { Connections } from './connections.ts';

export interface ServerOptions {
  /** PEM files. If `clientCa` is given, every client must have a certificate of that authority. */
  readonly certificate?: string | undefined;
  readonly key?: string | undefined;
  readonly clientCa?: string | undefined;
  /** Replaces PATIENCE in tests. */
  readonly patience?: Partial<typeof PATIENCE>;
  /** Replaces `mostConnections` in tests, which do not have so many. */
  readonly connections?: number;
}

/**
 * Milliseconds. All headers, and the whole request, must arrive within these times. Connections stay open over two
 * heartbeats. `timeout` ends a connection that accepts no part of its answer for so long. Node checks these only at an
 * interval.
 */
const PATIENCE = {
  headersTimeout: 10_000,
  requestTimeout: 30_000,
  keepAliveTimeout: 75_000,
  timeout: 120_000,
  connectionsCheckingInterval: 1_000,
};
/** Milliseconds that running requests have when the collector ends. */
const LAST_REQUESTS = 2_000;
/**
 * Connections that may wait to be accepted, because a fleet comes back at once. net.core.somaxconn also limits them.
 */
const BACKLOG = 4_096;
/**
 * The most answers that one connection may wait for. Without a limit, one packet of small requests could cause a
 * gigabyte of answers.
 */
const MOST_ANSWERS = 16;

/** More than the largest number of hosts: an agent keeps one connection. */
const MOST_CONNECTIONS = 220_000;
/** Bytes of memory that a connection with TLS may take. */
const BYTES_OF_CONNECTION = 80 * 1024;
/** Descriptors for the database, the listener, and files that are read. */
const OTHER_DESCRIPTORS = 64;

/** A server and `refresh`, which reads the certificate again. Call it regularly; it throws if the files do not fit. */
export interface Listener {
  readonly server: Server;
  readonly refresh: () => void;
}

export function makeServer({ certificate, key, clientCa, patience, connections }: ServerOptions): Listener {
  const { timeout, ...limits } = { ...PATIENCE, ...patience };
  const made = plainOrSecure({ certificate, key, clientCa }, limits);
  made.server.timeout = timeout;
  const shared = new Connections(connections ?? mostConnections());
  made.server.on('connection', (socket) => shared.take(socket));
  made.server.on('request', ({ socket }) => shared.used(socket));
  return made;
}

/** As many as memory and descriptors allow. */
function mostConnections(): number {
  const memory = Math.min(totalmem(), process.constrainedMemory() || Number.POSITIVE_INFINITY);
  return Math.max(
    1,
    Math.min(MOST_CONNECTIONS, Math.floor(memory / BYTES_OF_CONNECTION), descriptors() - OTHER_DESCRIPTORS),
  );
}

/** The descriptors of this process; infinite if the limit is unknown. */
function descriptors(): number {
  try {
    const soft = /^Max open files\s+(\d+)/m.exec(readFileSync('/proc/self/limits', 'latin1'))?.[1];
    return soft === undefined ? Number.POSITIVE_INFINITY : Number(soft);
  } catch {
    return Number.POSITIVE_INFINITY;
  }
}

type Limits = Omit<typeof PATIENCE, 'timeout'>;

function plainOrSecure({ certificate, key, clientCa }: ServerOptions, limits: Limits): Listener {
  if ((certificate === undefined) !== (key === undefined)) throw new Error('--certificate and --key go together');
  if (certificate === undefined || key === undefined) {
    if (clientCa !== undefined) throw new Error('--client-ca needs --certificate and --key');
    return { server: createServer(limits), refresh: () => {} };
  }
  const files = [certificate, key, ...(clientCa === undefined ? [] : [clientCa])];
  const context = () => {
    const cert = readChecked(certificate, checkCertificates);
    return {
      minVersion: 'TLSv1.2' as const,
      cert,
      key: readChecked(key, (bytes) => checkKey(bytes, cert)),
      ...(clientCa === undefined ? {} : { ca: readChecked(clientCa, checkCertificates) }),
    };
  };
  const states = () => files.map(stateOf).join();
  let read = states();
  const verify = clientCa === undefined ? {} : { requestCert: true, rejectUnauthorized: true };
  const server = createSecureServer({
    ...limits,
    handshakeTimeout: limits.headersTimeout,
    ...context(),
    ...verify,
  });
  const refresh = () => {
    const now = states();
    if (now === read) return;
    // Throws if the key does not belong to the certificate. Both are read again until they fit.
    server.setSecureContext(context());
    read = now;
  };
  return { server, refresh };
}

/** Throws with the name of a file that cannot be used. */
function readChecked(file: string, check: (bytes: Buffer) => void): Buffer {
  try {
    const bytes = readFileSync(file);
    check(bytes);
    return bytes;
  } catch (error) {
    throw new Error(`${file} cannot be used: ${(error as Error).message}`);
  }
}

export function listening(server: Server, host: string, port: number): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once('error', reject);
    server.listen({ port, host, backlog: BACKLOG }, () => {
      server.off('error', reject);
      resolve();
    });
  });
}

export function serverEnded(server: Server): Promise<void> {
  return new Promise((resolve) => {
    if (!server.listening) return resolve();
    const patience = setTimeout(() => server.closeAllConnections(), LAST_REQUESTS);
    server.close(() => {
      clearTimeout(patience);
      resolve();
    });
  });
}

const waiting = new WeakMap<Socket, number>();

/** Called for every request. Returns true if the connection waited for too many answers and was ended. */
export function tooMany({ socket }: IncomingMessage, response: ServerResponse): boolean {
  const answers = (waiting.get(socket) ?? 0) + 1;
  if (answers > MOST_ANSWERS) {
    socket.destroy();
    return true;
  }
  waiting.set(socket, answers);
  response.once('close', () => waiting.set(socket, waiting.get(socket)! - 1));
  return false;
}
