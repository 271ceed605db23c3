/**
 * `npm run bench:route-agreement`: BIRD loads a full table (1,000,000 IPv4 and 200,000 IPv6 routes) on a throw-away host while
 * `agent run` compares BIRD with the kernel. It measures whether the agent takes the load for a disagreement, how soon it finds
 * a real one, and what the probe costs. Needs root; HOLDFAST_AGENT may name an executable. `ROUTES=3000,500 SECONDS=30` tries the
 * script with less. Prints a Markdown table.
 */
import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { setTimeout as sleep } from 'node:timers/promises';
import { Router } from '../parts/lab/agreement.ts';
import { RunningAgent } from '../parts/lab/daemon.ts';
import { BGP_PARTS } from '../parts/lab/gateways.ts';
import { unavailable } from '../parts/lab/host.ts';
import { cpuSeconds } from './cpu-time.ts';

const [ipv4 = 0, ipv6 = 0] = (process.env.ROUTES ?? '1000000,200000').split(',').map(Number);
/** Seconds of each measurement: several looks. */
const SECONDS = Number(process.env.SECONDS ?? 600);
/** Seconds for BIRD to load all. */
const PATIENCE = 1800;
/** Seconds for a disagreement to be found: the most that a look waits, twice, and the minute that it must last. */
const FOUND = 600;
const OTHERS =
  'routes, routes-by-protocol, default-routes, egress, canary, memory-errors, route-failures, leases, nameservers';
const configured = (more: string) => `report: { interval: 5s }\nprobes: { off: [${OTHERS}${more}] }\n`;

const missing = unavailable(BGP_PARTS);
if (missing) {
  console.log(`The benchmark ${missing}.`);
  process.exit(1);
}
delete process.env.NODE_EXTRA_CA_CERTS; // it makes every Node start 2.5 times slower

await using router = await Router.start('bird');
const { host } = router;
await host.write('/etc/holdfast/agent.yaml', configured(''));
let agent = await RunningAgent.start(host);
const began = performance.now();
await router.tell({ ipv4, ipv6 });
for (;;) {
  const now = await router.inKernel();
  if (now.ipv4 === ipv4 + 1 && now.ipv6 === ipv6 + 1) break;
  assert.ok((performance.now() - began) / 1000 < PATIENCE, `the kernel has ${JSON.stringify(now)}`);
  await sleep(2000);
}
const loaded = (performance.now() - began) / 1000;
const on = await spent();
const invented = agent.count('holdfast.condition.raised');

await router.remove({ ipv4: 132, ipv6: 40 });
const removed = performance.now();
while (agent.count('holdfast.condition.raised') === invented) {
  assert.ok((performance.now() - removed) / 1000 < FOUND, 'the disagreement is not found');
  await sleep(500);
}
const found = (performance.now() - removed) / 1000;
await agent.stop();

await host.write('/etc/holdfast/agent.yaml', configured(', route-agreement'));
agent = await RunningAgent.start(host);
const off = await spent();
await agent.stop();

const percent = (cpu: number) => `${((100 * cpu) / SECONDS).toFixed(2)} % of one core`;
console.log(`
### \`route-agreement\` beside BIRD with ${ipv4.toLocaleString('en')} IPv4 and ${ipv6.toLocaleString('en')} IPv6 routes

| | |
| --- | --- |
| until the kernel has them all | ${loaded.toFixed(0)} s |
| conditions during the load, and in ${SECONDS} s after it | ${invented} |
| CPU of the agent with the probe, in ${SECONDS} s | ${percent(on)} |
| CPU of the agent without it | ${percent(off)} |
| until 132 and 40 routes that another program removed were a condition | ${found.toFixed(0)} s |`);

/** Seconds of CPU of the agent in one measurement. */
async function spent(): Promise<number> {
  const before = await cpu();
  await sleep(SECONDS * 1000);
  return (await cpu()) - before;
}

async function cpu(): Promise<number> {
  const pid = (await host.read('/run/lab/agent.pid')).trim();
  return cpuSeconds(await readFile(host.path(`/proc/${pid}/stat`), 'utf8'));
}
