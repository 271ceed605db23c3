/** A client's real dhclient takes the gateway's routes from the real dnsmasq. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { apply, gateway, YAML } from '../parts/lab/gateway.ts';
import { type LabHost, unavailable } from '../parts/lab/host.ts';
import { Log } from '../parts/lab/log.ts';

const skip = unavailable({ nft: 'nftables' });
const FILE = '/etc/dnsmasq.d/holdfast-routes.conf';

const CONFIGURED = `${YAML}  dnsmasq: { networks: [{ router: 10.99.0.1/24, tag: lan }] }
routes:
  - { to: 10.50.0.0/16, via: 10.77.0.1, dev: eth0 }
  - { to: 10.60.0.0/16, via: 10.99.0.9, dev: lan0 }
  - { to: 10.70.0.0/16, via: 10.77.0.1, table: 100 }
`;

async function startDnsmasq(host: LabHost): Promise<void> {
  await host.sh(
    '[ ! -e /run/lab/dnsmasq.pid ] || { kill $(cat /run/lab/dnsmasq.pid); while [ -e /run/lab/dnsmasq.pid ]; do sleep 0.05; done; }',
  );
  const range = '--dhcp-range=set:lan,10.99.0.100,10.99.0.150,255.255.255.0';
  const flags = ['--port=0', '--conf-dir=/etc/dnsmasq.d', '--pid-file=/run/lab/dnsmasq.pid', '--log-facility=-'];
  const child = host.spawn(['dnsmasq', '--keep-in-foreground', '--user=root', '--interface=lan0', range, ...flags]);
  await new Log(child.stderr!).until(/started/);
}

/** What a client has after a lease, taken with Debian's own dhclient.conf and hooks. */
async function leasedRoutes(host: LabHost): Promise<string[]> {
  // It writes its process id after it has gone to the background.
  await host.sh(`ip -n client0 addr flush dev c0; ip -n client0 route flush dev c0; rm -f /run/lab/client.pid
    ip netns exec client0 dhclient -4 -1 -pf /run/lab/client.pid -lf /run/lab/client.leases c0
    until [ -s /run/lab/client.pid ]; do sleep 0.05; done; kill $(cat /run/lab/client.pid)`);
  const routes = await host.sh('ip -n client0 -4 route show');
  return routes
    .split('\n')
    .filter((line) => line.includes(' via '))
    .map((line) => line.replace(/ dev .*/, ''))
    .sort();
}

const now = async (host: LabHost) => {
  const { settings } = JSON.parse((await host.agent('status', '--json')).stdout);
  return settings.find(({ setting }: { setting: string }) => setting === 'forwarding.dnsmasq').moments;
};

test('dnsmasq: the same routes for the host and for its clients', { skip }, async () => {
  await using host = await gateway(CONFIGURED);
  await host.sh('rm -rf /etc/dnsmasq.d; mkdir /etc/dnsmasq.d');
  await startDnsmasq(host);
  assert.deepEqual(await leasedRoutes(host), ['default via 10.99.0.1'], 'control');

  await apply(host);
  assert.deepEqual(
    await leasedRoutes(host),
    ['default via 10.99.0.1'],
    'it has not read the file, and was left in peace',
  );
  const stale = await now(host);
  assert.equal(stale.boot.state, 'ok');
  assert.equal(stale.now.state, 'drifted');
  assert.match(stale.now.reason, /dnsmasq\[\d+\] started before the file was written/);
  assert.match((await host.agent('doctor')).stdout, /HF-DNSMASQ-STALE/);

  await startDnsmasq(host);
  assert.deepEqual(await leasedRoutes(host), [
    '10.50.0.0/16 via 10.99.0.1',
    '10.60.0.0/16 via 10.99.0.9',
    'default via 10.99.0.1',
  ]);
  assert.equal((await now(host)).now.state, 'ok');
  assert.equal((await host.agent('plan')).code, 0);

  await host.write('/etc/holdfast/agent.yaml', YAML);
  await apply(host);
  assert.equal(host.exists(FILE), false);
});

test('dnsmasq: text that dnsmasq refuses never gets into its folder, and files of others stay', { skip }, async () => {
  await using host = await gateway();
  // Too much for one option.
  const routes = Array.from({ length: 40 }, (_, i) => `{ to: 10.50.${i}.0/24, via: 10.77.0.1 }`).join(', ');
  await host.write('/etc/holdfast/agent.yaml', CONFIGURED.replace(/routes:.*$/s, `routes: [${routes}]\n`));
  const refused = await host.agent('apply');
  assert.equal(refused.code, 4);
  assert.match(refused.stdout + refused.stderr, /dnsmasq refuses the file: .*too long/);
  assert.equal(host.exists(FILE), false);

  await host.write('/etc/holdfast/agent.yaml', CONFIGURED.replace('dnsmasq: {', 'dnsmasq: { file: /etc/dnsmasq.conf,'));
  await host.write('/etc/dnsmasq.conf', 'domain-needed\n');
  const theirs = await host.agent('apply');
  assert.equal(theirs.code, 4);
  assert.match(theirs.stdout + theirs.stderr, /\/etc\/dnsmasq\.conf was not made by Holdfast/);
  assert.equal(await host.read('/etc/dnsmasq.conf'), 'domain-needed\n');
});
