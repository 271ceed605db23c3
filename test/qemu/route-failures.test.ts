/** A route that the kernel refuses any process, on a kernel with kprobes: named by the daemon in its sandbox, without a log. */
import assert from 'node:assert/strict';
import { after, before, suite, test } from 'node:test';
import { journalEntry } from '../parts/lab/journal.ts';
import { property } from '../systems/service.ts';
import { eventually } from './eventually.ts';
import { QemuMachine, unavailable } from './machine.ts';
import { PACKAGES } from './packages.ts';

const TRACEFS = '/sys/kernel/tracing';
const INSTANCE = `${TRACEFS}/instances/holdfast-routes`;
const CONFIG = 'sysctl: { net.ipv4.ip_forward: 1 }\n';
const MIB = 2 ** 20;
const ROUTES = 60_000;
/** BIRD has the routes in memory, and puts them into the kernel only on request. */
const BIRD = `perl -e 'print "router id 192.0.2.1;
  protocol device {}
  protocol kernel toKernel { disabled; ipv4 { import none; export all; }; }
  protocol static { ipv4;\\n";
  for my $n (0..${ROUTES - 1}) { printf "route 10.%d.%d.%d/32 via \\"d0\\";\\n", $n >> 16, $n >> 8 & 255, $n & 255 }
  print "}\\n"' >/etc/bird/bird.conf`;

interface Told {
  readonly msg: string;
  readonly [attribute: string]: unknown;
}

suite('Debian 12’s kernel: routes that it refuses', { skip: unavailable(), concurrency: false }, () => {
  let machine: QemuMachine;

  before(async () => {
    machine = await QemuMachine.boot({ release: 'bookworm', packages: PACKAGES });
    await machine.installService();
    await machine.write('/etc/holdfast/agent.yaml', CONFIG);
    // The kernel's words about a group without room are many, and would keep the journal from everything else.
    await machine.write('/etc/systemd/journald.conf.d/test.conf', '[Journal]\nReadKMsg=no\n');
    await machine.sh(`systemctl restart systemd-journald
      ip link add d0 type dummy; ip link set d0 up; systemctl start holdfast`);
    await watching();
  });

  after(() => machine?.close());

  const told = async (): Promise<Told[]> => {
    const { stdout } = await machine.run(`journalctl -u holdfast -o cat | grep '"holdfast.route_failure"'`);
    return stdout
      .trim()
      .split('\n')
      .filter((line) => line !== '')
      .map((line) => journalEntry(line) as unknown as Told);
  };
  const tellsOf = (command: string) =>
    eventually(
      async () => (await told()).find((one) => one['process.executable.name'] === command) ?? null,
      `it tells of ${command}`,
    );
  const watching = () =>
    eventually(
      async () => ((await machine.run(`grep -q 1 ${INSTANCE}/events/holdfast/route4/enable`)).code === 0 ? true : null),
      'the daemon watches',
    );

  test('what other routes meet is nobody’s failure', async () => {
    await machine.sh('ip route add 192.0.2.0/24 dev d0; ip -6 route add 2001:db8::/32 dev d0');
    assert.equal((await machine.run('ip route add 192.0.2.0/24 dev d0')).code, 2);
    assert.equal((await machine.run('ip -6 route add 2001:db8::/32 dev d0')).code, 2);
    assert.deepEqual(await told(), []);
  });

  test('the kernel does tell of IPv4, IPv6 and nexthop objects: whoever filters nothing sees them', async () => {
    const text = await machine.sh(`mkdir ${TRACEFS}/instances/test; cd ${TRACEFS}/instances/test
      for event in route4 route6 nexthop; do echo 1 >events/holdfast/$event/enable; done
      ip route add 192.0.2.0/24 dev d0 || :; ip -6 route add 2001:db8::/32 dev d0 || :
      ip nexthop add id 7 dev d0; ip nexthop add id 7 dev d0 || :
      cat trace; cd /; rmdir ${TRACEFS}/instances/test`);
    for (const event of ['route4', 'route6', 'nexthop'])
      assert.match(text, new RegExp(`ip-\\d+ .* ${event}: .* ret=-17\n`));
  });

  test('BIRD in a control group without room is named, with its group’s limit', async (t) => {
    // What it reads and runs counts as others' memory, so that at its limit there is nothing but routes; and nobody in
    // its group may be killed for it. Else it would be killed or hang, rather than be refused.
    await machine.sh(`${BIRD}; cat /etc/bird/bird.conf /usr/sbin/bird >/dev/null; bird --version 2>/dev/null
      mkdir -p /etc/systemd/system/bird.service.d
      printf '[Service]\nOOMScoreAdjust=-1000\n' >/etc/systemd/system/bird.service.d/test.conf
      systemctl daemon-reload; systemctl start bird`);
    const loaded = new RegExp(`^${ROUTES} of ${ROUTES} routes`, 'm');
    const count = 'birdc show route count';
    await eventually(async () => (loaded.test((await machine.run(count)).stdout) ? true : null), 'BIRD has its routes');
    const group = '/sys/fs/cgroup/system.slice/bird.service';
    const limit = Number(await machine.sh(`cat ${group}/memory.current`)) + MIB;
    await machine.sh(`echo ${limit} >${group}/memory.max; timeout 20 birdc enable toKernel || :`);
    const event = await tellsOf('bird');
    await machine.sh(`echo max >${group}/memory.max`);
    t.diagnostic(event.msg);
    const pid = Number(await property(machine, 'bird', 'MainPID'));
    assert.match(
      event.msg,
      new RegExp(
        `^bird\\[${pid}\\] \\(unit bird.service\\) could not add (an|\\d+) IPv4 routes?: out of memory \\((ENOMEM|ENOBUFS)\\)\\. `,
      ),
    );
    assert.match(
      event.msg,
      /Its control group \/system\.slice\/bird\.service has .* very likely the cause: raise its limit/,
    );
    assert.equal(event['process.pid'], pid);
    assert.equal(event['network.type'], 'ipv4');
    assert.equal(event['network.namespace'], 'own');
    // In pages.
    assert.equal(event['memory.limit'], Math.floor(limit / 4096) * 4096);
    assert.equal(await property(machine, 'bird', 'NRestarts'), '0');
  });

  test('one in another network namespace is said to be there', async (t) => {
    await machine.sh(`systemctl stop bird
      perl -e 'printf "route add 10.%d.%d.%d/32 dev lo\\n", $_ >> 16, $_ >> 8 & 255, $_ & 255 for 0..${ROUTES - 1}' >/root/batch
      ip netns add other; ip -n other link set lo up; cat /sbin/ip >/dev/null
      mkdir /sys/fs/cgroup/few; echo 1M >/sys/fs/cgroup/few/memory.max
      (echo 0 >/sys/fs/cgroup/few/cgroup.procs; echo -1000 >/proc/self/oom_score_adj
        exec setsid ip netns exec other ip -force -batch /root/batch) </dev/null >/dev/null 2>&1 &`);
    const event = await tellsOf('ip');
    await machine.sh('echo max >/sys/fs/cgroup/few/memory.max; ip netns pids other | xargs -r kill -9');
    t.diagnostic(event.msg);
    assert.match(event.msg, /^ip\[\d+\] \(in another network namespace\) could not add /);
    assert.equal(event['network.namespace'], 'other');
  });

  test('killed, it leaves what the next start takes over; stopped, it leaves nothing', async () => {
    const instances = async () => (await machine.sh(`ls ${TRACEFS}/instances`)).trim();
    const pid = await property(machine, 'holdfast', 'MainPID');
    await machine.sh(`mkdir -p /etc/systemd/system/holdfast.service.d
      printf '[Service]\nRestart=no\n' >/etc/systemd/system/holdfast.service.d/once.conf
      systemctl daemon-reload; kill -9 ${pid}`);
    await eventually(
      async () => ((await property(machine, 'holdfast', 'MainPID')) === '0' ? true : null),
      'it is gone',
    );
    assert.equal(await instances(), 'holdfast-routes');
    await machine.sh('systemctl start holdfast');
    await watching();
    assert.equal(await instances(), 'holdfast-routes');
    assert.equal(await machine.sh(`grep -c holdfast/ ${TRACEFS}/kprobe_events`), '5\n');
    await machine.sh('systemctl stop holdfast');
    assert.equal(await instances(), '');
    assert.equal(await machine.sh(`cat ${TRACEFS}/kprobe_events`), '');
  });
});
