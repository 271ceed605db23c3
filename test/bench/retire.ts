/**
 * `node --expose-gc test/bench/retire.ts [HOSTS]`: how long the collector thinks about the verdict on an address, in a fleet of 10,000
 * hosts that know, ask and hold three servers each. Prints a Markdown table. It judges nothing.
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { startCollector } from '../../agent/collector/start-collector.ts';
import type { Dependence, Tense } from '../../agent/depends/dependence.ts';
import { accepted } from '../parts/accepted.ts';

const HOSTS = Number(process.argv[2] ?? 10_000);
const BATCH = 200;
const SERVERS = ['10.0.0.53', '10.0.1.53', '10.0.2.53'];
/** A stray server that one host in a hundred still has. */
const STRAY = '10.34.56.78';
const ROUNDS = 20;

const text = (value: string) => ({ stringValue: value });
const pairs = (attributes: Record<string, string>) =>
  Object.entries(attributes).map(([key, value]) => ({ key, value: text(value) }));
const resource = (n: number) => {
  const id = n.toString(16).padStart(32, '0');
  const name = `host-${String(n).padStart(6, '0')}.example.com`;
  return { attributes: pairs({ 'host.id': id, 'host.name': name, 'holdfast.report.interval': '3600' }) };
};

function metricsOf(n: number) {
  const now = Date.now();
  const time = { startTimeUnixNano: `${now}000000`, timeUnixNano: `${now}000000` };
  const gauge = (name: string, value: number, attributes: Record<string, string> = {}) => ({
    name,
    gauge: { dataPoints: [{ ...time, asDouble: value, attributes: pairs(attributes) }] },
  });
  const asked = SERVERS.flatMap((server) =>
    ['nscd.service', 'session.slice', 'cron.service'].map((unit) =>
      gauge('holdfast.nameserver.last_asked', now / 1000 - (n % 60), { server, unit, user: 'root' }),
    ),
  );
  const since = gauge('holdfast.nameserver.ledger_since', now / 1000 - 30 * 86_400);
  const metrics = [gauge('holdfast.heartbeat.sequence', 1), since, ...asked];
  return { resource: resource(n), scopeMetrics: [{ metrics }] };
}

function logsOf(n: number) {
  const on = (address: string, tense: Tense): Dependence => ({
    address: accepted(address),
    tense,
    source: 'resolv.conf',
    who: tense === 'holder' ? `collectd.service (collectd[${500 + (n % 4000)}])` : 'libc',
    where: '/etc/resolv.conf:2',
    reason: 'Every look-up of libc asks this server.',
    cure: 'Take it out of dns.nameservers, and run agent apply.',
  });
  const found = SERVERS.flatMap((server) => [
    on(server, 'now'),
    on(server, 'lease'),
    on(server, 'boot'),
    on(server, 'holder'),
  ]);
  if (n % 100 === 0) found.push(on(STRAY, 'lease'));
  const body = JSON.stringify({ found, unseen: [], longestLease: 43_200, cut: 0 });
  const logRecords = [{ timeUnixNano: `${Date.now()}000000`, eventName: 'holdfast.dependences', body: text(body) }];
  return { resource: resource(n), scopeLogs: [{ logRecords }] };
}

async function post(path: string, content: object): Promise<void> {
  const headers = { 'content-type': 'application/json' };
  const { status } = await fetch(`${url}${path}`, { method: 'POST', headers, body: JSON.stringify(content) });
  if (status !== 200) throw new Error(`${path}: ${status}`);
}

const data = mkdtempSync(join(tmpdir(), 'holdfast-bench-'));
const { url, close } = await startCollector({ listen: '127.0.0.1:0', data, version: '0' });
try {
  globalThis.gc?.();
  const before = process.memoryUsage().heapUsed;
  for (let first = 0; first < HOSTS; first += BATCH) {
    const numbers = Array.from({ length: Math.min(BATCH, HOSTS - first) }, (_, index) => first + index);
    await post('/v1/metrics', { resourceMetrics: numbers.map(metricsOf) });
    await post('/v1/logs', { resourceLogs: numbers.map(logsOf) });
  }
  globalThis.gc?.();
  const grown = (process.memoryUsage().heapUsed - before) / HOSTS / 1024;
  console.log(`${HOSTS} hosts, ${grown.toFixed(1)} KiB of heap a host\n`);
  console.log('| request | answer | processor ms | p50 ms | worst ms |\n| --- | --- | --- | --- | --- |');
  await measure('everybody depends, first 100', `retire?address=${SERVERS[0]}&limit=100`);
  await measure('everybody depends, first 10,000', `retire?address=${SERVERS[0]}&limit=10000`);
  await measure('one in a hundred depends', `retire?address=${STRAY}&limit=100`);
  await measure('nobody depends', 'retire?address=192.0.2.1&limit=100');
  await measure('everybody depends, CSV', `retire?address=${SERVERS[0]}&format=csv`);
  await measure('all name servers', 'nameservers');
} finally {
  await close();
  rmSync(data, { recursive: true, force: true });
}

/** Each request comes when the last answer is too old to be repeated. The processor time is of both sides. */
async function measure(name: string, path: string): Promise<void> {
  const times: number[] = [];
  let bytes = 0;
  let processor = 0;
  for (let round = 0; round < ROUNDS; round += 1) {
    await new Promise((resolve) => setTimeout(resolve, 1_100));
    const before = process.cpuUsage();
    const began = performance.now();
    const response = await fetch(`${url}/api/v1/${path}`);
    bytes = (await response.arrayBuffer()).byteLength;
    times.push(performance.now() - began);
    const { user, system } = process.cpuUsage(before);
    processor += (user + system) / 1_000 / ROUNDS;
  }
  times.sort((a, b) => a - b);
  const kib = Math.ceil(bytes / 1024).toLocaleString('en');
  console.log(
    `| ${name} | ${kib} KiB | ${processor.toFixed(0)} | ${times[ROUNDS / 2]!.toFixed(0)} | ${times.at(-1)!.toFixed(0)} |`,
  );
}
