/**
 * `node test/bench/depends.ts`: processor time of one `agent depends` on a busy host, and of one reading of the ledger. Needs
 * root and dist/agent. Prints a Markdown table.
 */
import { join } from 'node:path';
import { LabHost } from '../parts/lab/host.ts';
import { REPOSITORY } from '../parts/repository.ts';
import { median } from './median.ts';

const PROGRAMS = 500;
const CONTAINERS = 20;
const ASKERS = 20;
const LOOKS = 9;
const READINGS = 200;
const SERVER = '10.9.0.2';
const CONFIG = `dns: { nameservers: [10.9.0.3] }
ledger: always
`;

/** Prints the milliseconds of processor time that one reading took, after a first one that loads the code. */
const READ = `
const { askedProbe } = await import('${REPOSITORY}/probes/asked-probe.ts');
const { Host } = await import('${REPOSITORY}/agent/host/host.ts');
const probe = askedProbe(new Host(), { lasting: true });
const signal = new AbortController().signal;
const samples = await probe.read(signal);
const before = process.cpuUsage();
for (let n = 0; n < ${READINGS}; n += 1) await probe.read(signal);
const { user, system } = process.cpuUsage(before);
await probe.close();
console.log(samples.filter(({ metric }) => metric === 'holdfast.nameserver.asked').length, (user + system) / 1000 / ${READINGS});`;

process.env.HOLDFAST_AGENT ??= join(REPOSITORY, 'dist/agent');
await using host = await LabHost.create();
await host.sh(`ip addr add 10.9.0.1/24 dev eth0 && ip link set eth0 up
  ip -n server addr add ${SERVER}/24 dev srv0 && ip -n server link set srv0 up
  mount -t cgroup2 none /sys/fs/cgroup`);
await host.write('/etc/holdfast/agent.yaml', CONFIG);
await host.sh('agent apply');
const start = await processorTime('agent --version');
// Each container has namespaces of its own for files and network, as a container engine makes them.
await host.sh(`for n in $(seq ${PROGRAMS - CONTAINERS}); do sleep 900 >/dev/null 2>&1 & done
  for n in $(seq ${CONTAINERS}); do unshare --mount --net --uts sleep 900 >/dev/null 2>&1 & done`);
const look = await processorTime('agent depends 10.34.56.78 || :');
await host.sh(`for user in $(seq 2001 ${2000 + ASKERS}); do
  setpriv --reuid $user --clear-groups bash -c 'echo question >/dev/udp/${SERVER}/53'; done`);
const [askers, reading] = (await host.sh(`${process.execPath} --input-type=module -e "${READ}"`)).trim().split(' ');

console.log('| | processor time |\n| --- | --- |');
console.log(`| start of \`agent\` | ${start.toFixed(0)} ms |`);
console.log(`| \`agent depends\`, ${PROGRAMS} programs, ${CONTAINERS} containers | ${look.toFixed(0)} ms |`);
console.log(`| a reading of the ledger, ${askers} askers | ${Number(reading).toFixed(2)} ms |`);

/** Milliseconds, the median of several runs. */
async function processorTime(command: string): Promise<number> {
  const times: number[] = [];
  for (let n = 0; n < LOOKS; n += 1) {
    const timed = `TIMEFORMAT='%U %S'; time { ${command}; } >/dev/null 2>&1`;
    const { stderr } = await host.run(['bash', '-c', timed]);
    times.push(
      stderr
        .trim()
        .split(' ')
        .reduce((sum, seconds) => sum + Number(seconds), 0) * 1000,
    );
  }
  return median(times);
}
