/** DHCPv6: a stale dhclient -6, alone and beside one for IPv4 whose lease says otherwise, through each event of its script. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { connect, Dhclient, type DhcpServer, startDhcpServer } from '../parts/lab/dhcp.ts';
import { connect6, type Dhcp6Options, startDhcp6Server } from '../parts/lab/dhcp6.ts';
import { LabHost, unavailable } from '../parts/lab/host.ts';
import { AGENT_YAML, apply, holds, NEW, nameservers, OLD, OLD_DHCLIENT_CONF } from '../parts/lab/scene.ts';
import { watchFile } from '../parts/lab/watch.ts';

const skip = unavailable();

/** What the DHCPv6 server offers first, and later. */
const OFFERED = ['2001:db8::11', '2001:db8::12'];
const LATER = ['2001:db8::13'];

/** T1, T2, deprecation and expiry come within seconds, each at a second of its own. */
const QUICK: Dhcp6Options = { lease: 7, preferred: 4, renewEvery: 1, rebindAfter: 2 };

const serve6 = (host: LabHost, servers: readonly string[]): Promise<DhcpServer> =>
  startDhcp6Server(host, {
    ...QUICK,
    offers: `option dhcp6.name-servers ${servers.join(', ')}; option dhcp6.domain-search "six.example";`,
  });

/** A host on a wire with both families, and a neighbour's hook that lists the events. */
async function scene(): Promise<LabHost> {
  const host = await LabHost.create();
  await host.write('/etc/dhcp/dhclient.conf', OLD_DHCLIENT_CONF);
  await host.write('/etc/dhcp/dhclient-exit-hooks.d/aa-list', 'echo "$reason" >>/run/lab/events\n');
  await host.write('/etc/holdfast/agent.yaml', AGENT_YAML);
  await connect(host);
  await connect6(host);
  return host;
}

async function events(host: LabHost): Promise<string[]> {
  return (await host.read('/run/lab/events')).trim().split('\n');
}

/** What follows `action` until the event, which the script has then carried out. */
async function until(host: LabHost, reason: string): Promise<void> {
  await host.sh(`until grep -qx ${reason} /run/lab/events; do sleep 0.05; done`);
}

test('DHCPv6, control: without Holdfast the last lease that writes wins', { skip }, async () => {
  await using host = await scene();
  await host.sh("sed -i '/^supersede/d' /etc/dhcp/dhclient.conf");
  await startDhcpServer(host, { renewEvery: 1, offers: `option domain-name-servers ${OLD.join(', ')};` });
  const server6 = await serve6(host, OFFERED);
  const servers = async () => nameservers(await host.read('/etc/resolv.conf'));
  const four = Dhclient.start(host);
  await four.leased();
  assert.deepEqual(await servers(), OLD);
  // The script writes at every event of IPv4, but of IPv6 only at BOUND6 and when the offered values change.
  await four.kill();
  const six = Dhclient.start(host, { family: 6 });
  await six.leased();
  assert.deepEqual(await servers(), OFFERED);
  const again = Dhclient.start(host);
  await again.leased();
  await six.leased();
  assert.deepEqual(await servers(), OLD, 'RENEW6 without a change leaves the values of IPv4');
  await again.kill();
  await server6.stop();
  await serve6(host, LATER);
  await host.sh(`until grep -q ${LATER[0]} /etc/resolv.conf; do sleep 0.05; done`);
  assert.deepEqual(await servers(), LATER);
});

test('DHCPv6, control: a superseded option of IPv4 is written at events of IPv6 also', { skip }, async () => {
  await using host = await scene();
  await serve6(host, OFFERED);
  await Dhclient.start(host, { family: 6 }).leased();
  assert.deepEqual(nameservers(await host.read('/etc/resolv.conf')), OLD);
});

test('DHCPv6: resolv.conf is untouched at each event of a lease, beside an IPv4 lease that disagrees', {
  skip,
}, async (t) => {
  await using host = await scene();
  await startDhcpServer(host, { renewEvery: 1 });
  let server6 = await serve6(host, OFFERED);
  const four = Dhclient.start(host);
  const six = Dhclient.start(host, { family: 6 });
  await Promise.all([four.leased(), six.leased()]);
  await apply(host);
  await host.sh(': >/run/lab/events');

  const watch = await watchFile(host, '/etc/resolv.conf');
  await Promise.all([four.leased(2), six.leased(2)]);
  await server6.stop();
  // The server comes back between the last attempt to renew and the first one to rebind.
  await six.log.until(/^XMT: Renew on/, six.log.lines.length);
  server6 = await serve6(host, LATER);
  await until(host, 'REBIND6');
  await server6.stop();
  await until(host, 'EXPIRE6');
  server6 = await serve6(host, OFFERED);
  await until(host, 'BOUND6');
  const files = '-pf /run/dhclient6.eth0.pid -lf /var/lib/dhcp/dhclient6.eth0.leases eth0';
  await host.sh(`dhclient -6 -r ${files} 2>/dev/null`);
  const started = Dhclient.start(host, { family: 6 });
  await started.leased();
  await host.sh(`dhclient -6 -x ${files} 2>/dev/null`);
  const all = new Set(await events(host));
  // Stateless: only the values, once, at RENEW6.
  await host.sh(': >/run/lab/events; dhclient -S -pf /run/dhclient6.eth0.pid eth0 2>/dev/null');
  await until(host, 'RENEW6');
  const seen = await watch.stop();

  t.diagnostic(`a poll every ${seen.meanUs.toFixed(1)} µs, at worst after ${seen.longestUs.toFixed(0)} µs`);
  for (const reason of 'RENEW RENEW6 REBIND6 DEPREF6 EXPIRE6 BOUND6 RELEASE6 PREINIT6 STOP6'.split(' '))
    assert.ok(all.has(reason), `${reason} of ${[...all]}`);
  const { wrongMs, emptyMs, absentMs, changes } = seen;
  assert.deepEqual({ wrongMs, emptyMs, absentMs, changes }, { wrongMs: 0, emptyMs: 0, absentMs: 0, changes: 0 });
  await holds(host);
  assert.deepEqual(nameservers(await host.read('/etc/resolv.conf')), NEW);
  assert.match(await host.read('/run/holdfast/lease6.eth0'), /^reason=RENEW6\tinterface=eth0\t.*\tdhcp6_server_id=/);
});

test('DHCPv6: status, the probe and depends know the leases of both families', { skip }, async () => {
  await using host = await scene();
  await host.sh("sed -i '/^supersede/d' /etc/dhcp/dhclient.conf");
  await startDhcpServer(host, { renewEvery: 100, offers: `option domain-name-servers ${OLD.join(', ')};` });
  await startDhcp6Server(host, { renewEvery: 100, offers: `option dhcp6.name-servers ${OFFERED.join(', ')};` });
  await Promise.all([Dhclient.start(host).leased(), Dhclient.start(host, { family: 6 }).leased()]);
  type Forecast = {
    family: number;
    renews: string | null;
    without: { nameservers: string[] };
    with: { nameservers: string[] };
  };
  const forecasts = async (): Promise<Forecast[]> =>
    JSON.parse((await host.agent('status', '--json')).stdout).forecasts;
  const [ipv4, ipv6] = await forecasts();
  assert.deepEqual([ipv4?.family, ipv4?.without.nameservers], [4, OLD]);
  assert.deepEqual([ipv6?.family, ipv6?.without.nameservers], [6, OFFERED]);
  const seconds = (Date.parse(ipv6?.renews ?? '') - Date.now()) / 1000;
  assert.ok(seconds > 0 && seconds <= 100, `T1 is 100 s: ${seconds}`);
  const probe = await host.agent('probe', 'leases', '--prometheus');
  for (const metric of ['renew', 'expire'])
    assert.match(probe.stdout, new RegExp(`holdfast_lease_${metric}_seconds\\{[^}]*ipv6[^}]*\\} \\d`), probe.stdout);
  const depends = await host.agent('depends', OFFERED[0]!);
  assert.match(depends.stdout, /dhclient\[\d+\] on eth0/);

  await host.sh('mv /etc/holdfast/agent.yaml /run/lab');
  assert.match((await host.agent('doctor')).stdout, /HF-LEASES-DISAGREE/);
  await host.sh('mv /run/lab/agent.yaml /etc/holdfast');
  await apply(host);
  assert.doesNotMatch((await host.agent('doctor')).stdout, /HF-LEASES-DISAGREE/);
  for (const { with: held } of await forecasts()) assert.deepEqual(held.nameservers, NEW);
});

/** The environment of each event, as dhclient gives it to its script. */
const EVENTS: Readonly<Record<string, string>> = {
  RENEW: `new_ip_address=10.77.0.100 old_ip_address=10.77.0.100 new_subnet_mask=255.255.255.0 new_domain_name_servers='${OLD.join(' ')}' new_domain_name=four.example`,
  EXPIRE: 'old_ip_address=10.77.0.100',
  BOUND6: `new_ip6_address=2001:db8::100 new_max_life=600 new_preferred_life=400 new_dhcp6_name_servers='${OFFERED.join(' ')}' new_dhcp6_domain_search=six.example.`,
  RENEW6: `new_ip6_address=2001:db8::100 old_ip6_address=2001:db8::100 new_max_life=600 new_preferred_life=400 old_dhcp6_name_servers='${OFFERED.join(' ')}' new_dhcp6_name_servers=${LATER[0]}`,
  EXPIRE6: 'old_ip6_address=2001:db8::100',
};

function* orders(reasons: readonly string[]): Iterable<readonly string[]> {
  if (reasons.length === 0) yield [];
  for (const first of reasons)
    for (const rest of orders(reasons.filter((one) => one !== first))) yield [first, ...rest];
}

test('DHCPv6: the configured values win in each order of the events of both families', { skip }, async () => {
  await using host = await scene();
  await host.sh('rm /etc/dhcp/dhclient-exit-hooks.d/aa-list');
  await host.write('/run/lab/orders', [...orders(Object.keys(EVENTS))].map((order) => `${order.join(' ')}\n`).join(''));
  // Prints each order after which, or within which, the file was another one.
  await host.write(
    '/run/lab/play',
    `cat /etc/resolv.conf >/run/lab/before
while read -r order; do
    for reason in $order; do
        case $reason in
${Object.entries(EVENTS)
  .map(
    ([reason, variables]) => `        ${reason}) env interface=eth0 reason=${reason} ${variables} dhclient-script ;;\n`,
  )
  .join('')}        esac >/dev/null 2>&1 </dev/null
        cmp -s /etc/resolv.conf /run/lab/before || echo "$order: $reason"
    done
done
`,
  );
  const [control] = (await host.sh('head -1 /run/lab/orders | sh /run/lab/play')).split('\n');
  assert.equal(control, 'RENEW EXPIRE BOUND6 RENEW6 EXPIRE6: RENEW', 'without Holdfast each lease writes');
  await apply(host);
  assert.equal(await host.sh('sh /run/lab/play </run/lab/orders'), '');
  await holds(host);
});
