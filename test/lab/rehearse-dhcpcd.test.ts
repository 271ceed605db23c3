/** Each rehearsal of dhcpcd foretells what the real event makes of the host: real dhcpcd, real servers, both outcomes compared. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { connect, startDhcpServer } from '../parts/lab/dhcp.ts';
import { Dhcpcd, dhcpcdHost, noDhcpcd, OLD_DHCPCD_CONF } from '../parts/lab/dhcpcd.ts';
import { hooksEnded } from '../parts/lab/dhcpcd-events.ts';
import { cameTrue, foretell } from '../parts/lab/foretell.ts';
import { eventsAreForetold } from '../parts/lab/foretold-events.ts';
import { LabHost } from '../parts/lab/host.ts';
import { AGENT_YAML, apply, NEW, nameservers, OLD } from '../parts/lab/scene.ts';

const options = { skip: noDhcpcd, concurrency: 4 };

test('rehearse: dhcpcd’s next event is foretold', options, async (t) => {
  await eventsAreForetold(t, 'dhcpcd', ({ event, isHeld, givesUp }) => {
    // A dhcpcd that remembers the old file brings the old servers back; one that starts anew reads the file.
    const remembers = event === 'RENEW' || event === 'REBIND';
    const unheld = givesUp ? [] : remembers ? OLD : NEW;
    return { servers: isHeld ? NEW : unheld };
  });
});

test('rehearse: what another hook of dhcpcd will do is shown beforehand, and comes so', options, async () => {
  await using scene = await dhcpcdHost({ renewEvery: 3, lease: 600, offers: 'option ntp-servers 10.77.0.98;' });
  const { host, client } = scene;
  await apply(host);
  await host.write(
    '/etc/dhcpcd.exit-hook',
    'echo "nameserver 10.66.6.6" >/etc/resolv.conf; ip route replace 10.97.0.0/16 via 10.77.0.9\n',
  );
  const foretold = await foretell(host, 'RENEW');
  assert.equal(foretold.code, 2);
  assert.match(foretold.problems.join('\n'), /nameserver 10\.66\.6\.6, wanted 10\.77\.0\.21 10\.77\.0\.22/);
  assert.ok(foretold.routes.after.includes('10.97.0.0/16 via 10.77.0.9 dev eth0'));
  await client.leased();
  await cameTrue(host, foretold);
});

test('rehearse: settings that are not configured come from the recorded offer', options, async () => {
  const offers = 'option domain-name "lease.example.com"; option domain-name-servers 10.77.0.11;';
  await using scene = await dhcpcdHost(
    { renewEvery: 3, lease: 600, offers },
    OLD_DHCPCD_CONF.replace(/^static domain.*\n/gm, ''),
  );
  const { host, client } = scene;
  await host.write('/etc/holdfast/agent.yaml', AGENT_YAML.replace(/^ {2}nameservers.*\n/m, ''));
  assert.equal((await host.agent('apply')).code, 0);
  // Right after a renewal, so that the next one does not come before the rehearsal has looked.
  await client.leased();
  await host.sh('ip route del default; ip route add default via 10.77.0.9; ip addr add 10.76.0.5/24 dev eth0');
  const foretold = await foretell(host, 'RENEW');
  assert.deepEqual(nameservers(foretold.resolvConf.after ?? ''), ['10.77.0.11']);
  assert.ok(foretold.routes.before?.includes('default via 10.77.0.9 dev eth0'), foretold.routes.before?.join('\n'));
  await client.leased();
  await cameTrue(host, foretold);
});

test('rehearse: the metrics that dhcpcd makes from an interface’s index are the host’s', options, async () => {
  await using host = await LabHost.create({ interfaces: 2 });
  await connect(host, 1);
  await startDhcpServer(host, { wire: 1, lease: 600 });
  await host.write('/etc/dhcpcd.conf', 'noipv6\nnoarp\nnodelay\n');
  const { log } = Dhcpcd.start(host, ['eth1']);
  await log.until(/executing: .*dhcpcd-run-hooks BOUND/);
  await hooksEnded(host);
  assert.match(await host.sh('ip route show default'), /metric 1003/);
  const { code, stdout } = await host.agent('rehearse', 'lease', '--reason', 'RENEW', 'REBOOT');
  assert.equal(code, 0, stdout);
});
