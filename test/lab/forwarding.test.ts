/** A host that begins to forward IPv6 while its own default route comes by router advertisement. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { startNameServer } from '../parts/lab/dhcp.ts';
import { LabHost, unavailable } from '../parts/lab/host.ts';

const skip = unavailable();

const defaultRoute = (host: LabHost) => host.sh('ip -6 route show default proto ra');

/** Advertises itself as router on the far side of eth0, every few seconds; the host has heard it. */
async function advertised(): Promise<LabHost> {
  const host = await LabHost.create();
  const server = { where: 'server' } as const;
  // Without forwarding, neighbour advertisements say "no router", and the host forgets the router (RFC 4861, 7.2.5).
  await host.sh('echo 1 >/proc/sys/net/ipv6/conf/all/forwarding; ip link set lo up; ip link set srv0 up', server);
  await host.sh('ip addr add fd77::1/64 dev srv0 nodad', server);
  const flags = ['--enable-ra', '--dhcp-range=fd77::,ra-only', '--ra-param=srv0,4,600', '--interface=srv0', '--port=0'];
  await startNameServer(host, '10.77.0.53', {}, flags);
  await host.sh('ip link set eth0 up');
  await until(host, (routes) => routes !== '');
  return host;
}

async function until(host: LabHost, holds: (routes: string) => boolean): Promise<void> {
  for (let tries = 0; !holds(await defaultRoute(host)); tries += 1) {
    assert.ok(tries < 300, 'no router advertisement came');
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
}

const YAML = 'forwarding: { ipv6: true }\n';
const KEEPS = 'sysctl: { net.ipv6.conf.eth0.accept_ra: 2 }\n';

test('forwarding control: forwarding switched on by hand takes the default route away', { skip }, async () => {
  await using host = await advertised();
  await host.sh('echo 1 >/proc/sys/net/ipv6/conf/all/forwarding');
  assert.equal(await defaultRoute(host), '');
});

test('forwarding: it is refused while the default route would go, also at boot; with accept_ra 2 it is kept', {
  skip,
}, async () => {
  await using host = await advertised();
  await host.write('/etc/holdfast/agent.yaml', YAML);
  const refused = await host.agent('apply');
  assert.equal(refused.code, 4);
  assert.match(
    refused.stdout + refused.stderr,
    /eth0 would lose its IPv6 default route .* net\.ipv6\.conf\.eth0\.accept_ra: 2/,
  );
  assert.equal(await host.sh('cat /proc/sys/net/ipv6/conf/all/forwarding'), '0\n');
  assert.equal(host.exists('/etc/sysctl.d/60-holdfast.conf'), false);
  assert.notEqual(await defaultRoute(host), '');

  await host.write('/etc/holdfast/agent.yaml', YAML + KEEPS);
  // A route that is gone only for a moment would also be seen.
  const watched = host.spawn(['ip', '-6', 'monitor', 'route']);
  let changes = '';
  watched.stdout!.on('data', (data) => {
    changes += data;
  });
  await host.sh('until pgrep -x ip >/dev/null; do sleep 0.05; done');
  const applied = await host.agent('apply');
  assert.equal(applied.code, 0, applied.stdout + applied.stderr);
  assert.equal(await host.sh('cat /proc/sys/net/ipv6/conf/eth0/forwarding'), '1\n');
  assert.match(await defaultRoute(host), /dev eth0/, `${applied.stdout}${changes}`);
  assert.match(
    await host.read('/etc/sysctl.d/60-holdfast.conf'),
    /accept_ra = 2\nnet\.ipv6\.conf\.all\.forwarding = 1\n/,
  );
  await host.sh('pkill -x ip || true');
  assert.doesNotMatch(changes, /Deleted default/);
  assert.equal((await host.agent('plan')).code, 0);
});

test('forwarding: an interface that comes later forwards, and answers no one with redirects', { skip }, async () => {
  await using host = await LabHost.create();
  await host.write('/etc/holdfast/agent.yaml', 'forwarding: { ipv4: true, ipv6: true, redirects: off }\n');
  const applied = await host.agent('apply');
  assert.equal(applied.code, 0, applied.stdout + applied.stderr);
  await host.sh('ip link add later type veth peer name other; ip addr add 10.9.0.1/24 dev later; ip link set later up');
  const values = await host.sh(
    'cd /proc/sys/net; cat ipv4/conf/later/forwarding ipv6/conf/later/forwarding ipv4/conf/later/send_redirects ipv4/conf/later/accept_redirects ipv6/conf/later/accept_redirects | tr "\\n" " "',
  );
  assert.equal(values.trim(), '1 1 0 0 0');
  const plan = await host.agent('plan');
  assert.equal(plan.code, 0, plan.stdout);
});
