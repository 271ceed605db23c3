/** Clients behind the gateway's dnsmasq: the real udhcpc takes name servers, search domains and router, and libc asks by them. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { startCountingServer } from '../parts/lab/counting-dns.ts';
import { apply, gateway } from '../parts/lab/gateway.ts';
import { type LabHost, unavailable } from '../parts/lab/host.ts';
import { Log } from '../parts/lab/log.ts';
import { CORP, EVERY, FROM_CORP, FROM_EVERY, stopDnsmasq } from '../parts/lab/split.ts';

const skip = unavailable({ busybox: 'busybox' });

const CONFIGURED = `dns:
  nameservers: [127.0.0.1]
  search: [corp.example, example]
  split: [{ domains: [corp.example], servers: [${CORP}] }]
forwarding:
  ipv4: true
  dnsmasq: { dns: true, networks: [{ router: 10.99.0.1/24, tag: lan }] }
routes: [{ to: 10.50.0.0/16, via: 10.77.0.1, dev: eth0 }]
`;

/** Prints what the server sent. "ip netns exec" puts the written file in the place of the client's resolv.conf. */
const SCRIPT = `#!/bin/sh
[ "$1" = bound ] || exit 0
{ for one in $search; do echo "search $search"; break; done; for one in $dns; do echo "nameserver $one"; done; } >/run/lab/client.resolv.conf
echo "router=$router dns=$dns search=$search routes=$staticroutes"
`;

const USUAL = ['--conf-dir=/etc/dnsmasq.d', '--no-resolv', `--server=${EVERY}`, '--cache-size=0', '--no-hosts'];
// Another router in dnsmasq's own configuration.
const DHCP = ['--no-ping', '--dhcp-range=set:lan,10.99.0.100,10.99.0.150,255.255.255.0', '--dhcp-option=3,10.99.0.254'];

async function runDnsmasq(host: LabHost, ...flags: string[]): Promise<void> {
  const child = host.spawn(['dnsmasq', '-k', '--user=dnsmasq', '--log-facility=-', ...flags]);
  await new Log(child.stderr!).until(/started/);
}

async function lease(host: LabHost, ...options: string[]): Promise<string> {
  const client = ['busybox', 'udhcpc', '-f', '-q', '-n', '-i', 'c0', '-s', '/run/lab/udhcpc.script', ...options];
  const { stdout, stderr } = await host.run(['ip', 'netns', 'exec', 'client0', ...client]);
  const found = /^router=.*$/m.exec(stdout)?.[0];
  assert.ok(found, stdout + stderr);
  return found;
}

async function foundByClient(host: LabHost, name: string): Promise<string | undefined> {
  await host.sh('mkdir -p /etc/netns/client0; cp /run/lab/client.resolv.conf /etc/netns/client0/resolv.conf');
  const { stdout } = await host.run(['ip', 'netns', 'exec', 'client0', 'getent', 'ahostsv4', name]);
  return /^[0-9.]+/.exec(stdout)?.[0];
}

async function toldNow(host: LabHost): Promise<{ state: string; reason?: string }> {
  const { settings } = JSON.parse((await host.agent('status', '--json')).stdout);
  return settings.find(({ setting }: { setting: string }) => setting === 'forwarding.dnsmasq').moments.now;
}

test('dnsmasq: a client gets router, name server and search, and resolves an internal name at the internal server', {
  skip,
}, async () => {
  await using host = await gateway(CONFIGURED);
  await host.sh('ip link set lo up; rm -rf /etc/dnsmasq.d; mkdir /etc/dnsmasq.d');
  await host.write('/run/lab/udhcpc.script', SCRIPT);
  await host.sh('chmod 755 /run/lab/udhcpc.script');
  const every = await startCountingServer(host, EVERY, FROM_EVERY);
  const corp = await startCountingServer(host, CORP, FROM_CORP);
  await runDnsmasq(host, ...USUAL, ...DHCP, '--interface=lan0');
  assert.equal(await lease(host, '-O', 'search'), 'router=10.99.0.254 dns=10.99.0.1 search= routes=', 'control');
  assert.equal(await foundByClient(host, 'a.corp.example.'), FROM_EVERY, 'control');

  await apply(host);
  await stopDnsmasq(host);
  await runDnsmasq(host, ...USUAL, ...DHCP, '--interface=lan0');
  const simple = await lease(host, '-O', 'search');
  assert.equal(simple, 'router=10.99.0.1 dns=10.99.0.1 search=corp.example example routes=', 'it does not ask for 121');
  const both = await lease(host, '-O', 'search', '-O', 'staticroutes');
  assert.match(both, /routes=0\.0\.0\.0\/0 10\.99\.0\.1 10\.50\.0\.0\/16 10\.99\.0\.1$/);

  await every.asked();
  assert.equal(await foundByClient(host, 'b'), FROM_CORP, 'by the first search domain');
  assert.equal(await foundByClient(host, 'b.example.'), FROM_EVERY);
  assert.deepEqual([await every.asked(), await corp.asked()], [['b.example'], ['b.corp.example']]);
  assert.equal((await toldNow(host)).state, 'ok');
  assert.equal((await host.agent('plan')).code, 0);

  // dnsmasq for this host only, and another one for the leases.
  await stopDnsmasq(host);
  await runDnsmasq(host, ...USUAL, '--listen-address=127.0.0.1', '--bind-interfaces');
  const leases = [...DHCP, '--conf-file=/etc/dnsmasq.d/holdfast-routes.conf', '--interface=lan0', '--bind-interfaces'];
  await runDnsmasq(host, ...leases, '--port=0', '--pid-file=/run/lab/leases.pid');
  const silent = await toldNow(host);
  assert.equal(silent.state, 'drifted');
  assert.match(
    silent.reason ?? '',
    /told to ask 10\.99\.0\.1, and no program listens there on port 53: let the program/,
  );
  assert.match((await host.agent('doctor')).stdout, /HF-DNSMASQ-SILENT/);

  await host.sh('p=$(cat /run/lab/leases.pid); kill $p; while kill -0 $p 2>/dev/null; do sleep 0.02; done');
  await runDnsmasq(host, ...leases, '--except-interface=lo', '--no-resolv', `--server=${EVERY}`);
  const other = await toldNow(host);
  assert.match(
    other.reason ?? '',
    /10\.99\.0\.1, and dnsmasq\[\d+\] there does not have dns\.split, which is held in dnsmasq\[\d+\] on 127\.0\.0\.1/,
  );
});
