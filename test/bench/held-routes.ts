/** How soon `agent run` puts many configured routes back, at what cost, and what `agent apply` takes to make them. */
import { RunningAgent } from '../parts/lab/daemon.ts';
import { LabHost } from '../parts/lab/host.ts';
import { cpuSeconds } from './cpu-time.ts';

const SIZES = [10, 100, 1_000] as const;
const HEALS = 5;

/**
 * Takes all of our routes away, and prints the milliseconds until so many are there again. It looks every 10 ms: without a
 * rest it takes one of two cores from the daemon.
 */
const FLUSH = `wanted=$1
ip route flush proto 72
began=$(date +%s%N)
while [ "$(ip route show proto 72 | wc -l)" != "$wanted" ]; do
    sleep 0.01
    [ $(($(date +%s%N) - began)) -lt 60000000000 ] || exit 1
done
echo $((($(date +%s%N) - began) / 1000000))
`;

/** Routes of the configuration, as YAML. */
export function manyRoutes(count: number): string {
  const entry = (i: number) => `  - { to: 10.${100 + (i >> 8)}.${i & 255}.0/24, via: 10.88.0.1 }\n`;
  return `routes:\n${Array.from({ length: count }, (_, i) => entry(i)).join('')}`;
}

/** Prints a Markdown table. HOLDFAST_AGENT names the executable. */
export async function benchHeldRoutes(): Promise<void> {
  console.log(`\n### \`ip route flush proto 72\` until all configured routes are there again, ${HEALS} times\n`);
  console.log("| routes | `agent apply`, ms | healed, median ms | longest | the daemon's processor time a heal, ms |");
  console.log('| --- | --- | --- | --- | --- |');
  for (const count of SIZES) {
    await using host = await LabHost.create();
    await host.sh('ip link set srv0 up', { where: 'server' });
    await host.sh('ip link set eth0 up; ip addr add 10.88.0.2/24 dev eth0');
    await host.write('/etc/holdfast/agent.yaml', manyRoutes(count));
    await host.write('/run/lab/flush.sh', FLUSH);
    const began = performance.now();
    await host.sh('agent apply');
    const applied = performance.now() - began;
    const agent = await RunningAgent.start(host);
    const times: number[] = [];
    const before = await processorTime(host);
    for (let n = 0; n < HEALS; n += 1) {
      times.push(Number(await host.sh(`sh /run/lab/flush.sh ${count}`)));
      for (let told = 0; told < count; ) told += Number((await agent.event('holdfast.heal')).count ?? 1);
    }
    const spent = ((await processorTime(host)) - before) / HEALS;
    times.sort((a, b) => a - b);
    console.log(`| ${count} | ${applied.toFixed(0)} | ${times[HEALS >> 1]} | ${times.at(-1)} | ${spent.toFixed(0)} |`);
    await agent.stop();
  }
}

/** Milliseconds of the daemon until now, exact to 10 ms. */
async function processorTime(host: LabHost): Promise<number> {
  return 1000 * cpuSeconds(await host.sh('cat /proc/$(cat /run/lab/agent.pid)/stat'));
}

if (import.meta.main) await benchHeldRoutes();
