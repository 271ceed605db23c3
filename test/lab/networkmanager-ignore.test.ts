/** `dhcp.ignore` with NetworkManager: in its profile, without a packet lost, from the next activation on, and back again. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type DhcpServer, startDhcpServer } from '../parts/lab/dhcp.ts';
import type { LabHost } from '../parts/lab/host.ts';
import { Log } from '../parts/lab/log.ts';
import {
  CONNECTION,
  Manager,
  managedHost,
  noNetworkManager,
  offersOf,
  PROFILE,
  renewals,
} from '../parts/lab/networkmanager.ts';
import { watchPings } from '../parts/lab/watch.ts';

const skip = noNetworkManager;
const LEASE = 20;
/** Behind the router: only the default route leads to it. */
const FAR = '10.99.0.1';
const OFFERS = offersOf('old.example.com');
const OTHER = `${offersOf('new.example.com')} option routers 10.77.0.9;`;
const CLASSLESS = `${OFFERS} option rfc3442-classless-static-routes 24, 10,88,0, 10,77,0,9, 0, 10,77,0,1;`;

async function scene(offers = OFFERS) {
  const made = await managedHost({ lease: LEASE, offers });
  await made.host.sh(`ip addr add ${FAR}/32 dev lo`, { where: 'server' });
  // Comments and an order that NetworkManager itself would not write.
  await made.host.write(PROFILE, CONNECTION.replace('[ipv4]', '# by hand\n[ipv4]\n# auto'), 0o600);
  await made.host.sh(`nmcli connection load ${PROFILE}`);
  return made;
}

async function apply(host: LabHost, ignore: string): Promise<void> {
  await host.write('/etc/holdfast/agent.yaml', `dhcp: { ignore: [${ignore}] }\n`);
  const { code, stdout, stderr } = await host.agent('apply');
  assert.equal(code, 0, stdout + stderr);
}

async function other(host: LabHost, server: DhcpServer): Promise<DhcpServer> {
  await server.stop();
  const later = await startDhcpServer(host, { lease: LEASE, offers: OTHER });
  await renewals(later, 1);
  return later;
}

const routes = async (host: LabHost) =>
  (await host.sh('ip -4 route show')).split('\n').flatMap((line) => /^\S+ via \S+/.exec(line)?.[0] ?? []);

async function held(host: LabHost): Promise<Record<string, string>> {
  const { settings } = JSON.parse((await host.agent('status', '--json')).stdout);
  const { moments } = settings.find(({ setting }: { setting: string }) => setting === 'dhcp.ignore');
  const states = Object.entries(moments as Record<string, { state: string }>);
  return Object.fromEntries(states.map(([moment, { state }]) => [moment, state]));
}

const defaultBy = (host: LabHost, router: string) =>
  host.sh(`timeout 30 sh -c 'until ip route | grep -q "default via ${router}"; do sleep 0.1; done'`);

const BOTH = 'routers, classless-routes';

test('NetworkManager control: another router in the offer takes the place of the default route', { skip }, async () => {
  await using made = await scene();
  const { host, server } = made;
  await other(host, server);
  await defaultBy(host, '10.77.0.9');
});

for (const [ignore, offers] of [
  [BOTH, OFFERS],
  ['routers', OFFERS],
  [BOTH, CLASSLESS],
] as const)
  test(`NetworkManager, ignore ${ignore}, ${offers === OFFERS ? 'a router' : 'classless routes'}: apply and revert touch no device and lose nothing; from its activation on the offers do not count`, {
    skip,
  }, async (t) => {
    await using made = await scene(offers);
    const { host, server } = made;
    const before = await host.read(PROFILE);
    const present = await routes(host);
    const pings = await watchPings(host, FAR, 'host');
    await apply(host, ignore);
    assert.deepEqual(await held(host), { lease: 'unknown', boot: 'ok' });
    assert.equal((await host.agent('apply', '--detailed-exitcodes')).code, 0, 'a second apply changes nothing');
    assert.match(await host.read(PROFILE), /^# by hand\n\[ipv4\]\n# auto$/m);
    await renewals(server, 2);
    assert.deepEqual(await routes(host), present);
    assert.equal((await host.agent('revert')).code, 0);
    assert.equal(await host.read(PROFILE), before);
    assert.equal((await host.sh(`stat -c %a ${PROFILE}`)).trim(), '600');
    await renewals(server, 1);
    const { answered, lost } = await pings.stop();
    t.diagnostic(`${answered} pings answered`);
    assert.equal(lost, 0);
    assert.deepEqual(await routes(host), present);

    await apply(host, ignore);
    await host.sh('nmcli --wait 60 connection up eth0');
    assert.deepEqual(await held(host), { lease: 'ok', boot: 'ok' });
    await other(host, server);
    assert.deepEqual(await routes(host), []);
    assert.equal((await host.agent('revert')).code, 0);
    assert.equal(await host.read(PROFILE), before);
    await host.sh('nmcli --wait 60 connection up eth0');
    await defaultBy(host, '10.77.0.9');
  });

test('NetworkManager, ignore: after an activation and after its restart the offers are ignored', { skip }, async () => {
  await using made = await scene(CLASSLESS);
  const { host, manager } = made;
  await apply(host, BOTH);
  await host.sh('nmcli --wait 60 connection up eth0');
  assert.deepEqual([await routes(host), await held(host)], [[], { lease: 'ok', boot: 'ok' }]);
  await manager.kill();
  await host.sh('ip addr flush dev eth0');
  await Manager.start(host);
  assert.deepEqual([await routes(host), await held(host)], [[], { lease: 'ok', boot: 'ok' }]);
  await host.write('/etc/holdfast/agent.yaml', 'hold: nothing\n');
  assert.equal((await host.agent('apply')).code, 0);
  assert.doesNotMatch(await host.read(PROFILE), /ignore-auto-routes/);
});

test('NetworkManager, router advertisements: pending, and from its restart on no address and no route of them', {
  skip,
}, async () => {
  await using made = await managedHost({ lease: LEASE, offers: OFFERS });
  const { host, manager } = made;
  const router = await advertise(host);
  const profile = CONNECTION.replace('method=disabled', 'method=auto');
  await host.write(PROFILE, profile, 0o600);
  await host.sh(`nmcli connection load ${PROFILE}; nmcli --wait 60 connection up eth0`);
  const six = async () => host.sh('ip -6 addr show dev eth0 scope global; ip -6 route show default');
  const advertised = /inet6 2001:db8:[\s\S]*default via fe80:/;
  await host.sh("timeout 30 sh -c 'until ip -6 route | grep -q ^default; do sleep 0.1; done'");
  assert.match(await six(), advertised, 'the control');

  await apply(host, 'router-advertisements');
  assert.deepEqual(await held(host), { lease: 'unknown', boot: 'ok' });
  assert.match(await six(), advertised, 'what is there stays');
  await manager.kill();
  await host.sh('ip -6 addr flush dev eth0; ip -6 route flush dev eth0');
  await Manager.start(host);
  for (let n = 0; n < 2; n++) await router.indexOf(/RTR-ADVERT/, router.lines.length);
  assert.equal(await six(), '');
  assert.deepEqual(await held(host), { lease: 'ok', boot: 'ok' });

  assert.equal((await host.agent('revert')).code, 0);
  assert.equal(await host.read(PROFILE), profile);
  await host.sh('nmcli --wait 60 connection up eth0');
  await host.sh("timeout 30 sh -c 'until ip -6 route | grep -q ^default; do sleep 0.1; done'");
  assert.match(await six(), advertised);
});

/** A router of IPv6 with a prefix for addresses. */
async function advertise(host: LabHost): Promise<Log> {
  await host.sh('ip addr add 2001:db8::1/64 dev srv0 nodad; sysctl -qw net.ipv6.conf.all.forwarding=1', {
    where: 'server',
  });
  const args = ['--keep-in-foreground', '--conf-file=/dev/null', '--port=0', '--interface=srv0', '--user=root'];
  const ra = ['--enable-ra', '--dhcp-range=2001:db8::,ra-only', '--ra-param=srv0,4,60', '--log-facility=-'];
  const child = host.spawn(['dnsmasq', ...args, ...ra, '--pid-file=/run/lab/ra.pid'], { where: 'server' });
  const log = new Log(child.stderr!);
  await log.until(/started/);
  return log;
}
