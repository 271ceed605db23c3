/** `dhcp:` on a host whose dhcpcd takes DHCPv6 and router advertisements. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { connect, startDhcpServer } from '../parts/lab/dhcp.ts';
import { connect6, startDhcp6Server } from '../parts/lab/dhcp6.ts';
import { Dhcpcd, noDhcpcd } from '../parts/lab/dhcpcd.ts';
import { LabHost } from '../parts/lab/host.ts';
import { nameservers } from '../parts/lab/scene.ts';
import { watchDeletions } from '../parts/lab/watch.ts';

const skip = noDhcpcd;

const CONF = `persistent
option dhcp6_name_servers, dhcp6_domain_search, dhcp6_sntp_servers
slaac hwaddr
noarp
nodelay
interface eth0
ia_na 1
`;

const WITNESS = `case "$reason" in BOUND6 | RENEW6 | ROUTERADVERT)
    echo "$reason \${new_dhcp6_sntp_servers-none}" >>/run/lab/seen ;;
esac
`;

/** DHCPv6 that renews every second, and a router that announces itself, a prefix and a name server of its own. */
async function dualHost(conf = CONF) {
  const host = await LabHost.create();
  try {
    await host.write('/etc/dhcpcd.conf', conf);
    await host.write('/etc/dhcpcd.exit-hook', WITNESS);
    await connect(host);
    await connect6(host);
    await startDhcpServer(host, { renewEvery: 200 });
    const offers = 'option dhcp6.name-servers 2001:db8::53; option dhcp6.sntp-servers 2001:db8::123;';
    await startDhcp6Server(host, { renewEvery: 1, offers });
    const dnsmasq = ['dnsmasq', '--keep-in-foreground', '--conf-file=/dev/null', '--port=0', '--user=root'];
    const router = ['--enable-ra', '--dhcp-range=2001:db8::,ra-only,64,600', '--ra-param=srv0,4,1800'];
    const names = ['--dhcp-option=option6:dns-server,[2001:db8::54]', '--interface=srv0', '--pid-file=/run/lab/ra.pid'];
    await host.sh('sysctl -qw net.ipv6.conf.srv0.forwarding=1', { where: 'server' });
    host.spawn([...dnsmasq, ...router, ...names], { where: 'server' });
    const client = Dhcpcd.start(host);
    await client.log.until(/executing: .*dhcpcd-run-hooks ROUTERADVERT/);
    // dhcpcd says that it starts the script before the script has written anything.
    await events(client, 'RENEW6', 1);
    return { host, client, [Symbol.asyncDispose]: () => host.close() };
  } catch (error) {
    await host.close();
    throw error;
  }
}

async function events(client: Dhcpcd, reason: string, count: number): Promise<void> {
  const event = new RegExp(`executing: .*dhcpcd-run-hooks ${reason}$`);
  let from = client.log.lines.length;
  // The script of one event has ended when the next one begins.
  for (let n = 0; n <= count; n++) from = (await client.log.indexOf(event, from)) + 1;
}

const seen = async (host: LabHost, reason: string) =>
  (await host.read('/run/lab/seen'))
    .split('\n')
    .filter((line) => line.startsWith(reason))
    .at(-1);
const routers = (host: LabHost) => host.sh('ip -6 route show default');
const ofDhcp = async (host: LabHost) => {
  const { settings } = JSON.parse((await host.agent('status', '--json')).stdout);
  return Object.fromEntries(
    (settings as { setting: string; moments: Record<string, { state: string; reason?: string }> }[]).map((one) => [
      one.setting,
      one.moments,
    ]),
  );
};

test('dhcpcd IPv6: options and name servers of DHCPv6 are the configured ones at each renewal', { skip }, async () => {
  await using made = await dualHost();
  const { host, client } = made;
  assert.equal(await seen(host, 'RENEW6'), 'RENEW6 2001:db8::123');
  assert.ok(nameservers(await host.read('/etc/resolv.conf')).includes('2001:db8::53'));
  const deletions = await watchDeletions(host);
  await host.write(
    '/etc/holdfast/agent.yaml',
    `dns: { nameservers: ["2001:db8::21", 10.77.0.21], search: [held.example] }
dhcp: { supersede: { dhcp6.sntp-servers: ["2001:db8::99"] } }
`,
  );
  assert.equal((await host.agent('apply')).code, 0);
  for (let n = 0; n < 10; n++) {
    await events(client, 'RENEW6', 1);
    assert.equal(await seen(host, 'RENEW6'), 'RENEW6 2001:db8::99');
    assert.deepEqual(nameservers(await host.read('/etc/resolv.conf')), ['2001:db8::21', '10.77.0.21']);
  }
  assert.equal((await ofDhcp(host))['dhcp.supersede.dhcp6.sntp-servers']!.lease!.state, 'ok');
  assert.deepEqual(await deletions.stop(), []);
  assert.equal((await host.agent('revert')).code, 0);
  await events(client, 'RENEW6', 1);
  assert.equal(await seen(host, 'RENEW6'), 'RENEW6 2001:db8::123');
});

test('dhcpcd IPv6 control: with noipv6rs alone the kernel takes the router in place of dhcpcd', { skip }, async () => {
  await using made = await dualHost();
  await made.client.kill();
  await made.host.write('/etc/dhcpcd.conf', `noipv6rs\n${CONF}`);
  await fresh(made.host);
  await made.host.sh('sysctl -qw net.ipv6.conf.eth0.accept_ra=1');
  const again = Dhcpcd.start(made.host);
  await again.log.until(/executing: .*dhcpcd-run-hooks REBOOT6/);
  await advertised(made.host);
  assert.match(await routers(made.host), /proto ra/);
});

test('dhcpcd IPv6: ignored advertisements are pending, and neither dhcpcd nor the kernel takes them after the start', {
  skip,
}, async () => {
  await using made = await dualHost();
  const { host, client } = made;
  const deletions = await watchDeletions(host);
  assert.match(await routers(host), /proto ra/);
  assert.ok(nameservers(await host.read('/etc/resolv.conf')).includes('2001:db8::54'));
  await host.write('/etc/holdfast/agent.yaml', 'dhcp: { ignore: [router-advertisements] }\n');
  assert.equal((await host.agent('apply')).code, 0);
  await events(client, 'ROUTERADVERT', 1);
  assert.deepEqual(nameservers(await host.read('/etc/resolv.conf')), ['2001:db8::53']);
  assert.match(await routers(host), /proto ra/, 'the running dhcpcd keeps its router');
  assert.deepEqual(await deletions.stop(), []);
  assert.match((await ofDhcp(host))['dhcp.ignore']!.lease!.reason!, /^pending until the next start of dhcpcd/);

  await client.kill();
  await fresh(host);
  await host.sh('sysctl -qw net.ipv6.conf.eth0.accept_ra=1; sysctl -q -p /etc/sysctl.d/60-holdfast.conf');
  const again = Dhcpcd.start(host);
  await again.log.until(/executing: .*dhcpcd-run-hooks REBOOT6/);
  await advertised(host);
  assert.equal(await routers(host), '');
  assert.equal((await host.sh('cat /proc/sys/net/ipv6/conf/eth0/accept_ra')).trim(), '0');
  assert.deepEqual(
    Object.values((await ofDhcp(host))['dhcp.ignore']!).map(({ state }) => state),
    ['ok', 'ok'],
  );
});

/** As after a boot: no address and no route. What Holdfast's file in /etc/sysctl.d says is set before the network. */
async function fresh(host: LabHost): Promise<void> {
  await host.sh(
    'ip link set eth0 down; ip addr flush dev eth0; ip -6 route flush dev eth0; sysctl -qw net.ipv6.conf.eth0.addr_gen_mode=0',
  );
}

/** Waits until one more advertisement has come in. The kernel counts each one, whoever acts on it. */
async function advertised(host: LabHost): Promise<void> {
  const count = 'awk \'$1 == "Icmp6InRouterAdvertisements" { print $2 }\' /proc/net/dev_snmp6/eth0';
  await host.sh(`before=$(${count}); until [ "$(${count})" -gt "$before" ]; do sleep 0.1; done`);
}
