/** How soon `agent run` puts many configured routes back, and what `agent apply` takes to make them. */
import { RunningAgent } from '../parts/lab/daemon.ts';
import { LabHost } from '../parts/lab/host.ts';

const SIZES = [10, 100, 1_000] as const;
const HEALS = 5;

/** Takes all of our routes away, and prints the milliseconds until so many are there again. */
const FLUSH = `wanted=$1
ip route flush proto 72
began=$(date +%s%N)
while [ "$(ip route show proto 72 | wc -l)" != "$wanted" ]; do
    [ $(($(date +%s%N) - began)) -lt 60000000000 ] || exit 1
done
echo $((($(date +%s%N) - began) / 1000000))
`;

/** Routes of the configuration, as YAML. */
export function manyRoutes(count: number): string {
  const entry = (i: number) => `  - { to: 10.${100 + (i >> 8)}.${i & 255}.0/24, via: 10.88.0.1 }\n`;
  return `routes:\n${Array.from({ length: count }, (_, i) => entry(i)).join('')}`;
}

/** Prints a Markdown table. The executable is that of HOLDFAST_AGENT. */
export async function benchHeldRoutes(): Promise<void> {
  console.log(`\n### \`ip route flush proto 72\` until all configured routes are there again, ${HEALS} times\n`);
  console.log('| routes | `agent apply`, ms | healed, median ms | longest |\n| --- | --- | --- | --- |');
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
    for (let n = 0; n < HEALS; n += 1) {
      times.push(Number(await host.sh(`sh /run/lab/flush.sh ${count}`)));
      for (let told = 0; told < count; ) told += Number((await agent.event('holdfast.heal')).count ?? 1);
    }
    times.sort((a, b) => a - b);
    console.log(`| ${count} | ${applied.toFixed(0)} | ${times[HEALS >> 1]} | ${times.at(-1)} |`);
    await agent.stop();
  }
}

if (import.meta.main) await benchHeldRoutes();
