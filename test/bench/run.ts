/**
 * `npm run bench`: what Holdfast costs, as ratios in paired runs on one machine, in throw-away hosts. Needs root and
 * dist/agent (`npm run build`). Prints Markdown tables.
 */
import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { LabHost, unavailable } from '../parts/lab/host.ts';
import { REPOSITORY } from '../parts/repository.ts';
import { benchCollector } from './collector.ts';
import { benchDaemon } from './daemon.ts';
import { benchHeldRoutes } from './held-routes.ts';
import type { Command } from './inside.ts';
import { benchLedger } from './ledger.ts';
import { benchNoOp, DNS_AND_SYSCTL } from './no-op.ts';
import { alternate, measure, report } from './paired.ts';
import { POLICY, PUPPET_MANIFEST, SHELL_FLOOR } from './rivals.ts';
import { benchCounting } from './routes.ts';

/** Runs of the programs that take seconds. */
const RIVAL_RUNS = 8;
const ROUTES = { ipv4: 1_000_000, ipv6: 200_000 };
const AGENT = join(REPOSITORY, 'dist/agent');

const missing = unavailable() || (existsSync(AGENT) ? false : 'needs dist/agent: run `npm run build` first');
if (missing) {
  console.log(`The benchmarks ${missing}.`);
  process.exit(1);
}
delete process.env.NODE_EXTRA_CA_CERTS; // it makes every Node start 2.5 times slower
process.env.HOLDFAST_AGENT = AGENT;

await using host = await heldHost();
await using other = await heldHost();
await benchApply();
await benchNoOp();
await benchRoutes();
await benchCounting(other);
await benchHooks();
await benchDaemon();
await benchLedger();
await benchHeldRoutes();
await benchCollector();

/** A host that is as wanted already, and stays so. */
async function heldHost(): Promise<LabHost> {
  const made = await LabHost.create();
  await made.write('/etc/holdfast/agent.yaml', DNS_AND_SYSCTL);
  await made.sh('agent apply');
  assert.match((await made.agent('apply')).stdout, / as wanted, 0 changed/);
  return made;
}

/** The host is as wanted nearly always: the cost of looking. */
async function benchApply(): Promise<void> {
  await host.write('/root/floor.sh', SHELL_FLOOR, 0o755);
  // Beside the agent, in memory: there a start takes 4 ms more of the processor than from a disk's cache.
  await host.write('/usr/local/bin/node', await readFile(process.execPath), 0o755);
  const commands: Command[] = [
    { name: 'node -e 0', argv: ['node', '-e', '0'] },
    { name: 'agent apply', argv: ['agent', 'apply'] },
    { name: 'agent --version', argv: ['agent', '--version'] },
    { name: 'POSIX sh script', argv: ['sh', '/root/floor.sh'] },
  ];
  report('No-op apply', await measure(commands, host));
  const others = await rivals();
  if (others.length > 0) {
    report('No-op apply, and the same by others', await measure([commands[1]!, ...others], host, RIVAL_RUNS));
  }
}

async function rivals(): Promise<Command[]> {
  await host.write('/root/policy.cf', POLICY, 0o600);
  await host.write('/root/site.pp', PUPPET_MANIFEST);
  const known: Command[] = [
    { name: 'cf-agent', argv: ['cf-agent', '-KIf', '/root/policy.cf'] },
    { name: 'puppet apply', argv: ['puppet', 'apply', '/root/site.pp'] },
  ];
  const there: Command[] = [];
  for (const command of known) {
    const { code } = await host.run(['sh', '-c', `command -v ${command.argv[0]}`]);
    if (code === 0) there.push(command);
    else console.log(`(${command.name} is not installed here: left out)`);
  }
  return there;
}

/** An agent for routers must cost the same whatever the routing table holds. */
async function benchRoutes(): Promise<void> {
  await other.sh('ip -4 -batch -', { input: blackholes(ROUTES.ipv4, (a, b, c) => `${20 + a}.${b}.${c}.0/24`) });
  await other.sh('ip -6 -batch -', {
    input: blackholes(ROUTES.ipv6, (a, b, c) => `2001:db8:${a}:${hex(b)}${hex(c)}::/64`),
  });
  const argv = ['agent', 'apply'];
  report(
    'No-op apply against the routing tables',
    (
      await alternate([
        [host, { name: 'empty tables', argv }],
        [other, { name: `${ROUTES.ipv4} IPv4 and ${ROUTES.ipv6} IPv6 routes`, argv }],
      ])
    ).flat(),
  );
}

/** `count` routes for ip(8) to read, each to the network that its number's three bytes make. */
function blackholes(count: number, network: (high: number, middle: number, low: number) => string): string {
  return Array.from({ length: count }, (_, n) => {
    return `route add blackhole ${network(n >> 16, (n >> 8) & 255, n & 255)}\n`;
  }).join('');
}

function hex(byte: number): string {
  return byte.toString(16).padStart(2, '0');
}

/** What the hooks add to a renewal: Debian's dhclient-script, called as dhclient calls it. */
async function benchHooks(): Promise<void> {
  for (const each of [host, other]) {
    await each.sh('ip link set eth0 up; ip addr add 10.88.0.2/24 dev eth0');
  }
  await other.sh('agent revert');
  const env = {
    reason: 'RENEW',
    interface: 'eth0',
    new_ip_address: '10.88.0.2',
    old_ip_address: '10.88.0.2',
    new_subnet_mask: '255.255.255.0',
    new_dhcp_lease_time: '3600',
    new_domain_name: 'old.example.com',
    new_domain_name_servers: '10.88.0.53',
  };
  const argv = ['/sbin/dhclient-script'];
  report(
    'dhclient-script at a renewal',
    (
      await alternate([
        [other, { name: "Debian's script alone", argv, env }],
        [host, { name: 'with our hooks', argv, env }],
      ])
    ).flat(),
  );
}
