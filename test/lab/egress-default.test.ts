/** `egress: { default: bgp }` on a host with a real dhclient and gateways that speak BGP: never without a default route. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { RunningAgent } from '../parts/lab/daemon.ts';
import { connect, Dhclient, startDhcpServer } from '../parts/lab/dhcp.ts';
import { BGP_PARTS, hostWithGateways } from '../parts/lab/gateways.ts';
import { type LabHost, unavailable } from '../parts/lab/host.ts';

const skip = unavailable(BGP_PARTS);
/** The wire with the DHCP server; the gateways have the first two. */
const WIRE = 2;

const defaults = async (host: LabHost) => (await host.sh('ip -4 -o route show default')).trim().split('\n');
const dhcp = async (host: LabHost) =>
  (await defaults(host)).filter((line) => line.includes('eth2')).map((line) => line.trim());
/** The route to an address that no host has. */
const used = (host: LabHost) => host.sh('ip -4 route get 198.18.0.1');
const bgp = (host: LabHost, deed: 'enable' | 'disable') =>
  host.sh(`birdc -s /run/lab/host.ctl ${deed} all
  for i in $(seq 300); do ip -4 route show default | grep -q bird && is=enable || is=disable
    [ $is = ${deed} ] && exit 0; sleep 0.1; done; exit 1`);

test('egress: the default route is BGP’s, once it has answered', { skip }, async (t) => {
  await using scene = await hostWithGateways('bird', ['frr', 'bird'], 1);
  const { host } = scene;

  await t.test('without a lease there is nothing to do', async () => {
    await host.write('/etc/holdfast/agent.yaml', 'egress: { default: bgp }\n');
    const plan = await host.agent('plan', '--only', 'egress');
    assert.deepEqual([plan.code, plan.stderr], [0, '']);
    assert.match(plan.stdout, /IPv4 default route: skipped: no lease of a running dhclient gives a gateway/);
  });

  await connect(host, WIRE);
  await startDhcpServer(host, { wire: WIRE, renewEvery: 2 });
  let client = Dhclient.start(host, { wire: WIRE });
  await client.leased();

  await t.test('the control: that of the DHCP server has no metric, and hides BGP’s', async () => {
    assert.equal((await defaults(host)).length, 2);
    assert.match(await used(host), /via 10\.77\.2\.1 dev eth2/);
  });

  await bgp(host, 'disable');
  await t.test('without BGP’s it goes behind, where it is used as before', async () => {
    const { code, stdout } = await host.agent('apply');
    assert.equal(code, 0, stdout);
    assert.deepEqual(await defaults(host), ['default via 10.77.2.1 dev eth2 proto dhcp metric 4261412864']);
    assert.match(await used(host), /dev eth2/);
    const status = await host.agent('status');
    assert.match(status.stdout, /^egress\.default +✓ +✓ +✓ +bgp$/m);
    await host.sh('ip route del default; ip route add default via 10.77.2.1 dev eth2');
  });

  await t.test('a static one behind it changes nothing', async () => {
    await host.sh('ip route add default via 10.88.0.9 dev eth0 metric 100 proto static');
    const { stdout } = await host.agent('apply');
    assert.match(
      stdout,
      /skipped: DHCP's route stays as it is: another program's default route is behind it \(static metric 100\)/,
    );
    assert.match(await used(host), /dev eth2/);
    await host.sh('ip route del default metric 100');
  });

  await t.test('BGP’s with a gateway that does not answer changes nothing', async () => {
    await host.sh('ip route add default via 10.88.0.9 dev eth0 proto bird metric 32');
    const { stdout } = await host.agent('apply');
    assert.match(
      stdout,
      /the default route by 10\.88\.0\.9 on eth0 \(bird\) waits: 10\.88\.0\.9 on eth0 has not answered/,
    );
    assert.match(await used(host), /dev eth2/);
  });

  await t.test('a gateway that was last heard of long ago is asked, and its answer counts', async () => {
    await scene.gateways[0]!.sh('ip addr add 10.88.0.9/24 dev wan');
    const mac = (await scene.gateways[0]!.sh('cat /sys/class/net/wan/address')).trim();
    await host.sh(`ip neigh del 10.88.0.9 dev eth0; ip neigh add 10.88.0.9 lladdr ${mac} dev eth0 nud stale`);
    const { code, stdout } = await host.agent('apply');
    assert.equal(code, 0, stdout);
    assert.deepEqual(await dhcp(host), ['default via 10.77.2.1 dev eth2 proto dhcp metric 4261412864']);
    await host.sh(
      'ip route del default via 10.88.0.9; ip route del default; ip route add default via 10.77.2.1 dev eth2',
    );
  });

  await bgp(host, 'enable');
  await t.test('BGP’s is there: the other goes behind it, with no moment without', async () => {
    const plan = await host.agent('plan');
    assert.match(plan.stdout, /default via 10\.77\.2\.1 dev eth2: metric 0 → metric 4261412864/);
    const monitor = host.spawn(['ip', '-4', '-o', 'monitor', 'route']);
    let told = '';
    monitor.stdout!.on('data', (chunk) => {
      told += chunk;
    });
    while (told === '') await host.sh('ip route add blackhole 192.0.2.1; ip route del blackhole 192.0.2.1');
    const { code, stdout } = await host.agent('apply');
    assert.equal(code, 0, stdout);
    while (!/^Deleted default via 10\.77\.2\.1/m.test(told)) await new Promise((resolve) => setTimeout(resolve, 20));
    assert.ok(
      told.indexOf('default via 10.77.2.1 dev eth2 proto dhcp metric 4261412864') < told.indexOf('Deleted default'),
      told,
    );
    assert.deepEqual(await dhcp(host), ['default via 10.77.2.1 dev eth2 proto dhcp metric 4261412864']);
    assert.match(await used(host), /via 10\.88\./);
    assert.match((await host.agent('apply')).stdout, /^\d+ as wanted, 0 changed$/m);
  });

  await t.test('what is only applied never takes the last way out, and puts back what somebody took', async () => {
    await bgp(host, 'disable');
    assert.match(await used(host), /dev eth2/);
    await host.sh('ip route del default');
    assert.deepEqual(await defaults(host), ['']);
    const { code, stdout } = await host.agent('apply');
    assert.equal(code, 0, stdout);
    assert.match(await used(host), /dev eth2/);
    await bgp(host, 'enable');
  });

  await t.test('a rehearsal says what the next lease makes of it', async () => {
    const { code, stdout } = await host.agent('rehearse', 'lease');
    assert.equal(code, 0, stdout);
    assert.match(stdout, /10\.77\.2\.1.*4261412864/);
  });

  const again = async () => {
    await client.kill();
    client = Dhclient.start(host, { wire: WIRE });
    await client.leased();
  };

  await t.test('a new lease brings it behind, whether an agent runs or not', async () => {
    await host.sh('ip route del default dev eth2');
    await again();
    assert.match((await dhcp(host)).join(), /^default via 10\.77\.2\.1 dev eth2 metric 4261412864$/);
    assert.equal(client.declined, 0);
  });

  await t.test('the daemon takes it away, through every lease, and gives it back when BGP’s goes', async (t) => {
    const agent = await RunningAgent.start(host);
    const dropped = await agent.event('holdfast.egress.dropped');
    assert.match(
      dropped.msg,
      /deleted DHCP's default route by 10\.77\.2\.1 on eth2: the default route by 10\.88\..* stands/,
    );
    assert.deepEqual(await dhcp(host), []);
    await client.leased(2);
    await again();
    assert.equal(client.declined, 0);
    assert.deepEqual(await dhcp(host), []);
    await agent.signal('HUP');
    await agent.event('holdfast.config.changed');
    assert.deepEqual(await dhcp(host), []);

    const since = Date.now();
    await host.sh('birdc -s /run/lab/host.ctl disable all');
    const back = await agent.event('holdfast.egress.put_back');
    assert.match(back.msg, /put back DHCP's default route by .*, behind all others: there is no default route by BGP/);
    assert.match(await used(host), /dev eth2/);
    t.diagnostic(`BGP's was taken away: the other was there after ${Date.parse(String(back.time)) - since} ms`);
    await agent.stop();
  });

  await t.test('an agent that ends gives it back; one that is killed leaves that to the hook', async () => {
    await bgp(host, 'enable');
    const agent = await RunningAgent.start(host);
    await agent.event('holdfast.egress.dropped');
    assert.deepEqual(await dhcp(host), []);
    await agent.stop();
    assert.deepEqual(await dhcp(host), ['default via 10.77.2.1 dev eth2 proto dhcp metric 4261412864']);

    await host.sh('echo dropped >/run/holdfast/egress; ip route del default dev eth2');
    await again();
    assert.deepEqual(await dhcp(host), [], 'BGP’s is there');
    await host.sh('birdc -s /run/lab/host.ctl disable all');
    await again();
    assert.match((await dhcp(host)).join(), /metric 4261412864/);
  });

  for (const word of ['behind', 'dropped']) {
    await t.test(
      `taken out of the configuration while it is ${word}: apply makes it what dhclient-script makes it`,
      async () => {
        const config = await host.read('/etc/holdfast/agent.yaml');
        if (word === 'dropped') await host.sh('echo dropped >/run/holdfast/egress; ip route del default dev eth2');
        await host.write('/etc/holdfast/agent.yaml', 'hold: nothing\n');
        const plan = await host.agent('plan');
        assert.match(plan.stdout, /egress is no longer configured/);
        const { code, stdout, stderr } = await host.agent('apply');
        assert.equal(code, 0, stdout + stderr);
        assert.deepEqual(await dhcp(host), ['default via 10.77.2.1 dev eth2']);
        assert.equal(host.exists('/run/holdfast/egress'), false);
        assert.equal((await host.agent('apply')).code, 0);
        await host.write('/etc/holdfast/agent.yaml', config);
        assert.equal((await host.agent('apply')).code, 0);
        assert.match((await dhcp(host)).join(), /metric 4261412864/);
      },
    );
  }

  await t.test('a daemon that is told to keep it no longer gives it its own metric again', async () => {
    const config = await host.read('/etc/holdfast/agent.yaml');
    const agent = await RunningAgent.start(host);
    await host.write('/etc/holdfast/agent.yaml', 'hold: nothing\n');
    await agent.signal('HUP');
    await host.sh(
      `for i in $(seq 600); do ip -4 route show default dev eth2 | grep -q metric || exit 0; sleep 0.1; done; exit 1`,
    );
    assert.deepEqual(await dhcp(host), ['default via 10.77.2.1 dev eth2']);
    await agent.stop();
    await host.write('/etc/holdfast/agent.yaml', config);
    assert.equal((await host.agent('apply')).code, 0);
  });

  await t.test('revert makes it what dhclient-script makes it', async () => {
    const { code, stdout } = await host.agent('revert');
    assert.equal(code, 0, stdout);
    assert.match((await dhcp(host)).join(), /^default via 10\.77\.2\.1 dev eth2$/);
    assert.equal(host.exists('/run/holdfast/egress'), false);
  });
});

test('egress: with FRR and its nexthop objects, and a server that gives the route by option 121', {
  skip,
}, async () => {
  await using scene = await hostWithGateways('frr', ['frr', 'bird'], 1);
  const { host } = scene;
  await connect(host, WIRE);
  await startDhcpServer(host, { wire: WIRE, offers: 'option rfc3442-classless-static-routes 0, 10, 77, 2, 1;' });
  await host.write('/etc/holdfast/agent.yaml', 'egress: { default: bgp, dhcp: behind }\n');
  assert.equal((await host.agent('apply')).code, 0);
  const client = Dhclient.start(host, { wire: WIRE });
  await client.leased();
  // Debian's exit hook makes it, and knows no metric.
  assert.deepEqual(await dhcp(host), ['default via 10.77.2.1 dev eth2']);
  const bgpIs = (wanted: 'there' | 'gone') =>
    host.sh(`for i in $(seq 300); do
    ip -4 route show default | grep -q 'proto bgp' && is=there || is=gone; [ $is = ${wanted} ] && exit 0; sleep 0.1; done; exit 1`);
  // The control: FRR takes its own out of the kernel, also if the other has a higher metric.
  await bgpIs('gone');
  await host.sh('ip route replace default via 10.77.2.1 dev eth2 metric 20000; ip route del default metric 0');
  await host.sh('sleep 5');
  assert.deepEqual(await defaults(host), ['default via 10.77.2.1 dev eth2 metric 20000']);

  const { code, stdout } = await host.agent('apply');
  assert.equal(code, 0, stdout);
  assert.deepEqual(await dhcp(host), ['default via 10.77.2.1 dev eth2 proto dhcp metric 4261412864']);
  await bgpIs('there');
  assert.match(await used(host), /via 10\.88\./);

  const agent = await RunningAgent.start(host);
  await host.sh('ip route add default via 10.77.2.1 dev eth2');
  await agent.event('holdfast.heal');
  await bgpIs('there');
  assert.deepEqual(await dhcp(host), ['default via 10.77.2.1 dev eth2 proto dhcp metric 4261412864']);
  await agent.stop();
});
