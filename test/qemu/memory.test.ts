/** The daemon's MemoryMax on a kernel where it is in force: what the daemon does fits into it, and beyond it is the end. */
import assert from 'node:assert/strict';
import { after, before, suite, test } from 'node:test';
import { ask, property } from '../systems/service.ts';
import { eventually } from './eventually.ts';
import { QemuMachine, unavailable } from './machine.ts';
import { PACKAGES } from './packages.ts';

const CONFIG = `sysctl: { net.ipv4.ip_forward: 1 }
report: { endpoint: "http://127.0.0.1:4318", interval: 5s }
`;
const MAX = 512 * 1024 * 1024;
const ROUTES = 200_000;
const GROUP = '/sys/fs/cgroup/system.slice/holdfast.service';

suite('Debian 12’s kernel: MemoryMax of holdfast.service', { skip: unavailable(), concurrency: false }, () => {
  let machine: QemuMachine;

  before(async () => {
    machine = await QemuMachine.boot({ release: 'bookworm', packages: PACKAGES, memory: 1536 });
    await machine.installService();
    await machine.write('/etc/holdfast/agent.yaml', CONFIG);
    // Before the daemon's start: it lists them at once, and then the more seldom the longer that took.
    await machine.sh(`ip link add d0 type dummy; ip link set d0 up
      perl -e 'for my $n (0..${ROUTES - 1}) { printf "route add 10.%d.%d.%d/32 dev d0 proto bird\n", $n >> 16, $n >> 8 & 255, $n & 255 }' |
        ip -batch -`);
    await machine.sh('systemctl start holdfast-collector holdfast');
  });

  after(() => machine?.close());

  const limit = async (file: string) => (await machine.sh(`cat ${GROUP}/${file}`)).trim();
  const kills = async () => Number(/^oom_kill (\d+)$/m.exec(await limit('memory.events'))?.[1]);
  const restarts = () => property(machine, 'holdfast.service', 'NRestarts');

  test('the kernel has the unit’s', async () => {
    assert.equal(await limit('memory.max'), String(MAX));
    const pid = await property(machine, 'holdfast.service', 'MainPID');
    assert.match(await machine.sh(`cat /proc/${pid}/cgroup`), /^0::\/system.slice\/holdfast.service$/m);
  });

  test(`with heartbeats, and ${ROUTES} routes listed, it lives`, async () => {
    const routes = await eventually(async () => {
      const { hosts } = JSON.parse(body(await ask(machine, '/api/v1/hosts')));
      if (hosts.length === 0) return null; // no heartbeat yet
      const series = `/api/v1/hosts/${hosts[0].id}/series?metric=system.network.route.table.count`;
      const told: [{ attributes: { protocol: string }; points: [number, number][] }] = JSON.parse(
        body(await ask(machine, series)),
      ).series;
      return told.find(({ attributes }) => attributes.protocol === 'bird')?.points.at(-1)?.[1] ?? null;
    }, 'all routes are listed, and the heartbeat tells of it');
    assert.equal(routes, ROUTES);
    assert.equal(await kills(), 0);
    assert.equal(await restarts(), '0');
    const peak = Number(await limit('memory.peak'));
    assert.ok(peak > 0 && peak < MAX / 2, `${peak} bytes at most`);
  });

  test('outside of it a process may have more; within it the kernel ends it, and the daemon comes back', async () => {
    const much = `exec perl -e 'vec($x, ${MAX + (64 << 20)}, 8) = 1; print "had it\n"'`;
    assert.equal(await machine.sh(much), 'had it\n');
    // The daemon does not run meanwhile: it would have its own pages back as fast as they are taken for the other one.
    await machine.sh(`kill -STOP ${await property(machine, 'holdfast.service', 'MainPID')}`);
    const within = await machine.run(`echo $$ >${GROUP}/cgroup.procs; ${much}`);
    assert.equal(within.code, 128 + 9);
    // systemd ends a unit in which the kernel ended anything (OOMPolicy=stop), and starts this one again.
    await eventually(async () => ((await restarts()) === '1' ? true : null), 'it is started again');
    await active();
  });

  test('the daemon itself, above its limit, is ended and comes back, and puts right what changed', async () => {
    const pid = await property(machine, 'holdfast.service', 'MainPID');
    await machine.sh('systemctl set-property --runtime holdfast MemoryMax=20M');
    await eventually(async () => ((await restarts()) === '1' ? null : true), 'it is ended');
    assert.match(await machine.sh('dmesg'), /Memory cgroup out of memory: Killed process \d+ \((?:agent|MainThread)\)/);
    await machine.sh(`sysctl -qw net.ipv4.ip_forward=0
      systemctl set-property --runtime holdfast MemoryMax=${MAX}; systemctl reset-failed; systemctl start holdfast`);
    await active();
    assert.notEqual(await property(machine, 'holdfast.service', 'MainPID'), pid);
    assert.equal(await machine.sh('sysctl -n net.ipv4.ip_forward'), '1\n');
  });

  async function active(): Promise<void> {
    const state = () => property(machine, 'holdfast.service', 'ActiveState');
    await eventually(async () => ((await state()) === 'active' ? true : null), 'it runs');
  }
});

/** The body of an HTTP answer. */
function body(answer: string): string {
  return answer.slice(answer.indexOf('\r\n\r\n') + 4);
}
