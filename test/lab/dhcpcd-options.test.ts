/** `dhcp:` on a host whose lease dhcpcd takes: what a running dhcpcd holds at once, what waits for its next start, and back. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Dhcpcd, dhcpcdHost, noDhcpcd, OLD_DHCPCD_CONF } from '../parts/lab/dhcpcd.ts';
import type { LabHost } from '../parts/lab/host.ts';
import { watchDeletions, watchPings } from '../parts/lab/watch.ts';

const skip = noDhcpcd;

/** What the server offers besides the router. */
const OFFERS = `option ntp-servers 10.77.0.5; option interface-mtu 1400; option domain-name-servers 10.77.0.11;
  option nis-domain "server.example";
  option rfc3442-classless-static-routes 24, 192,0,2, 10,77,0,7, 0, 10,77,0,8;`;

const CONF = `${OLD_DHCPCD_CONF.replace(/^static domain.*\n/gm, '').replace('option host_name', 'option host_name, ntp_servers, nis_domain')}`;

/** What later hooks are given at each event, and dhcpcd's own hook that compares old and new time servers. */
const WITNESS = `case "$reason" in BOUND | RENEW | REBIND | REBOOT)
    env | grep -E '^(new|old)_(ntp_servers|nis_domain|routers|classless_static_routes|interface_mtu|host_name)=' | sort >/run/lab/given.new
    mv /run/lab/given.new "/run/lab/given.$interface"
    [ "\${new_ntp_servers-}" = "\${old_ntp_servers-}" ] || echo "$reason" >>/run/lab/ntp-restarts ;;
esac
`;

const given = async (host: LabHost) => {
  const lines = (await host.read('/run/lab/given.eth0')).split('\n').filter((line) => line.startsWith('new_'));
  return Object.fromEntries(lines.map((line) => line.replace('new_', '').split('=')));
};
const restarts = async (host: LabHost) =>
  (await host.sh('cat /run/lab/ntp-restarts 2>/dev/null || :')).split('\n').length - 1;
const routes = async (host: LabHost) =>
  (await host.sh('ip -4 route show proto dhcp; ip -4 route show default')).replace(/ *$/gm, '').split('\n').sort();
const address = async (host: LabHost) => /inet (\S+?)\//.exec(await host.sh('ip -4 -o addr show dev eth0'))![1]!;

async function scene() {
  const made = await dhcpcdHost({ renewEvery: 1, offers: OFFERS }, CONF);
  await made.host.write('/etc/dhcpcd.exit-hook', WITNESS);
  await made.client.leased();
  return made;
}

const states = async (host: LabHost) => {
  const { settings } = JSON.parse((await host.agent('status', '--json')).stdout);
  type Moments = Record<string, { state: string; reason?: string }>;
  return Object.fromEntries(
    (settings as { setting: string; moments: Moments }[]).map(({ setting, moments }) => [
      setting,
      Object.fromEntries(Object.entries(moments).map(([at, { state, reason }]) => [at, reason ?? state])),
    ]),
  );
};

test('dhcpcd options control: what was put into dhcpcd.conf and the time servers of hooks are the old ones at a renewal', {
  skip,
}, async () => {
  await using made = await scene();
  const { host, client } = made;
  assert.equal((await given(host)).ntp_servers, '10.77.0.5');
  await host.write(
    '/etc/dhcpcd.conf',
    `${CONF.split('# the office')[0]}static ntp_servers=10.34.56.80\nnooption nis_domain\n`,
  );
  await client.leased(2);
  assert.equal((await given(host)).ntp_servers, '10.77.0.5');
  assert.equal((await given(host)).nis_domain, 'server.example');
});

test('dhcpcd options: hooks are given the configured values at the next event, 25 renewals long, without a ping lost', {
  skip,
}, async (t) => {
  await using made = await scene();
  const { host, client } = made;
  const deletions = await watchDeletions(host);
  const pings = await Promise.all([
    watchPings(host, '10.77.0.1', 'host'),
    watchPings(host, await address(host), 'server'),
  ]);
  const before = await routes(host);
  await host.write(
    '/etc/holdfast/agent.yaml',
    `dhcp:
  supersede: { ntp-servers: [10.34.56.80, 10.34.56.81], host-name: "held host's" }
  request: { without: [nis-domain] }
  interfaces: { eth1: { supersede: { ntp-servers: [10.9.9.9] } } }
`.replace('"held host\'s"', 'held'),
  );
  assert.equal((await host.agent('apply')).code, 0);
  await client.leased();
  const held = { ntp_servers: '10.34.56.80 10.34.56.81', host_name: 'held' };
  const seen = await given(host);
  assert.deepEqual(
    { ntp_servers: seen.ntp_servers, host_name: seen.host_name, nis: seen.nis_domain },
    { ...held, nis: undefined },
  );
  const told = await restarts(host);
  for (let n = 0; n < 24; n++) {
    await client.events();
    const { ntp_servers, host_name } = await given(host);
    assert.deepEqual({ ntp_servers, host_name }, held);
  }
  assert.equal(await restarts(host), told, 'a hook that compares old and new restarts nothing at a renewal');
  assert.deepEqual(await routes(host), before);
  // The witness is a hook that Holdfast does not know, so it may have the last word.
  await host.sh('mv /etc/dhcpcd.exit-hook /run/lab/witness');
  const [forecast] = JSON.parse((await host.agent('status', '--json')).stdout).forecasts;
  await host.sh('mv /run/lab/witness /etc/dhcpcd.exit-hook');
  assert.deepEqual(
    [forecast.interface, forecast.family, forecast.address, forecast.without, forecast.with.ntp, forecast.stale],
    [
      'eth0',
      4,
      await address(host),
      { nameservers: ['10.77.0.11'], search: [], routers: ['10.77.0.1'], ntp: ['10.77.0.5'] },
      ['10.34.56.80', '10.34.56.81'],
      '/etc/dhcpcd.conf changed after its start; it reads the file at "dhcpcd -n" and at its next start',
    ],
  );
  // The lease file is written at each renewal, and the server asks for one a second later.
  const written = Number(await host.sh("stat -c '%.3Y' /var/lib/dhcpcd/eth0.lease")) * 1000;
  assert.ok(Date.parse(forecast.renews) <= written + 1001, `${forecast.renews} after ${written}`);

  assert.equal((await host.agent('revert')).code, 0);
  assert.equal(await host.read('/etc/dhcpcd.conf'), CONF);
  assert.ok(!host.exists('/etc/dhcpcd.enter-hook'));
  await client.leased(2);
  assert.equal((await given(host)).ntp_servers, '10.77.0.5');
  assert.equal((await given(host)).nis_domain, 'server.example');
  const all = await Promise.all(pings.map((one) => one.stop()));
  t.diagnostic(`${all.map(({ answered }) => answered).join(' + ')} pings answered`);
  assert.deepEqual(
    all.map(({ lost }) => lost),
    [0, 0],
  );
  assert.deepEqual(await deletions.stop(), []);
});

test('dhcpcd options: ignored offers leave the routes of the running dhcpcd, are pending, and hold at its next start', {
  skip,
}, async () => {
  await using made = await scene();
  const { host, client } = made;
  const deletions = await watchDeletions(host);
  const before = await routes(host);
  await host.write('/etc/holdfast/agent.yaml', 'dhcp: { ignore: [routers, classless-routes] }\n');
  assert.equal((await host.agent('apply')).code, 0);
  await client.leased(3);
  assert.deepEqual(await routes(host), before, 'no route is taken away');
  assert.match((await states(host))['dhcp.ignore']!.lease!, /^pending until the next start of dhcpcd\[\d+\] on eth0/);
  assert.equal((await states(host))['dhcp.ignore']!.boot, 'ok');

  // Another program has dhcpcd read its file again: what is ignored goes, and nothing else.
  await client.readAgain();
  await client.leased(2);
  assert.equal(client.log.count(/expiring leases/), 0);
  const gone = (await deletions.stop()).map((line) => line.replace(/ dev eth0.*/, '')).sort();
  assert.deepEqual(gone, ['Deleted 192.0.2.0/24 via 10.77.0.7', 'Deleted default via 10.77.0.8']);

  await client.kill();
  await host.sh('ip addr flush dev eth0');
  const again = Dhcpcd.start(host);
  await again.leased(2);
  assert.deepEqual(
    (await routes(host)).filter((line) => !line.startsWith('10.77.0.0/24')),
    [''],
  );
  const seen = await given(host);
  assert.deepEqual([seen.routers, seen.classless_static_routes], [undefined, undefined]);
  assert.deepEqual((await states(host))['dhcp.ignore'], { lease: 'ok', boot: 'ok' });
});

test('dhcpcd options: router, routes and MTU of the configuration are pending, and hold at the next start', {
  skip,
}, async () => {
  await using made = await scene();
  const { host, client } = made;
  await host.sh('ip link add eth7 type veth peer name srv7 netns server');
  await host.write(
    '/etc/holdfast/agent.yaml',
    `dhcp:
  supersede: { routers: [10.77.0.9], interface-mtu: 1300 }
  request: { also: [log-servers] }
  interfaces: { eth7: { ignore: [routers] } }
`,
  );
  assert.equal((await host.agent('apply')).code, 0);
  await client.leased(2);
  assert.equal((await given(host)).routers, '10.77.0.9', 'hooks are told at once');
  const waiting = await states(host);
  for (const setting of ['dhcp.supersede.routers', 'dhcp.supersede.interface-mtu', 'dhcp.request.also']) {
    assert.match(waiting[setting]!.lease!, /^pending until/, setting);
    assert.equal(waiting[setting]!.boot, 'ok', setting);
  }
  await client.kill();
  await host.sh('ip addr flush dev eth0');
  const again = Dhcpcd.start(host);
  await again.leased(2);
  assert.deepEqual(
    (await routes(host)).filter((line) => line.startsWith('default')),
    ['default via 10.77.0.9 dev eth0 src ADDRESS metric 1002 mtu 1300'.replace('ADDRESS', await address(host))],
  );
  const { 'dhcp.interfaces.eth7.ignore': other, ...then } = await states(host);
  // dhcpcd.conf has no statement that takes a "static" line back.
  assert.match(other!.boot!, /^line \d+ of \/etc\/dhcpcd.conf decides routers for interface eth7/);
  assert.deepEqual(
    Object.values(then).map((moments) => moments),
    Object.values(then).map(() => ({ lease: 'ok', boot: 'ok' })),
  );
});

test('dhcpcd options: what dhcpcd cannot do is refused with a word, and statements that take a setting back are named', {
  skip,
}, async () => {
  await using made = await scene();
  const { host } = made;
  await host.write('/etc/dhcpcd.conf', `${CONF}interface eth0\noption routers\n`);
  await host.write(
    '/etc/holdfast/agent.yaml',
    `dhcp:
  supersede: { subnet-mask: 255.255.0.0, static-routes: ["10.0.0.0 10.77.0.1"], netinfo-server-tag: x }
  request: { without: [subnet-mask] }
  ignore: [routers]
`,
  );
  await host.agent('apply');
  const seen = await states(host);
  assert.match(seen['dhcp.supersede.subnet-mask']!.boot!, /dhcpcd takes subnet-mask from the server/);
  assert.match(seen['dhcp.supersede.static-routes']!.boot!, /write them below "routes"/);
  assert.match(seen['dhcp.supersede.netinfo-server-tag']!.lease!, /dhcpcd has no option netinfo-server-tag/);
  assert.match(seen['dhcp.request.without']!.boot!, /dhcpcd needs subnet-mask of every lease/);
  assert.match(seen['dhcp.ignore']!.boot!, /^line \d+ of \/etc\/dhcpcd.conf decides routers for interface eth0/);
});

test('dhcpcd options control: a dhcpcd that reads its file again drops address and routes if the server is silent', {
  skip,
}, async () => {
  await using made = await scene();
  const { host, client, server } = made;
  await server.stop();
  await client.readAgain();
  await client.log.until(/DHCP lease expired/);
  await client.log.until(/executing: .*dhcpcd-run-hooks EXPIRE/);
  assert.equal(await host.sh('ip -4 -o addr show dev eth0; ip -4 route show default'), '');
});
