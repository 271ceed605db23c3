/**
 * `npm run soak [-- --minutes N]`: `agent run` in a throw-away host where everything happens at once, ten minutes unless said.
 * Six times a second resolv.conf, ip_forward and a route are taken away; a link flaps and a log grows every second; SIGHUP
 * comes every three seconds; and nobody is where the collector should be. Needs root; HOLDFAST_AGENT may name an executable.
 * Prints what the daemon needs over time, and how long after the end the host is right again. Fails if it is not within 30 s.
 */
import { readdir, readFile, stat } from 'node:fs/promises';
import { setTimeout as sleep } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import { RunningAgent } from '../parts/lab/daemon.ts';
import { type LabHost, unavailable } from '../parts/lab/host.ts';
import { staleHost } from '../parts/lab/scene.ts';
import { cpuSeconds } from './cpu-time.ts';

const ROWS = 20;
/** Milliseconds. */
const RELOAD_EVERY = 3000;
const RIGHT_WITHIN = 30_000;
/** Milliseconds after the storm without SIGHUP, which would put all right at once and hide the daemon's wait. */
const UNAIDED = 15_000;

const SPOOL = '/var/lib/holdfast/spool';
const LOG = '/var/log/routing.log';
const ROUTE = '10.99.0.0/16';

const CONFIG = `dns: { nameservers: [10.77.0.21, 10.77.0.22] }
sysctl: { net.ipv4.ip_forward: 1 }
routes: [{ to: ${ROUTE}, via: 10.77.0.1 }]
report: { endpoint: "http://127.0.0.1:4318", interval: 5s }
probes: { memory-errors: { logs: [{ path: ${LOG} }] } }
`;

/** In a shell each, so that none waits for another. Each ends when its file is removed. */
const STORM = {
  trample: `
    echo nameserver 192.0.2.1 >/etc/resolv.conf
    echo 0 >/proc/sys/net/ipv4/ip_forward
    ip route del ${ROUTE} 2>/dev/null
    sleep 0.16`,
  flap: `
    ip link set flap0 down
    ip link set flap0 up
    sleep 1`,
  log: `
    seq 200 | sed 's/^/bird: a line that says nothing /' >>${LOG}
    sleep 1`,
} as const;

const { values } = parseArgs({ options: { minutes: { type: 'string', default: '10' } } });
const duration = Number(values.minutes) * 60_000;
const problem = unavailable() || (duration > 0 ? false : 'needs --minutes with a number, such as 10 or 0.5');
if (problem) {
  console.log(`The soak ${problem}.`);
  process.exit(1);
}

await using scene = await staleHost({ renewEvery: 600 });
const { host } = scene;
await host.write('/etc/holdfast/agent.yaml', CONFIG);
await host.sh(`ip link add flap0 type veth peer name flap1; mkdir -p /var/log /run/lab/storm; : >${LOG}`);
const agent = await RunningAgent.start(host);
const pid = (await host.read('/run/lab/agent.pid')).trim();

console.log(`### \`agent run\` in a storm of ${values.minutes} minutes\n`);
console.log('| after | resident MB | of it anonymous MB | descriptors | CPU % of a core | spool MB | events |');
console.log('| --- | --- | --- | --- | --- | --- | --- |');
const storms = Object.entries(STORM).map(([name, script]) => {
  const guard = `/run/lab/storm/${name}`;
  return host.spawn(['sh', '-c', `: >${guard}; while [ -e ${guard} ]; do ${script}\ndone`]);
});
const began = performance.now();
let reloads = 0;
let before = await usage(host, pid);
let at = began;
for (let row = 1; row <= ROWS; row += 1) {
  const until = began + (row * duration) / ROWS;
  while (performance.now() < until) {
    await sleep(Math.min(RELOAD_EVERY, until - performance.now()));
    await agent.signal('HUP');
    reloads += 1;
  }
  const now = await usage(host, pid);
  const cpu = ((now.cpu - before.cpu) / (performance.now() - at)) * 100_000;
  const cells = [
    `${Math.round((performance.now() - began) / 1000)} s`,
    now.resident.toFixed(1),
    now.anonymous.toFixed(1),
    now.descriptors,
    cpu.toFixed(1),
    (await sizeOf(host.path(SPOOL))).toFixed(2),
    agent.log.lines.length,
  ];
  console.log(`| ${cells.join(' | ')} |`);
  [before, at] = [now, performance.now()];
}

await sleep(UNAIDED);
const ended = storms.map((storm) => new Promise((resolve) => storm.once('close', resolve)));
await host.sh('rm /run/lab/storm/*');
await Promise.all(ended);
const end = performance.now();
const right = new Map<string, number>();
while (right.size < 3 && performance.now() - end < 2 * RIGHT_WITHIN) {
  const found = await looks(host);
  for (const [name, ok] of Object.entries(found)) if (ok && !right.has(name)) right.set(name, performance.now() - end);
  await sleep(50);
}
console.log(`\n### After the last of it (${reloads} reloads)\n\n| | right after |\n| --- | --- |`);
for (const name of ['resolv.conf', 'ip_forward', 'route']) {
  const took = right.get(name);
  console.log(`| ${name} | ${took === undefined ? 'never' : `${(took / 1000).toFixed(1)} s`} |`);
}
const code = await agent.stop();
const good = right.size === 3 && Math.max(...right.values()) <= RIGHT_WITHIN && code === 0;
process.exitCode = good ? 0 : 1;

async function looks(on: LabHost): Promise<Record<string, boolean>> {
  const text = await on.sh(`cat /proc/sys/net/ipv4/ip_forward; ip route show ${ROUTE}; cat /etc/resolv.conf`);
  return {
    'resolv.conf': /^nameserver 10\.77\.0\.21$/m.test(text),
    ip_forward: text.startsWith('1'),
    route: text.includes('via 10.77.0.1'),
  };
}

/** CPU in seconds since its start, memory in MB, and open files (proc(5)). */
async function usage(on: LabHost, id: string) {
  const folder = on.path(`/proc/${id}`);
  const status = await readFile(`${folder}/status`, 'utf8');
  const megabytes = (name: string) => Number(new RegExp(`^${name}:\\s+(\\d+)`, 'm').exec(status)?.[1]) / 1024;
  return {
    cpu: cpuSeconds(await readFile(`${folder}/stat`, 'utf8')),
    resident: megabytes('VmRSS'),
    anonymous: megabytes('RssAnon'),
    descriptors: (await readdir(`${folder}/fd`)).length,
  };
}

/** The size of a folder's files, in MB. */
async function sizeOf(folder: string): Promise<number> {
  const names = await readdir(folder, { recursive: true }).catch(() => []);
  const sizes = await Promise.all(names.map((name) => stat(`${folder}/${name}`).catch(() => null)));
  return sizes.reduce((sum, one) => sum + (one?.isFile() ? one.size : 0), 0) / 1024 / 1024;
}
