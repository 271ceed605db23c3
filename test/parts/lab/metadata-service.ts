/**
 * A fake of EC2's instance metadata service, made after its documented protocol (version 2: a token by PUT, plain text), that
 * can fail in every way. It is no service of EC2's; what only the real one does it does not do. Of node:http, so that it
 * answers over a real network, in a test's own process or, started as a program, on a throw-away host: a line of JSON on
 * its standard input sets what it does from then on, and is answered by how many requests there were.
 *   node metadata-service.ts ADDRESS PORT
 */
import { once } from 'node:events';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { createInterface } from 'node:readline';

/** By hardware address, the first one being the instance's first interface. */
export type Interfaces = Readonly<Record<string, Readonly<Record<string, string>>>>;

export interface Behaviour {
  readonly interfaces: Interfaces;
  readonly failure: Failure | null;
  /** The failure meets paths that hold this. */
  readonly at: string;
}

export type Failure = keyof typeof FAILURES;

export class MetadataService {
  behaviour: Behaviour = { interfaces: {}, failure: null, at: '/meta-data/' };
  /** `GET /latest/meta-data/mac`. */
  readonly requests: string[] = [];
  readonly #server: Server;
  #tokens = 0;

  private constructor() {
    this.#server = createServer((request, response) => this.#answer(request, response));
  }

  static async start(address = '127.0.0.1', port = 0): Promise<MetadataService> {
    const service = new MetadataService();
    service.#server.listen(port, address);
    await once(service.#server, 'listening');
    return service;
  }

  get port(): number {
    return (this.#server.address() as AddressInfo).port;
  }

  /** Also ends every answer that is still to come. */
  close(): void {
    this.#server.close();
    this.#server.closeAllConnections();
  }

  #answer(request: IncomingMessage, response: ServerResponse): void {
    const { method, url = '' } = request;
    const { interfaces, failure, at } = this.behaviour;
    this.requests.push(`${method} ${url}`);
    const text = this.#text(request, interfaces);
    if (failure !== null && url.includes(at)) FAILURES[failure](response, text ?? '', this.requests.length);
    else if (text === null) response.writeHead(404, { 'content-type': 'text/html' }).end(NOT_FOUND);
    else if (text === UNAUTHORIZED) response.writeHead(401).end();
    else response.writeHead(200, { 'content-type': 'text/plain', server: 'fake of EC2ws' }).end(text);
  }

  /** null: there is no such thing. */
  #text({ method, url = '', headers }: IncomingMessage, interfaces: Interfaces): string | null {
    if (url === '/latest/api/token') {
      if (method !== 'PUT' || headers['x-aws-ec2-metadata-token-ttl-seconds'] === undefined) return null;
      this.#tokens += 1;
      return this.#token();
    }
    if (method !== 'GET' || headers['x-aws-ec2-metadata-token'] !== this.#token()) return UNAUTHORIZED;
    const path = url.replace('/latest/meta-data/', '');
    if (path === 'mac') return Object.keys(interfaces)[0] ?? null;
    const [mac = '', item = ''] = path.replace('network/interfaces/macs/', '').split('/');
    if (mac === '')
      return Object.keys(interfaces)
        .map((one) => `${one}/`)
        .join('\n');
    const own = interfaces[mac];
    if (own === undefined) return null;
    return item === '' ? ['device-number', 'mac', ...Object.keys(own)].join('\n') : (own[item] ?? null);
  }

  #token(): string {
    return `TOKEN-${this.#tokens}-SECRET==`;
  }
}

const UNAUTHORIZED = '401';
const NOT_FOUND = '<?xml version="1.0"?>\n<html><head><title>404 - Not Found</title></head></html>\n';

/** What it may do instead of answering; `n`: how many requests there were. */
const FAILURES = {
  silent: () => {},
  'status-500': (response) => response.writeHead(500).end(),
  'status-503': (response) => response.writeHead(503).end(),
  'status-404': (response) => response.writeHead(404).end(),
  unauthorized: (response) => response.writeHead(401).end(),
  forbidden: (response) => response.writeHead(403).end(),
  redirect: (response) => response.writeHead(302, { location: 'http://10.9.9.9/' }).end(),
  empty: (response) => response.writeHead(200).end(),
  truncated: (response) => {
    response.writeHead(200, { 'content-length': '4096' }).write('10.0.0.0/1');
    setTimeout(() => response.destroy(), 20);
  },
  garbage: (response) => response.writeHead(200).end(Buffer.from([0x1b, 0x5b, 0x32, 0x4a, 0, 0xff, 0xfe, 0x0a])),
  'web-page': (response) => response.writeHead(200, { 'content-type': 'text/html' }).end('<html>Log in here</html>'),
  'no-http': (response) => response.socket?.end('SSH-2.0-OpenSSH_9.2\r\n'),
  'huge-headers': (response) => response.writeHead(200, { 'x-long': 'x'.repeat(12 * 1024) }).end('10.0.0.0/16'),
  compressed: (response) => response.writeHead(200, { 'content-encoding': 'gzip' }).end('10.0.0.0/16'),
  huge: (response) => {
    response.writeHead(200);
    const more = () => {
      while (response.write('10.0.0.0/16\n'.repeat(1000)));
    };
    response.on('drain', more);
    more();
  },
  slow: (response, text) => {
    response.writeHead(200);
    let sent = 0;
    const timer = setInterval(() => response.write(text[sent++ % text.length] ?? 'x'), 100);
    response.on('close', () => clearInterval(timer));
  },
  everything: (response) => response.writeHead(200).end('0.0.0.0/0'),
  'half-of-everything': (response) => response.writeHead(200).end('10.0.0.0/16\n128.0.0.0/1'),
  multicast: (response) => response.writeHead(200).end('224.0.0.0/8'),
  'link-local': (response) => response.writeHead(200).end('169.254.0.0/16'),
  'host-bits': (response) => response.writeHead(200).end('10.0.1.1/16'),
  words: (response) => response.writeHead(200).end('10.0.0.0/16; rm -rf /'),
  'too-many': (response) =>
    response.writeHead(200).end(Array.from({ length: 200 }, (_, i) => `10.${i}.0.0/16`).join('\n')),
  'other-family': (response) => response.writeHead(200).end('2001:db8::/56'),
  flipping: (response, _, n) => response.writeHead(200).end(`10.${n % 256}.0.0/16`),
} satisfies Record<string, (response: ServerResponse, text: string, n: number) => unknown>;

if (import.meta.main) {
  const service = await MetadataService.start(process.argv[2], Number(process.argv[3]));
  console.log('ready');
  for await (const line of createInterface({ input: process.stdin })) {
    service.behaviour = { ...service.behaviour, ...JSON.parse(line) };
    console.log(`after ${service.requests.length} requests`);
  }
  service.close();
}
