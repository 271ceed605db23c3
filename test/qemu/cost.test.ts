/** What everybody pays while the kernel watches, in instructions: those are the same on every machine, and at every run nearly so. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { eventually } from './eventually.ts';
import { QemuMachine, unavailable } from './machine.ts';
import { PACKAGES } from './packages.ts';

const INSTANCES = '/sys/kernel/tracing/instances';
const FILE = `${INSTANCES}/holdfast-etc-resolv.conf/events/holdfast`;
const ROUTES = `${INSTANCES}/holdfast-routes/events/holdfast`;
const CONFIG = 'dns: { nameservers: [10.77.0.21] }\n';
const TIMES = 2_000;

/** The step that is repeated, the step that undoes it, and the tracing that watches it. */
const DEEDS = {
  'an open to read': [opens('<'), ':', FILE],
  'an open to write': [opens('+<'), ':', FILE],
  'a rename': [
    `perl -e 'for (1..${TIMES / 2}) { rename("/root/a", "/root/b"); rename("/root/b", "/root/a") }'`,
    ':',
    FILE,
  ],
  'an IPv4 route added': ['ip -batch /root/add4', 'ip route flush proto bird', ROUTES],
  'an IPv6 route added': ['ip -6 -batch /root/add6', 'ip -6 route flush proto bird', ROUTES],
} as const;

test('Debian 12’s kernel: what it costs to be watched, measured', { skip: unavailable() }, async (t) => {
  await using machine = await QemuMachine.boot({ release: 'bookworm', packages: PACKAGES, counting: true });
  await machine.installService();
  await machine.write('/etc/holdfast/agent.yaml', CONFIG);
  await machine.sh(`: >/root/a; ip link add d0 type dummy; ip link set d0 up
    perl -e 'printf "route add 172.16.%d.%d/32 dev d0 proto bird\n", $_ >> 8, $_ & 255 for 0..${TIMES - 1}' >/root/add4
    perl -e 'printf "route add 2001:db8::%x/128 dev d0 proto bird\n", $_ for 1..${TIMES}' >/root/add6
    systemctl start holdfast; echo nameserver 192.0.2.1 >/etc/resolv.conf`);
  for (const events of [`${FILE}/open`, `${ROUTES}/route4`]) {
    const look = async () => ((await machine.run(`grep -q 1 ${events}/enable`)).code === 0 ? true : null);
    await eventually(look, 'the kernel watches');
  }
  // The daemon has its own work, which would be measured with it.
  await machine.sh('systemctl kill --signal=STOP holdfast');
  for (const [what, [deed, undo, events]] of Object.entries(DEEDS)) {
    const out = await machine.sh(`for round in 1 2 3 4; do for on in 0 1; do
        for one in ${events}/*/enable; do echo $on >$one; done
        from=$(date +%s%N); ${deed}; echo $on $((($(date +%s%N) - from) / ${TIMES})); ${undo}
      done; done`);
    const times = out
      .trim()
      .split('\n')
      .map((line) => line.split(' ').map(Number) as [number, number]);
    const least = (on: number) => Math.min(...times.filter(([which]) => which === on).map(([, count]) => count));
    assert.ok(least(0) > 0);
    t.diagnostic(`${what}: ${least(0)} instructions, watched ${least(1)}: ${least(1) - least(0)} more`);
  }
});

function opens(how: string): string {
  return `perl -e 'for (1..${TIMES}) { open(my $f, "${how}", "/root/a"); close $f }'`;
}
