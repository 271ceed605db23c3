/**
 * Sends heartbeats of many hosts to a collector, as fast as it answers or at a given rate, and prints as JSON what it
 * saw. A process of its own, so that it does not share a core's time with what it measures. Its job comes on stdin.
 */
import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { monitorEventLoopDelay } from 'node:perf_hooks';
import { json } from 'node:stream/consumers';
import { gzipSync } from 'node:zlib';
import { metrics } from '../../agent/report/otlp-encoding.ts';
import { sample } from '../../probes/probe.ts';

export interface LoadJob {
  readonly port: number;
  readonly hosts: number;
  readonly beats: number;
  readonly connections: number;
  /** Heartbeats in a second; null: as fast as it answers. */
  readonly rate: number | null;
  /** Time of the first heartbeat (ms since the epoch), and the milliseconds between heartbeats of a host. */
  readonly start: number;
  readonly interval: number;
}

export interface LoadResult {
  readonly acknowledged: number;
  readonly failed: number;
  readonly seconds: number;
  /** Milliseconds from when it was due to its answer: of the first heartbeats, by which hosts become known, and of all others. */
  readonly first: Latency;
  readonly later: Latency;
  /** Milliseconds by which this process itself was late. A shorter delay says nothing about the collector. */
  readonly lag: number;
  /** Size of one heartbeat, before and after gzip. */
  readonly bytes: number;
  readonly packed: number;
}

interface Latency {
  readonly p50: number;
  readonly p99: number;
}

/** Stand in the encoded heartbeat for what differs from beat to beat. */
const TIME = 1_600_000_000_123;
const MARKS = [987_654_321, 123_456_789, 0.123_456_789, 0.000_987_654] as const;

if (import.meta.main) console.log(JSON.stringify(await load((await json(process.stdin)) as LoadJob)));

async function load({ port, hosts, beats, connections, rate, start, interval }: LoadJob): Promise<LoadResult> {
  const templates = Array.from({ length: hosts }, (_, host) => template(host));
  const [first, later]: number[][] = [[], []];
  let [failed, packed] = [0, 0];
  const sockets = await Promise.all(Array.from({ length: connections }, () => connected(port)));
  const delay = monitorEventLoopDelay({ resolution: 5 });
  delay.enable();
  const began = performance.now();
  // A host's heartbeats come in order, so each has its connection.
  const run = async (socket: Socket, offset: number) => {
    for (let number = 0; number < beats; number += 1) {
      for (let host = offset; host < hosts; host += connections) {
        const due = rate === null ? performance.now() : began + ((number * hosts + host) * 1000) / rate;
        const early = due - performance.now();
        if (early > 1) await new Promise((resolve) => setTimeout(resolve, early));
        const body = gzipSync(fill(templates[host]!, start + number * interval, number + 1), { level: 1 });
        packed = body.length;
        if (!(await post(socket, body))) failed += 1;
        (number === 0 ? first : later)!.push(performance.now() - due);
      }
    }
    socket.destroy();
  };
  await Promise.all(sockets.map(run));
  const seconds = (performance.now() - began) / 1000;
  return {
    acknowledged: hosts * beats - failed,
    failed,
    seconds,
    first: latency(first!),
    later: latency(later!),
    lag: delay.percentile(99) / 1e6,
    bytes: templates[0]!.bytes.length,
    packed,
  };
}

async function connected(port: number): Promise<Socket> {
  const socket = connect(port, '127.0.0.1');
  await once(socket, 'connect');
  return socket;
}

function latency(all: number[]): Latency {
  all.sort((a, b) => a - b);
  const share = (part: number) => all[Math.floor(all.length * part)] ?? Number.NaN;
  return { p50: share(0.5), p99: share(0.99) };
}

/** One request on a connection that is kept; true: it was taken. */
function post(socket: Socket, body: Buffer): Promise<boolean> {
  socket.cork();
  socket.write(
    `POST /v1/metrics HTTP/1.1\r\nhost: 127.0.0.1\r\ncontent-type: application/x-protobuf\r\ncontent-encoding: gzip\r\ncontent-length: ${body.length}\r\n\r\n`,
  );
  socket.write(body);
  socket.uncork();
  return new Promise((resolve, reject) => {
    socket.once('error', reject);
    socket.once('data', (answer) => {
      socket.off('error', reject);
      resolve(answer.toString('latin1', 0, 12) === 'HTTP/1.1 200');
    });
  });
}

interface Template {
  readonly bytes: Buffer;
  readonly times: readonly number[];
  readonly marks: readonly (readonly number[])[];
}

/** A heartbeat of a router: what the probes of Holdfast see there. */
function template(host: number): Template {
  const families = ['ipv4', 'ipv6'];
  const of = (type: string) => ({ 'network.type': type });
  const samples = [
    sample('holdfast.heartbeat.sequence', MARKS[0]),
    sample('system.network.route.count', MARKS[1], of('ipv4')),
    sample('system.network.route.count', 200_000, of('ipv6')),
    sample('system.network.route.limit', 4_194_304, of('ipv6')),
    sample('holdfast.nameserver.duration', MARKS[2], { address: '10.0.0.53' }),
    sample('holdfast.probe.duration', MARKS[3], { probe: 'routes' }),
    ...families.flatMap((type) => [
      sample('system.network.route.default.nexthops', 2, of(type)),
      sample('holdfast.canary.success', 1, of(type)),
      ...['kernel', 'static', 'bgp'].map((protocol) =>
        sample('system.network.route.count', 1_000, { ...of(type), table: 'main', protocol }),
      ),
    ]),
    ...['dns.nameservers', 'dns.search', 'dns.sortlist'].flatMap((setting) =>
      ['now', 'lease', 'boot'].map((moment) => sample('holdfast.setting.state', 1, { setting, moment, state: 'ok' })),
    ),
    ...['routes', 'memory-errors', 'leases', 'nameservers', 'resources'].map((probe) =>
      sample('holdfast.probe.success', 1, { probe }),
    ),
    sample('holdfast.dhclient.stale', 0, { interface: 'eth0' }),
    sample('holdfast.spool.size', 0),
  ];
  const resource = {
    'service.name': 'holdfast',
    'service.version': '0.1.0',
    'host.name': `router-${host}.example.com`,
    'host.id': host.toString(16).padStart(32, '0'),
    'holdfast.kernel.release': '6.1.0-18-amd64',
    'holdfast.config.hash': 'c0ffee',
    'holdfast.label.site': `site-${host % 50}`,
  };
  const bytes = Buffer.from(metrics.encode([{ time: TIME, start: TIME, sequence: 1, samples, resource }], 'protobuf'));
  return { bytes, times: places(bytes, nanoseconds(TIME)), marks: MARKS.map((mark) => placesOf(bytes, mark)) };
}

function fill({ bytes, times, marks }: Template, time: number, sequence: number): Buffer {
  const now = nanoseconds(time);
  for (const at of times) now.copy(bytes, at);
  const values = [sequence, 1_000_000 + (sequence % 7), 0.001 + Math.random() / 1000, 0.0001 + Math.random() / 10_000];
  for (const [index, value] of values.entries()) {
    for (const at of marks[index]!) {
      if (index === 0 || !Number.isInteger(MARKS[index]!)) bytes.writeDoubleLE(value, at);
      else bytes.writeBigInt64LE(BigInt(value), at);
    }
  }
  return bytes;
}

/** The offsets at which a number stands, as a double or as an integer. */
function placesOf(bytes: Buffer, mark: number): number[] {
  const double = Buffer.alloc(8);
  double.writeDoubleLE(mark);
  const found = bytes.includes(double) ? places(bytes, double) : [];
  if (found.length > 0) return found;
  const integer = Buffer.alloc(8);
  integer.writeBigInt64LE(BigInt(mark));
  return places(bytes, integer);
}

function places(bytes: Buffer, pattern: Buffer): number[] {
  const found: number[] = [];
  for (let at = bytes.indexOf(pattern); at >= 0; at = bytes.indexOf(pattern, at + 8)) found.push(at);
  if (found.length === 0) throw new Error('the heartbeat does not have what should be filled in');
  return found;
}

function nanoseconds(time: number): Buffer {
  const bytes = Buffer.alloc(8);
  bytes.writeBigInt64LE(BigInt(time) * 1_000_000n);
  return bytes;
}
