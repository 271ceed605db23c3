/**
 * `npm run bench:full-table`: a full table (1,000,000 IPv4 and 200,000 IPv6 routes) that BIRD learns by BGP and puts into the
 * kernel while `agent run` looks on, on a throw-away host. Whether the agent counts what the kernel has, whether anybody lost a
 * message unseen, and what it costs. Needs root; HOLDFAST_AGENT may name an executable. Prints a Markdown table.
 */
import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { setTimeout as sleep } from 'node:timers/promises';
import { RunningAgent } from '../parts/lab/daemon.ts';
import { BGP_PARTS, hostWithGateways } from '../parts/lab/gateways.ts';
import { unavailable } from '../parts/lab/host.ts';
import { Log } from '../parts/lab/log.ts';
import { cpuSeconds } from './cpu-time.ts';

const ROUTES = { ipv4: 1_000_000, ipv6: 200_000 };
/** Seconds before and after the load in which nothing happens. */
const QUIET = 30;
/** Seconds for BIRD to load all, and for the agent to have counted it. */
const PATIENCE = 900;

const CONFIG = `report: { endpoint: "http://127.0.0.1:4318", interval: 5s, format: json }
probes: { off: [nameservers, leases] }
`;

/** Prints `FAMILY COUNT`, and `process DROPS`, of each heartbeat. */
const RECEIVER = `
const { createServer } = require('node:http');
const { gunzipSync } = require('node:zlib');
createServer(async (request, response) => {
  const chunks = [];
  for await (const chunk of request) chunks.push(chunk);
  const raw = Buffer.concat(chunks);
  const body = JSON.parse(request.headers['content-encoding'] === 'gzip' ? gunzipSync(raw) : raw);
  for (const { scopeMetrics } of body.resourceMetrics ?? []) for (const { metrics } of scopeMetrics)
    for (const { name, gauge, sum } of metrics) for (const { asInt, asDouble, attributes } of (gauge ?? sum).dataPoints) {
      const about = Object.fromEntries(attributes.map(({ key, value }) => [key, Object.values(value)[0]]));
      const value = Number(asInt ?? asDouble);
      if (name === 'system.network.route.count') console.log('count', about['network.type'], value);
      if (name === 'system.network.route.table.count') console.log('table', about['network.type'], about.protocol, value);
      if (name === 'system.network.netlink.drops') console.log('drops', about.process, value);
    }
  response.setHeader('content-type', 'application/json').end('{}');
}).listen(4318, '127.0.0.1', () => console.log('listening'));
`;

const missing = unavailable(BGP_PARTS);
if (missing) {
  console.log(`The benchmark ${missing}.`);
  process.exit(1);
}
delete process.env.NODE_EXTRA_CA_CERTS; // it makes every Node start 2.5 times slower

await using scene = await hostWithGateways('bird', ['bird']);
const { host } = scene;
await host.write('/etc/holdfast/agent.yaml', CONFIG);
const received = new Log(host.spawn([process.execPath, '-e', RECEIVER]).stdout!);
await received.until(/^listening$/);
const agent = await RunningAgent.start(host);
const pid = (await host.read('/run/lab/agent.pid')).trim();
await sleep(10_000);
const quiet = await spent(QUIET);

const before = await usage();
const began = performance.now();
await announce();
const loaded = await until('the kernel has them all', async () => {
  const { ipv4, ipv6 } = await counters();
  return ipv4 >= ROUTES.ipv4 && ipv6 >= ROUTES.ipv6;
});
const wanted = await listed();
console.error(JSON.stringify(wanted));
const counted = await until(
  'a heartbeat has the totals',
  async () => lastOf('count ipv4') === wanted.ipv4 && lastOf('count ipv6') === wanted.ipv6,
);
// Listed route by route at an interval of its own, which its cost sets.
const byProtocol = await until(
  'a heartbeat has them by protocol',
  async () => lastOf('table ipv4 bird') >= ROUTES.ipv4 && lastOf('table ipv6 bird') >= ROUTES.ipv6,
);
const during = { cpu: (await usage()).cpu - before.cpu, seconds: (performance.now() - began) / 1000 };
const after = await spent(QUIET);

const lost = await drops();
const told = new Map<string, number>();
for (const line of received.lines) {
  const [, name, count] = /^drops (\S+) (\d+)$/.exec(line) ?? [];
  if (name !== undefined) told.set(name, Number(count));
}
assert.equal(
  [...told.values()].reduce((sum, one) => sum + one, 0),
  lost,
  'a message was lost that no heartbeat tells of',
);
const { peak, resident } = await usage();
const { stdout } = await host.agent('probe', 'routes-by-protocol', '--json');
const samples: { value: number; attributes: Record<string, string> }[] = JSON.parse(stdout).probes[0].samples;
for (const family of ['ipv4', 'ipv6'] as const) {
  const own = samples.filter(({ attributes }) => attributes['network.type'] === family);
  assert.equal(
    own.reduce((sum, { value }) => sum + value, 0),
    wanted[family],
    family,
  );
}
await agent.stop();

const percent = (cpu: number, seconds: number) => `${((100 * cpu) / seconds).toFixed(2)} % of one core`;
console.log(`
### \`agent run\` while BIRD loads ${ROUTES.ipv4.toLocaleString('en')} IPv4 and ${ROUTES.ipv6.toLocaleString('en')} IPv6 routes

| | |
| --- | --- |
| until the kernel has them all | ${loaded.toFixed(0)} s |
| then, until a heartbeat has both totals as \`ip route\` lists them (${wanted.ipv4} and ${wanted.ipv6}) | ${counted.toFixed(0)} s |
| then, until one has them by protocol | ${byProtocol.toFixed(0)} s |
| netlink messages that processes lost, by /proc/net/netlink and by the heartbeat | ${lost}${lost > 0 ? ` (${[...told].map(([name, n]) => `${name}: ${n}`).join(', ')})` : ''} |
| CPU of the agent before, in ${QUIET} s | ${percent(quiet, QUIET)} |
| during all that, in ${during.seconds.toFixed(0)} s | ${percent(during.cpu, during.seconds)} |
| afterwards, in ${QUIET} s | ${percent(after, QUIET)} |
| resident memory at its highest, and at the end | ${peak.toFixed(0)}, ${resident.toFixed(0)} MB |`);

/** The gateway learns of them, and announces them. */
async function announce(): Promise<void> {
  await host.sh(`awk 'BEGIN {
    print "protocol static { ipv4;"
    for (n = 0; n < ${ROUTES.ipv4}; n++) print "route " 20 + int(n / 65536) "." int(n / 256) % 256 "." n % 256 ".0/24 blackhole;"
    print "}"; print "protocol static { ipv6;"
    for (n = 0; n < ${ROUTES.ipv6}; n++) print "route " sprintf("2001:db8:%x:%x::/64", 4096 + n / 65536, n % 65536) " blackhole;"
    print "}" }' >/run/lab/gw0.routes.full; birdc -s /run/lab/gw0.ctl configure`);
}

/** Seconds until it is so. */
async function until(what: string, is: () => Promise<boolean>): Promise<number> {
  const since = performance.now();
  while (!(await is())) {
    const waited = (performance.now() - since) / 1000;
    assert.ok(waited < PATIENCE, `${what}: not in ${PATIENCE} s: ${received.lines.slice(-20).join('; ')}`);
    await sleep(1000);
  }
  const seconds = (performance.now() - since) / 1000;
  console.error(`${what}: after ${seconds.toFixed(0)} s`);
  return seconds;
}

/** The value of the last line that begins so; NaN: there was none. */
function lastOf(begin: string): number {
  return Number(
    received.lines
      .findLast((line) => line.startsWith(`${begin} `))
      ?.split(' ')
      .at(-1) ?? Number.NaN,
  );
}

async function counters(): Promise<{ ipv4: number; ipv6: number }> {
  const tries = await host.sh('cat /proc/net/fib_triestat');
  const main = /^(?:Id \d+|Main):[\s\S]*?Prefixes:\s+(\d+)/m.exec(
    tries.slice(Math.max(0, tries.indexOf('Main:'))),
  )?.[1];
  const stats = (await host.sh('cat /proc/net/rt6_stats')).split(' ');
  return { ipv4: Number(main), ipv6: Number.parseInt(stats[3]!, 16) };
}

async function listed(): Promise<{ ipv4: number; ipv6: number }> {
  const lines = async (family: 4 | 6) => Number(await host.sh(`ip -${family} -o route show table all | wc -l`));
  return { ipv4: await lines(4), ipv6: await lines(6) };
}

/** Messages that all sockets lost (proc_net(5): the ninth column). */
async function drops(): Promise<number> {
  return Number(await host.sh("awk 'NR > 1 { sum += $9 } END { print sum + 0 }' /proc/net/netlink"));
}

/** Seconds of CPU in this many seconds. */
async function spent(seconds: number): Promise<number> {
  const { cpu } = await usage();
  await sleep(seconds * 1000);
  return (await usage()).cpu - cpu;
}

/** CPU in seconds so far, memory in MB (10^6 bytes). */
async function usage(): Promise<{ cpu: number; peak: number; resident: number }> {
  const stat = await proc('stat');
  const status = await proc('status');
  const megabytes = (key: string) => (Number(new RegExp(`^${key}:\\s+(\\d+)`, 'm').exec(status)?.[1]) * 1024) / 1e6;
  return {
    cpu: cpuSeconds(stat),
    peak: megabytes('VmHWM'),
    resident: megabytes('VmRSS'),
  };
}

function proc(file: string): Promise<string> {
  return readFile(host.path(`/proc/${pid}/${file}`), 'utf8');
}
