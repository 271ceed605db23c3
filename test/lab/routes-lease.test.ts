/** Routes and leases: Debian's dhclient with its own script and its exit hook for RFC 3442, and no daemon of ours. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { connect, Dhclient, type DhcpOptions, startDhcpServer } from '../parts/lab/dhcp.ts';
import { connect6, startDhcp6Server } from '../parts/lab/dhcp6.ts';
import { LabHost, unavailable } from '../parts/lab/host.ts';

const skip = unavailable();
const CLASSLESS = 'option rfc3442-classless-static-routes 16, 10, 50, 10, 77, 0, 1, 0, 10, 77, 0, 1;';

async function scene(options: DhcpOptions = {}) {
  const host = await LabHost.create();
  await connect(host);
  const server = await startDhcpServer(host, options);
  return { host, server, [Symbol.asyncDispose]: () => host.close() };
}

/** Configured and applied, no lease before. */
async function apply(host: LabHost, config: string): Promise<void> {
  await host.write('/etc/holdfast/agent.yaml', config);
  const { code, stdout, stderr } = await host.agent('apply');
  assert.equal(code, 0, stdout + stderr);
}

/** Destinations of what is not the kernel's own. */
async function routes(host: LabHost): Promise<string[]> {
  const text = await host.sh('ip -4 -oneline route show table main');
  return text
    .split('\n')
    .flatMap((line) => (line === '' || line.includes('proto kernel') ? [] : line.split(' ')[0]!))
    .sort();
}

/** A lease as at boot, and what it leaves. */
async function leased(host: LabHost): Promise<Dhclient> {
  const client = Dhclient.start(host);
  await client.leased();
  return client;
}

async function goneAgain(host: LabHost, client: Dhclient): Promise<void> {
  await client.kill();
  await host.sh('ip addr flush dev eth0; ip link set eth0 down; rm -f /var/lib/dhcp/*');
}

test('routes lease: routes that a server offers are taken or ignored as configured', { skip }, async (t) => {
  const cases: [ignore: string, offers: string, left: string[]][] = [
    ['', '', ['default']],
    ['', CLASSLESS, ['10.50.0.0/16', 'default']],
    ['routers', '', []],
    // RFC 3442: who takes 121 does not look at 3; so its default route is no router's.
    ['routers', CLASSLESS, ['10.50.0.0/16', 'default']],
    ['classless-routes', CLASSLESS, ['default']],
    ['routers, classless-routes', CLASSLESS, []],
  ];
  for (const [ignore, offers, left] of cases) {
    await t.test(`[${ignore}] of ${offers === '' ? 'a router' : 'a router and classless routes'}`, async () => {
      await using lab = await scene({ offers });
      const { host } = lab;
      if (ignore !== '') await apply(host, `dhclient: { ignore: [${ignore}] }\n`);
      const client = await leased(host);
      assert.deepEqual(await routes(host), left);
      if (ignore === '') return;
      const status = await host.agent('status', '--json');
      const setting = JSON.parse(status.stdout).settings.find(
        (one: { setting: string }) => one.setting === 'dhclient.ignore',
      );
      assert.deepEqual([setting.moments.lease.state, setting.moments.boot.state], ['ok', 'ok'], status.stdout);
      assert.equal(client.declined, 0);
    });
  }
});

test('routes: what is there already stays when it is ignored from now on', { skip }, async () => {
  await using lab = await scene({ lease: 20, renewEvery: 2 });
  const { host } = lab;
  const client = await leased(host);
  assert.deepEqual(await routes(host), ['default']);
  await apply(host, 'dhclient: { ignore: [routers] }\n');
  await client.leased(2);
  assert.deepEqual(await routes(host), ['default']);
});

test('routes: of one interface alone', { skip }, async () => {
  await using lab = await scene();
  const { host } = lab;
  await apply(host, 'dhclient: { interfaces: { eth1: { ignore: [routers] } } }\n');
  const client = await leased(host);
  assert.deepEqual(await routes(host), ['default']);
  await goneAgain(host, client);
  await apply(host, 'dhclient: { interfaces: { eth0: { ignore: [routers] } } }\n');
  await leased(host);
  assert.deepEqual(await routes(host), []);
});

test('configured routes are made by the lease that makes them possible, and go with the configuration', {
  skip,
}, async (t) => {
  await using lab = await scene();
  const { host } = lab;
  let client: Dhclient | null = null;

  await t.test('control: what was made by hand does not outlive a link that goes down', async () => {
    client = await leased(host);
    await host.sh('ip route add 10.60.0.0/16 via 10.77.0.1');
    await goneAgain(host, client);
    client = await leased(host);
    assert.deepEqual(await routes(host), ['default']);
    await goneAgain(host, client);
  });

  await t.test('routes lease: routes applied before there is an address wait for it', async () => {
    await apply(
      host,
      `routes:
  - { to: 10.60.0.0/16, via: 10.77.0.1 }
  - { to: 10.61.0.0/16, nexthops: [{ via: 10.77.0.1, dev: eth0, weight: 2 }, { via: 10.77.0.7, dev: eth0, onlink: true }] }
  - { to: 10.62.0.0/16, via: 10.77.0.1, table: 100, metric: 9, mtu: 1400 }
  - { to: 10.63.0.0/16, via: "fe80::1", dev: eth0 }
  - { to: 10.65.0.0/16, nhid: 42 }
  - { to: 10.64.0.0/16, type: blackhole }\n`,
    );
    assert.deepEqual(await host.sh('ip route show table all proto 72'), 'blackhole 10.64.0.0/16 \n');
    await host.sh('ip nexthop add id 42 blackhole');
  });

  const made = async () => {
    const all = ['10.60.0.0/16', '10.61.0.0/16', '10.63.0.0/16', 'blackhole', 'blackhole', 'default'];
    assert.deepEqual(await routes(host), all);
    assert.match(await host.sh('ip route show 10.65.0.0/16'), /^blackhole .* nhid 42 .*proto (72|holdfast)/);
    const plan = await host.agent('plan', '--only', 'routes');
    assert.equal(plan.code, 0, `as the agent itself would make them: ${plan.stdout}`);
  };

  await t.test('and are there when dhclient has an address', async () => {
    client = await leased(host);
    await made();
    assert.equal(client.declined, 0);
  });

  await t.test('and again after the link was down', async () => {
    await goneAgain(host, client!);
    client = await leased(host);
    await made();
  });

  await t.test('status tells their moments', async () => {
    const status = await host.agent('status', '--json');
    const { moments } = JSON.parse(status.stdout).settings.find(
      (one: { setting: string }) => one.setting === 'routes.10.60.0.0/16',
    );
    assert.deepEqual([moments.now.state, moments.lease.state], ['ok', 'ok'], status.stdout);
  });

  await t.test('the agent knows them as its own', async () => {
    await host.write('/etc/holdfast/agent.yaml', 'routes: [{ to: 10.60.0.0/16, via: 10.77.0.1 }]\n');
    await host.agent('apply');
    assert.deepEqual(await routes(host), ['10.60.0.0/16', 'default']);
    assert.equal(await host.sh('ip route show table 100'), '');
    assert.equal((await host.agent('revert')).code, 0);
    assert.deepEqual(await routes(host), ['default']);
  });
});

test('routes lease: configured routes come back at the events of DHCPv6', { skip }, async (t) => {
  await using host = await LabHost.create();
  // A neighbour that comes before ours shows what the script left, and one after ours what ours made of it.
  for (const when of ['aa-before', 'zzz-after'])
    await host.write(
      `/etc/dhcp/dhclient-exit-hooks.d/${when}`,
      `ip -o route show table all proto 72 | wc -l >"/run/lab/${when}.$reason"\n`,
    );
  await connect6(host);
  const left = async (reason: string) => {
    const read = async (when: string) => Number(await host.read(`/run/lab/${when}.${reason}`));
    return { script: await read('aa-before'), hook: await read('zzz-after') };
  };
  const until = (reason: string) =>
    host.sh(`until [ -s /run/lab/zzz-after.${reason} ]; do sleep 0.05; done; cat /run/lab/zzz-after.${reason}`);
  const quick = { lease: 3, preferred: 3, renewEvery: 1, rebindAfter: 2 };
  let server = await startDhcp6Server(host, quick);
  await host.sh('ip -6 addr add 2001:db8:5::5/64 dev eth0 nodad');
  const routes = `routes:
  - { to: 2001:db8:90::/48, via: "fe80::1", dev: eth0 }
  - { to: 2001:db8:5::/64, dev: eth0, metric: 256 }
  - { to: 10.90.0.0/16, via: "fe80::1", dev: eth0 }
  - { to: 2001:db8:91::/48, type: blackhole }
`;
  await host.write('/etc/holdfast/agent.yaml', routes);
  // The kernel has made the second route already, with the address.
  await host.sh('ip -6 route del 2001:db8:5::/64 dev eth0');
  const { code, stdout, stderr } = await host.agent('apply');
  assert.equal(code, 0, stdout + stderr);

  await t.test('PREINIT6, which takes permanent addresses away, and the route to their network with them', async () => {
    await Dhclient.start(host, { family: 6 }).leased();
    assert.deepEqual(await left('PREINIT6'), { script: 3, hook: 4 });
    assert.deepEqual(await left('BOUND6'), { script: 4, hook: 4 });
  });

  await t.test('RENEW6 of the same address starts no process', async () => {
    await host.sh('ip -6 route del 2001:db8:90::/48; rm -f /run/lab/zzz-after.RENEW6');
    await until('RENEW6');
    assert.deepEqual(await left('RENEW6'), { script: 3, hook: 3 });
  });

  await t.test('EXPIRE6 and BOUND6 after it', async () => {
    await server.stop();
    await host.sh('rm -f /run/lab/zzz-after.*');
    await until('EXPIRE6');
    assert.deepEqual(await left('EXPIRE6'), { script: 3, hook: 4 });
    await host.sh('ip link set eth0 down; ip link set eth0 up');
    server = await startDhcp6Server(host, quick);
    await until('BOUND6');
    assert.deepEqual(await left('BOUND6'), { script: 1, hook: 4 });
    const plan = await host.agent('plan', '--only', 'routes');
    assert.equal(plan.code, 0, `as the agent itself would make them: ${plan.stdout}`);
  });

  await t.test('RENEW6 of a stateless dhclient, after the link was down', async () => {
    await host.sh(`dhclient -6 -x -pf /run/dhclient6.eth0.pid -lf /var/lib/dhcp/dhclient6.eth0.leases eth0
      ip link set eth0 down; ip link set eth0 up; rm -f /run/lab/zzz-after.*
      until ip -6 addr show dev eth0 scope link | grep -q inet6; do sleep 0.05; done
      dhclient -S -v -pf /run/dhclient6.eth0.pid eth0`);
    await until('RENEW6');
    assert.deepEqual(await left('RENEW6'), { script: 1, hook: 4 });
  });
});
