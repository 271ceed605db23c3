/** `dhclient.restart: whenSafe`: what no hook can give reaches a running dhclient, and the host loses nothing; else it is left alone. */
import assert from 'node:assert/strict';
import { existsSync, rmdirSync } from 'node:fs';
import { test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { RunningAgent } from '../parts/lab/daemon.ts';
import { connect, type DhcpOptions, startDhcpServer } from '../parts/lab/dhcp.ts';
import { LabHost, unavailable } from '../parts/lab/host.ts';
import { Log } from '../parts/lab/log.ts';
import { Pings } from '../parts/lab/pings.ts';
import { OLD_DHCLIENT_CONF } from '../parts/lab/scene.ts';

const options = { skip: unavailable(), concurrency: 2 };

/** Without ntp-servers, which no hook can have it not ask for. */
const YAML = `dns: { nameservers: [10.77.0.21] }
dhclient: { restart: whenSafe, request: { without: [ntp-servers] } }
`;

/** A host as Debian's ifup leaves it: its dhclient in the background, with a lease. */
async function ifupHost({ yaml = YAML, wires = 1, ...dhcp }: DhcpOptions & { yaml?: string; wires?: number } = {}) {
  const host = await LabHost.create({ interfaces: wires });
  await host.write('/etc/dhcp/dhclient.conf', OLD_DHCLIENT_CONF);
  await host.write('/etc/holdfast/agent.yaml', yaml);
  const servers = [];
  for (let wire = 0; wire < wires; wire += 1) {
    await connect(host, wire);
    servers.push(await startDhcpServer(host, { wire, ...dhcp }));
    await host.sh(`cd /root; umask 0027; IFACE=eth${wire} METHOD=dhcp ${ifup(wire)}`);
  }
  return { host, servers, server: servers[0]! };
}

const ifup = (wire = 0) =>
  `dhclient -4 -v -i -pf /run/dhclient.eth${wire}.pid -lf /var/lib/dhcp/dhclient.eth${wire}.leases -I -df /var/lib/dhcp/dhclient6.eth${wire}.leases eth${wire}`;

const pids = async (host: LabHost) => (await host.sh('pgrep -x dhclient || :')).trim().split('\n').filter(Boolean);
/** Without the seconds, which run. */
const network = (host: LabHost) => host.sh("ip -4 -o addr show | sed 's/valid_lft.*//'; ip -4 route");

test(
  'restart: a dhclient that is to ask for something else is started again, and not one ping is lost',
  options,
  async () => {
    const { host, server } = await ifupHost();
    await using _ = host;
    const [old] = await pids(host);
    const before = await network(host);
    await host.sh('ip addr change 10.77.0.100/24 dev eth0 valid_lft 300 preferred_lft 300');
    const plan = await host.agent('plan');
    assert.match(
      plan.stdout,
      /Pending until the next start of dhclient\[\d+\] on eth0: request \(apply starts it again/,
    );
    const pings = await Pings.start(host, '10.77.0.1');

    const { code, stdout, stderr } = await host.agent('apply');

    const lost = await pings.stop();
    assert.equal(code, 0, stdout + stderr);
    assert.match(stdout, /restart +dhclient\[\d+\] on eth0 +now started again/);
    assert.deepEqual(lost, { lost: 0, gone: [] });
    const [now, ...others] = await pids(host);
    assert.deepEqual(others, []);
    assert.notEqual(now, old);
    assert.equal(await network(host), before);
    const lifetime = Number(/valid_lft (\d+)sec/.exec(await host.sh('ip -4 -o addr show dev eth0'))?.[1]);
    assert.ok(lifetime > 500, `the kernel would drop the address in ${lifetime} s`);
    assert.deepEqual(
      await host.sh(`tr '\\0' ' ' </proc/${now}/cmdline`),
      `/usr/sbin/${ifup()} `,
      'as ifup had started it',
    );
    assert.match(await host.sh(`tr '\\0' '\\n' </proc/${now}/environ; readlink /proc/${now}/cwd`), /^IFACE=eth0$/m);
    assert.match(await host.sh(`grep Umask /proc/${now}/status`), /0027/);
    assert.equal(server.log.count(/^DHCPDECLINE/), 0);
    assert.equal(server.log.count(/^DHCPDISCOVER/), 1, 'only the first start ever discovered');
    const status = await host.agent('status');
    assert.doesNotMatch(status.stdout, /pending/);
    const again = await host.agent('apply');
    assert.doesNotMatch(again.stdout, /restart/);
    assert.deepEqual(await pids(host), [now]);
  },
);

test(
  'restart control: released, or ended by -x, and started again, it takes address and routes with it',
  options,
  async () => {
    for (const how of ['-r', '-x']) {
      const { host } = await ifupHost();
      await using _ = host;
      const pings = await Pings.start(host, '10.77.0.1');
      await host.sh(`${ifup().replace('-4', `-4 ${how}`)}; ${ifup()}`);
      const { lost, gone } = await pings.stop();
      assert.ok(lost > 0 && gone.length > 1, `${how}: ${lost} lost, ${gone}`);
    }
  },
);

test('restart: without a server it is left alone, and started again when there is one', options, async () => {
  const { host, server } = await ifupHost();
  await using _ = host;
  const [old] = await pids(host);
  const before = await network(host);
  await server.stop();

  const { code, stdout, stderr } = await host.agent('apply');

  assert.equal(code, 0, stdout + stderr);
  assert.match(stdout, /not started again for request: no server answers for 10\.77\.0\.100 on eth0/);
  assert.deepEqual(await pids(host), [old]);
  assert.equal(await network(host), before);
  assert.ok(!host.exists('/run/holdfast/restart') && !host.exists('/var/lib/holdfast/ask/dhclient'));
  assert.match((await host.agent('status')).stdout, /pending until its next start: request/);

  await startDhcpServer(host);
  const then = await host.agent('apply');
  assert.match(then.stdout, /now started again/, then.stdout + then.stderr);
  assert.notDeepEqual(await pids(host), [old]);
  assert.equal(await network(host), before);
});

test('restart: a server that would refuse the address is not asked for another', options, async () => {
  const { host, server } = await ifupHost();
  await using _ = host;
  const [old] = await pids(host);
  const before = await network(host);
  await server.stop();
  // The network is another now: an authoritative server says so.
  await host.sh(
    'ip addr flush dev srv0; ip addr add 10.78.0.1/24 dev srv0; cd /run/lab; sed -i s/10.77/10.78/g dhcpd.srv0.conf',
    {
      where: 'server',
    },
  );
  const args = '-4 -d -f -cf dhcpd.srv0.conf -lf dhcpd.srv0.leases -pf dhcpd.srv0.pid srv0';
  const refusing = new Log(host.spawn(['sh', '-c', `cd /run/lab; exec dhcpd ${args}`], { where: 'server' }).stderr!);
  await refusing.until(/^Server starting service/);

  const { code, stdout, stderr } = await host.agent('apply');

  assert.equal(code, 0, stdout + stderr);
  assert.match(stdout, /the server refuses 10\.77\.0\.100 on eth0 \(DHCPNAK\)/);
  assert.deepEqual(await pids(host), [old]);
  assert.equal(await network(host), before);
  assert.equal(refusing.count(/^DHCPACK/), 0);
});

test(
  'restart: the server dies when it has just answered, and the router ignores pings: nothing is lost',
  options,
  async () => {
    const { host, server } = await ifupHost();
    await using _ = host;
    // So that TIMEOUT comes soon.
    await host.sh('sed -i "1i timeout 3; reboot 1;" /etc/dhcp/dhclient.conf');
    await host.sh('echo 1 >/proc/sys/net/ipv4/icmp_echo_ignore_all', { where: 'server' });
    const before = await network(host);
    const acknowledged = server.log.lines.length;

    const applying = host.agent('apply');
    await server.log.indexOf(/^DHCPACK/, acknowledged);
    await server.stop();
    const { code, stdout, stderr } = await applying;

    assert.equal(code, 0, stdout + stderr);
    assert.match(stdout, /now started again/);
    assert.match(await host.read('/run/holdfast/lease.eth0'), /^reason=TIMEOUT/);
    assert.equal(await network(host), before);
    const [now] = await pids(host);

    // The control: the same when nobody watches over it.
    await host.sh(`kill ${now}; while kill -0 ${now} 2>/dev/null; do sleep 0.05; done; ${ifup()} -1 || :`);
    assert.doesNotMatch(await network(host), /10\.77\.0\.100/);
  },
);

test('restart: dhclients of two interfaces are restarted one after the other', options, async () => {
  const { host, servers } = await ifupHost({ wires: 2 });
  await using _ = host;
  const old = await pids(host);
  const before = await network(host);
  const pings = await Pings.start(host, '10.77.1.1');
  const { code, stdout, stderr } = await host.agent('apply');
  const lost = await pings.stop();
  assert.equal(code, 0, stdout + stderr);
  assert.equal(stdout.match(/now started again/g)?.length, 2, stdout);
  assert.deepEqual(lost, { lost: 0, gone: [] });
  assert.equal(await network(host), before);
  const now = await pids(host);
  assert.equal(now.length, 2);
  assert.ok(now.every((pid) => !old.includes(pid)));
  for (const server of servers) assert.equal(server.log.count(/^DHCPDISCOVER/), 1);
});

test(
  'restart: after kill -9 of the agent, a dhclient runs again, by itself or by the next apply',
  options,
  async () => {
    for (const shell of [false, true]) {
      const { host } = await ifupHost();
      await using _ = host;
      const [old] = await pids(host);
      const before = await network(host);
      const child = host.spawn(['sh', '-c', 'echo $$ >/run/lab/agent.pid; exec agent apply']);
      child.stdout!.resume();
      child.stderr!.resume();
      // The moment that the old one is ended in; with the agent its shell, or what that became.
      const starter = `sed -n 's/.*"started":{"pid":\\([0-9]*\\).*/\\1/p' /run/holdfast/restart`;
      await host.sh(`while kill -0 ${old} 2>/dev/null; do sleep 0.01; done
      ${shell ? `until [ -n "$(${starter})" ]; do sleep 0.01; done; kill -9 $(${starter})` : ''}
      kill -9 "$(cat /run/lab/agent.pid)"`);
      if (shell) await host.sh('for pid in $(pgrep -x dhclient); do kill -9 $pid; done');
      assert.ok(host.exists('/run/holdfast/restart'));

      const { code, stdout, stderr } = await host.agent('apply');

      assert.equal(code, 0, stdout + stderr);
      assert.match(stdout, /now started again/);
      assert.ok(!host.exists('/run/holdfast/restart'));
      const now = await pids(host);
      assert.equal(now.length, 1);
      assert.notEqual(now[0], old);
      assert.equal(await network(host), before);
    }
  },
);

test(
  'restart: a dhclient is left alone if a manager would see a failure, or if it is not root’s',
  options,
  async () => {
    const { host } = await ifupHost();
    await using _ = host;
    const old = await pids(host);
    await host.sh('cp /bin/sleep /tmp/dhclient; chmod 755 /tmp /tmp/dhclient');
    await host.sh('setpriv --reuid 65534 --regid 65534 --clear-groups /tmp/dhclient 3600 >/dev/null 2>&1 &');
    await host.sh(
      `for pid in ${old.join(' ')}; do kill $pid; while kill -0 $pid 2>/dev/null; do sleep 0.05; done; done`,
    );
    await host.sh(`${ifup().replace('-4', '-4 -d')} >/dev/null 2>&1 &`);
    // A child that is about to become dhclient-script has the same name, and another parent.
    const daemons = () => host.sh('pgrep -x -P 1 dhclient');
    await host.sh('until [ "$(pgrep -cx -P 1 dhclient)" = 2 ]; do sleep 0.05; done');
    const then = await daemons();
    const { code, stdout, stderr } = await host.agent('apply');
    assert.equal(code, 0, stdout + stderr);
    assert.doesNotMatch(stdout, /3600/, 'it is not even looked at');
    assert.match(stdout, /on eth0.*it runs in the foreground \(-d\)/);
    assert.equal(await daemons(), then);
  },
);

test('restart: agent run restarts it as well, and reports it', options, async () => {
  const { host, server } = await ifupHost();
  await using _ = host;
  const old = await pids(host);
  await server.stop();
  const agent = await RunningAgent.start(host);
  assert.match((await agent.event('holdfast.dhclient.pending')).msg, /on eth0: .*no server answers/);
  assert.deepEqual(await pids(host), old);
  assert.equal(await agent.stop(), 0);

  await startDhcpServer(host);
  const pings = await Pings.start(host, '10.77.0.1');
  const next = await RunningAgent.start(host);
  const { msg } = await next.event('holdfast.dhclient.restarted');
  assert.deepEqual(await pings.stop(), { lost: 0, gone: [] });
  const [now, ...others] = await pids(host);
  assert.deepEqual(others, []);
  assert.match(msg, new RegExp(`is dhclient\\[${now}\\] now`));
  assert.equal(await next.stop(), 0);
  assert.deepEqual(await pids(host), [now], 'and lives on');
});

test(
  'restart: if a dhclient does not start, the address stays, apply says so, and the next apply starts it',
  options,
  async () => {
    const { host, server } = await ifupHost();
    await using _ = host;
    const own = ifup().replace('dhclient', '/opt/dhclient');
    await host.sh(
      'cp /usr/sbin/dhclient /opt/dhclient; kill $(pgrep -x dhclient); while pgrep -x dhclient; do sleep 0.05; done',
    );
    await host.sh(`${own} && cp /opt/dhclient /opt/good`);
    const before = await network(host);
    const acknowledged = server.log.lines.length;

    const applying = host.agent('apply');
    await server.log.indexOf(/^DHCPACK/, acknowledged);
    await host.sh("printf '#!/bin/sh\\nexit 3\\n' >/opt/bad; chmod 755 /opt/bad; mv /opt/bad /opt/dhclient");
    const { code, stdout, stderr } = await applying;

    assert.equal(code, 4, stdout + stderr);
    assert.match(
      stdout,
      /no dhclient stays running: the address stays until its lease ends; start it with: \/opt\/dhclient -4/,
    );
    assert.deepEqual(await pids(host), []);
    assert.equal(await network(host), before);

    await host.sh('mv /opt/good /opt/dhclient');
    const again = await host.agent('apply');
    assert.match(again.stdout, /now started again/, again.stdout + again.stderr);
    assert.equal((await pids(host)).length, 1);
    assert.equal(await network(host), before);
  },
);

const PIDS = '/sys/fs/cgroup/pids';
const noCgroups = existsSync(PIDS) ? false : 'needs cgroup v1 with its pids controller';

test('restart: it stays in the control group that it was started in', {
  ...options,
  skip: options.skip || noCgroups,
}, async () => {
  const group = `holdfast-lab-${process.pid}`;
  try {
    const { host } = await ifupHost();
    await using _ = host;
    await host.sh(`mkdir /run/lab/pids; mount -t cgroup -o pids pids /run/lab/pids; mkdir /run/lab/pids/${group}`);
    const [old] = await pids(host);
    await host.sh(`echo ${old} >/run/lab/pids/${group}/cgroup.procs`);
    const { stdout, stderr } = await host.agent('apply');
    assert.match(stdout, /now started again/, stdout + stderr);
    const [now] = await pids(host);
    assert.notEqual(now, old);
    assert.match(await host.read(`/proc/${now}/cgroup`), new RegExp(`:pids:/${group}$`, 'm'));

    // One that cannot be entered: the restart is not even begun.
    await host.sh('umount /run/lab/pids; sed -i "1i timeout 30;" /etc/dhcp/dhclient.conf');
    const next = await host.agent('apply');
    assert.match(next.stdout, /not started again for timeout: its control group \/holdfast-lab-\d+ cannot be entered/);
    assert.deepEqual(await pids(host), [now]);
  } finally {
    await removeGroup(`${PIDS}/${group}`);
  }
});

/** Its processes have ended with the host; the kernel lets go of them a moment later. */
async function removeGroup(folder: string): Promise<void> {
  for (let tries = 0; existsSync(folder); tries += 1) {
    try {
      rmdirSync(folder);
    } catch (error) {
      if (tries > 100) throw error;
      await sleep(100);
    }
  }
}
