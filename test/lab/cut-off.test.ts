/** A cloud's /32: a change that would leave the host without its default route is refused beforehand, with the cure. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { LabHost, unavailable } from '../parts/lab/host.ts';

const skip = unavailable();
const HOOK = '/etc/dhcp/dhclient-enter-hooks.d/zz-holdfast';

const config = (ignore: string, routes: string) => `dhclient: { ignore: [${ignore}] }\nroutes: [${routes}]\n`;
const VIA = '{ to: 0.0.0.0/0, via: 10.156.0.1, dev: eth0 }';

test('cut-off: plan, apply and status refuse ignored offers beside a default route that the kernel refuses', {
  skip,
}, async () => {
  await using host = await LabHost.create();
  await host.sh(`ip link set eth0 up; ip -n server link set srv0 up; ip addr add 10.156.0.7/32 dev eth0
    ip route add 10.156.0.1 dev eth0 proto dhcp; ip route add default via 10.156.0.1 dev eth0 proto dhcp`);
  const configured = async (yaml: string) => {
    await host.write('/etc/holdfast/agent.yaml', yaml);
    return host.agent('apply');
  };
  for (const ignore of ['classless-routes', 'routers', 'routers, classless-routes']) {
    const refused = await configured(config(ignore, VIA));
    assert.equal(refused.code, 4, refused.stdout);
    assert.match(
      refused.stdout,
      /lose its default route.*10\.156\.0\.1 is in no network of eth0 \(10\.156\.0\.7\/32.*onlink: true/,
    );
    assert.equal((await host.run(['test', '-e', HOOK])).code, 1);
  }
  const [plan, status] = [await host.agent('plan'), await host.agent('status')];
  for (const { stdout } of [plan, status]) assert.match(stdout, /write onlink: true/i);
  assert.equal(plan.code, 2);
  const anywhere = await configured(config('routers', '{ to: 0.0.0.0/0, via: 10.156.0.1 }'));
  assert.match(anywhere.stdout, /lose its default route.*Write dev: eth0 and onlink: true beside via: 10\.156\.0\.1/);
  const halves = '{ to: 0.0.0.0/1, via: 10.156.0.1, dev: eth0 }, { to: 128.0.0.0/1, via: 10.156.0.1, dev: eth0 }';
  assert.match((await configured(config('classless-routes', halves))).stdout, /lose its default route/);
  const ipv6 = await configured(config('classless-routes', '{ to: "::/0", via: "2001:db8:1::1", dev: eth0 }'));
  assert.doesNotMatch(ipv6.stdout, /lose its default route/, 'of IPv6 nothing is ignored');
  await host.sh(`rm -f ${HOOK}`);
  // Each of these is a way for the kernel to reach the gateway without the lease.
  for (const routes of [VIA.replace(' }', ', onlink: true }'), `{ to: 10.156.0.1/32, dev: eth0 }, ${VIA}`]) {
    const taken = await configured(config('classless-routes', routes));
    assert.equal(taken.code, 0, `${routes}: the route that is there leads the same way. ${taken.stdout}`);
    assert.equal((await host.run(['test', '-e', HOOK])).code, 0, routes);
    await host.sh(`rm -f ${HOOK}`);
  }
  await host.sh('ip addr add 10.156.0.8/24 dev eth0');
  assert.doesNotMatch((await configured(config('routers', VIA))).stdout, /lose its default route/);
});

test('cut-off: plan and apply name the cure for a gateway outside the networks of its interface', {
  skip,
}, async () => {
  await using host = await LabHost.create();
  await host.sh('ip link set eth0 up; ip -n server link set srv0 up; ip addr add 10.156.0.7/32 dev eth0');
  await host.write('/etc/holdfast/agent.yaml', `routes: [${VIA}]\n`);
  for (const command of ['plan', 'apply', 'status']) {
    const { stdout } = await host.agent(command);
    assert.match(stdout, /10\.156\.0\.1 is in no network on eth0 now; .*onlink: true/, command);
  }
  await host.sh('ln -s /lib/systemd/system/holdfast-apply.service /etc/systemd/system/multi-user.target.wants/');
  const moments = async () => JSON.parse((await host.agent('status', '--json')).stdout).settings[0].moments;
  const { now, lease, boot } = await moments();
  assert.deepEqual([now.state, lease.state, boot.state], ['unknown', 'unknown', 'unknown']);
  assert.match(lease.reason, /is in no network on eth0 now/);
  await host.write('/etc/holdfast/agent.yaml', `routes: [${VIA.replace(' }', ', onlink: true }')}]\n`);
  assert.equal((await host.agent('apply')).code, 0);
  assert.match(await host.sh('ip route show default'), /via 10\.156\.0\.1 dev eth0/);
  const held = await moments();
  assert.deepEqual([held.now.state, held.lease.state, held.boot.state], ['ok', 'ok', 'ok']);
  // The kernel refuses one route, and another program's route is in the place of the second.
  await host.sh('ip route add 10.8.0.0/16 via 10.156.0.1 dev eth0 onlink');
  const wrong = '{ to: 10.7.0.0/16, via: 10.156.0.7, dev: eth0, onlink: true }, { to: 10.8.0.0/16, type: blackhole }';
  await host.write('/etc/holdfast/agent.yaml', `routes: [${wrong}]\n`);
  assert.equal((await host.agent('apply')).code, 4);
  for (const view of JSON.parse((await host.agent('status', '--json')).stdout).settings)
    assert.deepEqual([view.moments.lease.state, view.moments.boot.state], ['unknown', 'unknown'], view.setting);
});

test('cut-off: a static route by a gateway that only an ignored offer makes reachable: its lease is in doubt', {
  skip,
}, async () => {
  await using host = await LabHost.create();
  await host.sh(`ip link set eth0 up; ip -n server link set srv0 up; ip addr add 10.156.0.7/32 dev eth0
    ip route add 10.156.0.1 dev eth0 proto dhcp; mkdir -p /etc/systemd/system/multi-user.target.wants
    ln -sf /lib/systemd/system/holdfast-apply.service /etc/systemd/system/multi-user.target.wants/`);
  const lease = async (ignore: string, routes: string) => {
    await host.write('/etc/holdfast/agent.yaml', config(ignore, routes));
    const { code, stdout } = await host.agent('apply');
    assert.equal(code, 0, stdout);
    const { settings } = JSON.parse((await host.agent('status', '--json')).stdout);
    return settings.find(({ setting }: { setting: string }) => setting.startsWith('routes.10.9.')).moments.lease;
  };
  const STATIC = '{ to: 10.9.0.0/16, via: 10.156.0.1, dev: eth0 }';
  for (const routes of [STATIC, '{ to: 10.9.0.0/16, via: 10.156.0.1 }']) {
    const { state, reason } = await lease('classless-routes', routes);
    assert.equal(state, 'unknown', routes);
    assert.match(reason, /10\.156\.0\.1 is in no network of eth0, and eth0 ignores the server's routes.*onlink: true/);
  }
  // The controls: nothing is ignored, or the kernel has a way of its own.
  await host.write('/etc/holdfast/agent.yaml', `routes: [${STATIC}]\n`);
  assert.equal((await host.agent('apply')).code, 0);
  for (const routes of [STATIC.replace(' }', ', onlink: true }'), `{ to: 10.156.0.1/32, dev: eth0 }, ${STATIC}`])
    assert.equal((await lease('classless-routes', routes)).state, 'ok', routes);
  await host.sh('ip addr add 10.156.0.8/24 dev eth0');
  assert.equal((await lease('routers', STATIC)).state, 'ok');
});

test('cut-off: a gateway is refused as long as it is an address of this host', {
  skip,
}, async () => {
  await using host = await LabHost.create();
  await host.sh(`ip link set lo up; ip link set eth0 up; ip -n server link set srv0 up; ip addr add 10.156.0.7/24 dev eth0
    ip -6 addr add 2001:db8:1::7/64 dev eth0 nodad`);
  // The control: the kernel takes it.
  await host.sh('ip route add 10.5.0.0/16 via 10.156.0.7; ip route del 10.5.0.0/16');
  for (const [route, own] of [
    ['{ to: 0.0.0.0/0, via: 10.156.0.7, dev: eth0 }', '10\\.156\\.0\\.7'],
    ['{ to: 0.0.0.0/0, via: 10.156.0.7 }', '10\\.156\\.0\\.7'],
    ['{ to: 10.5.0.0/16, via: 127.0.0.1 }', '127\\.0\\.0\\.1'],
    ['{ to: "::/0", via: "2001:db8:1::7", dev: eth0 }', '2001:db8:1::7'],
  ]) {
    await host.write('/etc/holdfast/agent.yaml', `routes: [${route}]\n`);
    const { stdout } = await host.agent('apply');
    assert.match(stdout, new RegExp(`${own} is an address of this host itself`), `${route}: ${stdout}`);
    assert.equal((await host.sh('ip route show proto 72; ip -6 route show proto 72')).trim(), '', route);
  }
  await host.write('/etc/holdfast/agent.yaml', 'routes: [{ to: 0.0.0.0/0, via: 10.156.0.7, dev: eth0 }]\n');
  await host.sh(
    'ip addr add 10.156.0.9/24 dev eth0; ip addr del 10.156.0.7/24 dev eth0; ip addr add 10.156.0.9/24 dev eth0 || :',
  );
  assert.equal((await host.agent('apply')).code, 0);
  assert.match(await host.sh('ip route show default'), /via 10\.156\.0\.7 dev eth0/);
});
