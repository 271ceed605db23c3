/** What the ledger costs: processor time of a send, in paired runs without it, with `always`, and with `retiring`. */
import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { removedTable, WATCHING_TABLES } from '../../agent/depends/ledger/our-tables.ts';
import { ledgerTable, retiredAddresses } from '../../agent/depends/ledger/table-text.ts';
import { accepted } from '../parts/accepted.ts';
import { LabHost } from '../parts/lab/host.ts';
import { REPOSITORY } from '../parts/repository.ts';
import { median } from './median.ts';

const ROUNDS = 25;
const SINK = '10.9.0.2';
const SHAPE = { expiry: 90_000, units: true };
const PROGRAM = '/tmp/ledger';

const LOADS = [
  { name: 'TCP, 64 KiB of a stream', argv: ['tcp-bulk', SINK, '9', '3000'] },
  { name: 'TCP, a request of one byte and its answer', argv: ['tcp-rr', SINK, '9', '5000'] },
  { name: 'UDP, one byte', argv: ['udp', SINK, '9', '50000'] },
  { name: 'UDP, one byte, to port 53', argv: ['udp', SINK, '53', '50000'] },
  { name: 'forwarded UDP, one byte', argv: ['udp', SINK, '9', '50000'], from: 'box' },
  { name: 'forwarded UDP, one byte, to port 53', argv: ['udp', SINK, '53', '50000'], from: 'box' },
] as const;

const REMOVED = removedTable(WATCHING_TABLES.all) + removedTable(WATCHING_TABLES.retire);
const MODES = {
  without: REMOVED,
  always: `${REMOVED}${ledgerTable('all', SHAPE)}`,
  // Another address than that of the load: nearly every packet is of this kind.
  retiring: `${REMOVED}${ledgerTable('retire', SHAPE)}${retiredAddresses([accepted('10.9.0.99')])}`,
} as const;
type Mode = keyof typeof MODES;

/** Prints a Markdown table; without a C compiler it says so. */
export async function benchLedger(): Promise<void> {
  if (spawnSync('cc', ['--version']).error !== undefined) {
    console.log('\n(the ledger: there is no C compiler, cc, to make its load with: left out)');
    return;
  }
  await using host = await LabHost.create();
  await prepare(host);
  // On processors of their own: on one, a stream costs now half, now twice as much.
  host.spawn(['taskset', '-c', '1', PROGRAM, 'serve', '9'], { where: 'server' });
  await host.sh(`until ${PROGRAM} tcp-rr ${SINK} 9 50 >/dev/null 2>&1; do :; done`);
  const taken = new Map<string, number[]>();
  for (let round = 0; round < ROUNDS; round += 1) {
    for (const mode of Object.keys(MODES) as Mode[]) {
      await host.sh('nft -f -', { input: MODES[mode] });
      for (const { name, argv, ...where } of LOADS) {
        const command = ['taskset', '-c', '0', PROGRAM, ...argv].join(' ');
        const inside = 'from' in where ? `ip netns exec ${where.from} ${command}` : command;
        const key = `${name} ${mode}`;
        taken.set(key, [...(taken.get(key) ?? []), Number(await host.sh(inside))]);
      }
    }
  }
  console.log('\n### The ledger: processor time, ns\n\n| | without | always | retiring |\n| --- | --- | --- | --- |');
  for (const { name } of LOADS) {
    const base = taken.get(`${name} without`)!;
    const cell = (mode: Mode) => {
      const own = taken.get(`${name} ${mode}`)!;
      const ratio = median(own.map((one, round) => one / base[round]!));
      return `${median(own).toFixed(0)} (${ratio >= 1 ? '+' : ''}${((ratio - 1) * 100).toFixed(1)} %)`;
    };
    console.log(`| ${name} | ${median(base).toFixed(0)} | ${cell('always')} | ${cell('retiring')} |`);
  }
}

/** eth0 leads to the sink; `box` is a namespace whose packets the host forwards. */
async function prepare(host: LabHost): Promise<void> {
  await host.sh(`
    cc -O2 -o ${PROGRAM} ${join(REPOSITORY, 'test/bench/ledger.c')}
    ip addr add 10.9.0.1/24 dev eth0 && ip link set eth0 up
    ip -n server addr add ${SINK}/24 dev srv0 && ip -n server link set srv0 up
    ip netns add box && ip link add veth0 type veth peer name box0 netns box
    ip addr add 10.8.0.1/24 dev veth0 && ip link set veth0 up
    ip -n box addr add 10.8.0.2/24 dev box0 && ip -n box link set box0 up && ip -n box route add default via 10.8.0.1
    ip -n server route add 10.8.0.0/24 via 10.9.0.1
    sysctl -qw net.ipv4.ip_forward=1
    mount -t cgroup2 none /sys/fs/cgroup`);
}

if (import.meta.main) await benchLedger();
