/** A made-up fleet behind the collector's API (agent/collector/api.ts), whose hosts change when a test says so. */
import { readFileSync } from 'node:fs';
import { createServer, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import type {
  HostAnswer,
  HostEvent,
  HostRow,
  HostsAnswer,
  SeriesAnswer,
  StreamMessage,
  SummaryAnswer,
} from '../../agent/collector/api.ts';

const folder = join(import.meta.dirname, '../../agent/collector/page');
const types = { html: 'text/html; charset=utf-8', js: 'text/javascript', css: 'text/css', svg: 'image/svg+xml' };
/** The strictest policy. Anything more that the page needs shows as an error in the browser's console. */
const policy =
  "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

/** One host, as all parts of the API show it. */
export interface FleetHost {
  row: HostRow;
  settings: HostAnswer['settings'];
  /** Newest first. */
  events: HostEvent[];
  /** By network.type. */
  routes: Record<'ipv4' | 'ipv6', [time: number, value: number][]>;
  /** The count that the kernel compares with its IPv6 limit, if that is not the number of routes. */
  cached?: [time: number, value: number][];
}

export class Fleet {
  readonly hosts = new Map<string, FleetHost>();
  trouble: SummaryAnswer['trouble'] = [];
  /** null: nobody has to say who they are. */
  token: string | null = null;
  url = '';
  #streams = new Set<ServerResponse>();
  #server = createServer((request, response) =>
    this.#answer(request.url ?? '/', request.headers.authorization, response),
  );

  /** Serves on the loopback, at `port` if one is given. */
  async start(port = 0): Promise<void> {
    await new Promise<void>((resolve) => this.#server.listen(port, '127.0.0.1', resolve));
    this.url = `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}/`;
  }

  async stop(): Promise<void> {
    this.#server.closeAllConnections();
    this.#streams.clear();
    if (this.#server.listening) await new Promise((resolve) => this.#server.close(resolve));
  }

  /** Changes a host and tells every open page. */
  change(id: string, change: (host: FleetHost) => void): void {
    const host = this.hosts.get(id);
    if (!host) throw new Error(`no host ${id}`);
    change(host);
    this.tell([host]);
  }

  tell(hosts: readonly FleetHost[]): void {
    const message: StreamMessage = { hosts: hosts.map(({ row }) => row), summary: this.#summary() };
    for (const stream of this.#streams) stream.write(`data: ${JSON.stringify(message)}\n\n`);
  }

  #answer(address: string, authorization: string | undefined, response: ServerResponse): unknown {
    const { pathname, searchParams: query } = new URL(address, 'http://localhost');
    if (!pathname.startsWith('/api/')) return sendFile(pathname === '/' ? 'index.html' : pathname.slice(1), response);
    if (this.token !== null && authorization !== `Bearer ${this.token}`) return send(response, 401, { error: 'token' });
    const [, , , kind, id, part] = pathname.split('/').map(decodeURIComponent);
    if (kind === 'stream') return this.#follow(response);
    if (kind === 'summary') return send(response, 200, this.#summary());
    if (kind === 'hosts' && id === undefined) return send(response, 200, this.#list(query));
    const host = this.hosts.get(id ?? '');
    if (!host) return send(response, 404, { error: 'no such host' });
    if (part === 'events') return send(response, 200, this.#older(host, query));
    if (part === 'series') return send(response, 200, series(host, query));
    return send(response, 200, {
      host: host.row,
      settings: host.settings,
      events: host.events.slice(0, 50),
      inventory: {},
    } satisfies HostAnswer);
  }

  #follow(response: ServerResponse): unknown {
    response.writeHead(200, { 'content-type': 'text/event-stream', 'cache-control': 'no-store' });
    response.write(': connected\n\n');
    this.#streams.add(response);
    return response.on('close', () => this.#streams.delete(response));
  }

  #summary(): SummaryAnswer {
    const attention: Record<string, number> = {};
    const labels: Record<string, Set<string>> = {};
    for (const { row } of this.hosts.values()) {
      for (const { code } of row.attention) attention[code] = (attention[code] ?? 0) + 1;
      for (const [key, value] of Object.entries(row.labels)) {
        labels[key] ??= new Set();
        labels[key].add(value);
      }
    }
    const sorted = Object.entries(labels).map(([key, values]) => [key, [...values].sort()]);
    const { trouble } = this;
    const changes = Map.groupBy(this.hosts.values(), ({ row }) => row.provisional);
    const provisional = [...changes].flatMap(([change, { length }]) =>
      change === null ? [] : [{ change, hosts: length }],
    );
    return {
      trouble,
      provisional,
      rollouts: [],
      unseen: [],
      hosts: this.hosts.size,
      attention,
      labels: Object.fromEntries(sorted),
      version: '0.1.0',
    };
  }

  #list(query: URLSearchParams): HostsAnswer {
    const [key, value] = (query.get('label') ?? '').split(':');
    const code = query.get('attention') ?? '';
    const search = query.get('search') ?? '';
    const change = query.get('change') ?? '';
    const found = [...this.hosts.values()]
      .map(({ row }) => row)
      .filter((row) => row.name.includes(search))
      .filter((row) => change === '' || row.provisional === change)
      .filter((row) => !key || row.labels[key] === value)
      .filter((row) => code === '' || row.attention.some((each) => code === '1' || each.code === code))
      .sort((a, b) => Number(b.attention.length > 0) - Number(a.attention.length > 0) || (a.name < b.name ? -1 : 1));
    const offset = Number(query.get('offset'));
    return { total: found.length, hosts: found.slice(offset, offset + Number(query.get('limit'))) };
  }

  #older(host: FleetHost, query: URLSearchParams): HostEvent[] {
    const [before, id] = [Number(query.get('before')), Number(query.get('beforeId'))];
    const older = host.events.filter((event) => event.time < before || (event.time === before && event.id < id));
    return older.slice(0, Number(query.get('limit')));
  }
}

function series(host: FleetHost, query: URLSearchParams): SeriesAnswer {
  const metric = query.get('metric') ?? '';
  const [from, to] = [Number(query.get('from')), Number(query.get('to'))];
  const points = {
    'system.network.route.count': host.routes,
    'system.network.route.cache': { ipv4: [], ipv6: host.cached ?? [] },
  }[metric] ?? { ipv4: [], ipv6: [] };
  const all = (['ipv4', 'ipv6'] as const).map((type) => ({
    attributes: { 'network.type': type },
    points: points[type].filter(([time]) => time >= from && time <= to),
  }));
  return { metric, unit: '{route}', series: all, leftOut: 0 };
}

function send(response: ServerResponse, status: number, body: unknown): unknown {
  response.writeHead(status, { 'content-type': 'application/json' });
  return response.end(JSON.stringify(body));
}

function sendFile(name: string, response: ServerResponse): unknown {
  const type = types[name.split('.').at(-1) as keyof typeof types];
  if (!type || name.includes('/')) return send(response, 404, { error: 'no such page' });
  response.writeHead(200, {
    'content-type': type,
    'content-security-policy': policy,
    'x-content-type-options': 'nosniff',
  });
  return response.end(readFileSync(join(folder, name)));
}
