/** What `agent run` costs while nothing happens, and how soon it puts resolv.conf right. */
import { readFile } from 'node:fs/promises';
import { setTimeout as sleep } from 'node:timers/promises';
import { RunningAgent } from '../parts/lab/daemon.ts';
import type { LabHost } from '../parts/lab/host.ts';
import { staleHost } from '../parts/lab/scene.ts';
import { cpuSeconds } from './cpu-time.ts';

/** Minutes that nothing happens, and seconds of them in which processes are looked for. */
const MINUTES = 5;
const TRACED = 60;
const HEALS = 9;

const CONFIG = `dns: { nameservers: [10.77.0.21, 10.77.0.22] }
sysctl: { net.ipv4.ip_forward: 1, net.ipv6.route.max_size: { atLeast: 4194304 } }
report: { endpoint: "http://127.0.0.1:4318" }
`;

/** Takes whatever comes. */
const RECEIVER = `require('node:http').createServer((request, response) => {
  let bytes = 0;
  request.on('data', (chunk) => { bytes += chunk.length });
  request.on('end', () => { console.log(request.url, bytes); response.end() });
}).listen(4318, '127.0.0.1')`;

/** Replaces the file by a rename, and prints the microseconds until it holds the first wanted server again. */
const TRAMPLE = `use Time::HiRes qw(time usleep);
open my $out, '>', '/etc/resolv.conf.new'; print $out "nameserver 192.0.2.1\\n"; close $out;
my $began = time;
rename '/etc/resolv.conf.new', '/etc/resolv.conf';
while (1) {
  open my $in, '<', '/etc/resolv.conf'; local $/; my $text = <$in>; close $in;
  last if $text =~ /10\\.77\\.0\\.21/ || time - $began > 60;
  usleep 200;
}
printf "%d", (time - $began) * 1e6;
`;

/** Prints Markdown tables. HOLDFAST_AGENT names the executable. */
export async function benchDaemon(): Promise<void> {
  await using scene = await staleHost({ renewEvery: 600 });
  const { host } = scene;
  await host.write('/etc/holdfast/agent.yaml', CONFIG);
  await host.write('/run/lab/trample.pl', TRAMPLE);
  host.spawn([process.execPath, '-e', RECEIVER]);
  // The state after the first start: nothing to change, and the configuration is known.
  await host.sh('agent apply && agent apply');

  const agent = await RunningAgent.start(host);
  await sleep(5000);
  const pid = (await host.read('/run/lab/agent.pid')).trim();
  const began = performance.now();
  const before = await usage(host, pid);
  const resident: number[] = [];
  for (let minute = 1; minute <= MINUTES; minute += 1) {
    await sleep(60_000);
    resident.push((await usage(host, pid)).resident);
  }
  const cpu = (await usage(host, pid)).cpu - before.cpu;
  const seconds = (performance.now() - began) / 1000;
  // Not at the same time, because a traced process takes longer for everything.
  const traced = ['timeout', String(TRACED), 'strace', '-f', '-q', '-e', 'trace=execve', '-p', pid];
  const { stderr } = await host.run(traced);
  console.log(`\n### \`agent run\`, nothing happening, ${MINUTES} minutes\n`);
  console.log('| | |\n| --- | --- |');
  console.log(`| resident, minute by minute | ${resident.map((megabytes) => megabytes.toFixed(1)).join(', ')} MB |`);
  console.log(`| CPU | ${((cpu / seconds) * 100).toFixed(3)} % of one core |`);
  console.log(`| processes started in ${TRACED} s | ${[...stderr.matchAll(/execve\(/g)].length} |`);

  const times: number[] = [];
  for (let n = 0; n < HEALS; n += 1) {
    times.push(Number(await host.sh('perl /run/lab/trample.pl')) / 1000);
    await agent.event('holdfast.heal');
  }
  times.sort((a, b) => a - b);
  console.log(`\n### resolv.conf overwritten until it is right again, ${HEALS} times\n`);
  console.log('| median | longest |\n| --- | --- |');
  console.log(`| ${times[Math.floor(HEALS / 2)]!.toFixed(1)} ms | ${times.at(-1)!.toFixed(1)} ms |`);
  await agent.stop();
}

/** CPU in seconds and resident memory in MB so far (proc_pid_stat(5)). */
async function usage(host: LabHost, pid: string): Promise<{ cpu: number; resident: number }> {
  const stat = await readFile(host.path(`/proc/${pid}/stat`), 'utf8');
  const status = await readFile(host.path(`/proc/${pid}/status`), 'utf8');
  return {
    cpu: cpuSeconds(stat),
    resident: Number(/VmRSS:\s+(\d+)/.exec(status)?.[1]) / 1024,
  };
}
