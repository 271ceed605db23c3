/** A full table beside our routes: what is asked of the kernel stays the same, and its loading is no reason to miss anything. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { RunningAgent } from '../parts/lab/daemon.ts';
import { LabHost, unavailable } from '../parts/lab/host.ts';

const skip = unavailable({ strace: 'strace' });
const MANY = 1_000_000;

/** Prints lines for `ip -batch` that change routes of both families, like a routing daemon. */
const TABLE = `awk 'BEGIN { for (n = 0; n < ${MANY}; n++) {
  printf "route add blackhole %d.%d.%d.0/24 proto bird\\n", 20 + n / 65536, n / 256 % 256, n % 256
  if (n % 5 == 0) printf "route add blackhole 2001:db8:%x:%x::/64 proto bird\\n", 4096 + n / 327680, n / 5 % 65536
} }'`;

test('routes flood: while 1,200,000 routes are loaded, the agent keeps its three', { skip }, async (t) => {
  await using host = await LabHost.create();
  await host.sh('ip link set srv0 up', { where: 'server' });
  await host.sh('ip link set eth0 up; ip addr add 10.88.0.2/24 dev eth0; ip addr add 2001:db8:88::2/64 dev eth0 nodad');
  await host.write(
    '/etc/holdfast/agent.yaml',
    `routes:
  - { to: 10.1.0.0/16, via: 10.88.0.1 }
  - { to: 10.2.0.0/16, via: 10.88.0.1, table: 100 }
  - { to: "2001:db8:1::/48", via: "2001:db8:88::1" }
report: { interval: 1h }
probes: { off: [routes, routes-by-protocol, default-routes, canary] }
`,
  );
  const agent = await RunningAgent.start(host);
  await host.sh('agent apply --quiet');

  /** System calls of an apply that has nothing to do. */
  const calls = async () => {
    await host.sh('strace -f -qq -c -o /run/lab/calls agent apply --quiet --only routes');
    return Number(/(\d+)(?:\s+\d+)?\s+total/.exec(await host.read('/run/lab/calls'))?.[1]);
  };
  const cpu = async () => {
    const fields = (await host.sh('cat /proc/$(cat /run/lab/agent.pid)/stat')).split(') ')[1]!.split(' ');
    return (Number(fields[11]) + Number(fields[12])) * 10;
  };

  const before = await calls();
  const [cpuBefore, began] = [await cpu(), performance.now()];
  const loading = host.sh(`${TABLE} | ip -batch -`);
  let removed = 0;
  let longest = 0;
  const ended = loading.then(() => true);
  while (!(await Promise.race([ended, host.sh('sleep 1').then(() => false)]))) {
    await host.sh('ip route del 10.1.0.0/16 proto 72');
    const since = performance.now();
    await host.sh('for i in $(seq 2000); do ip route get 10.1.0.1 >/dev/null 2>&1 && exit 0; sleep 0.01; done; exit 1');
    longest = Math.max(longest, performance.now() - since);
    removed += 1;
    if (removed === 8) break; // more would be a fight
  }
  await loading;
  const [taken, used] = [performance.now() - began, (await cpu()) - cpuBefore];
  t.diagnostic(`loaded in ${Math.round(taken)} ms; the agent used ${used} ms of a processor meanwhile`);
  t.diagnostic(`a route of ours, removed ${removed} times meanwhile, was back after ${Math.round(longest)} ms at most`);

  const after = await calls();
  t.diagnostic(`system calls of an apply with nothing to do: ${before} before, ${after} with the full table`);
  assert.ok(after < before * 1.1, `${before} calls before, ${after} with the full table`);
  const plan = await host.agent('plan', '--only', 'routes');
  assert.equal(plan.code, 0, plan.stdout);
  assert.ok(removed > 0 && agent.count('holdfast.heal') >= removed);
  assert.equal(await agent.stop(), 0);
});
