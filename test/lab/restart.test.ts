/** (5) dhclient dies and starts again, in every way that it can find the world: the settings hold, by the hooks and by its file. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { connect, Dhclient, startDhcpServer } from '../parts/lab/dhcp.ts';
import { LabHost, unavailable } from '../parts/lab/host.ts';
import { AGENT_YAML, apply, holds, NEW, nameservers, OLD_DHCLIENT_CONF, staleHost } from '../parts/lab/scene.ts';

const options = { skip: unavailable(), concurrency: 2 };

test('restart: the settings hold through a new start of dhclient', options, async (t) => {
  await Promise.all([
    t.test('restart: the settings hold after kill -9 with a valid lease (REBOOT)', async () => {
      await using scene = await staleHost({});
      const { host, client } = scene;
      await apply(host);
      await client.kill();
      await host.sh(': >/etc/resolv.conf; ip addr change 10.77.0.100/24 dev eth0 valid_lft 30 preferred_lft 30');

      const next = Dhclient.start(host);
      await next.leased();

      assert.equal(next.log.count(/^DHCPDISCOVER/), 0, 'it went by REBOOT');
      await holds(host);
      const lifetime = Number(/valid_lft (\d+)sec/.exec(await host.sh('ip -4 -o addr show dev eth0'))?.[1]);
      assert.ok(lifetime > 500, `the kernel would drop the address in ${lifetime} s`);
      await next.kill();
    }),

    t.test('restart: an MTU waits for the next start, and status says so', async () => {
      await using scene = await staleHost();
      const { host, client } = scene;
      await host.write('/etc/holdfast/agent.yaml', 'dhcp: { supersede: { interface-mtu: 1400 } }\n');
      const { code } = await host.agent('apply');
      assert.equal(code, 0);
      await client.leased(2);
      const mtu = async () => (await host.sh('cat /sys/class/net/eth0/mtu')).trim();
      const lease = async () => {
        const { settings } = JSON.parse((await host.agent('status', '--json')).stdout);
        return settings[0].moments.lease;
      };
      assert.equal(await mtu(), '1500', 'dhclient-script leaves the link alone at a renewal');
      assert.equal((await lease()).state, 'unknown');
      assert.match(
        (await lease()).reason,
        /^pending until the next start of dhclient\[\d+\] on eth0: .*eth0 has 1500$/,
      );
      await client.kill();
      const next = Dhclient.start(host);
      await next.leased();
      assert.equal(await mtu(), '1400');
      assert.equal((await lease()).state, 'ok');
      const { stdout } = await host.agent('revert');
      assert.match(stdout, /eth0 still has the MTU 1400/);
    }),

    t.test('restart: the settings hold with a dead server and a recorded lease of old values (TIMEOUT)', async () => {
      await using scene = await staleHost({});
      const { host, client, server } = scene;
      await host.sh('sed -i "1i timeout 3; reboot 1;" /etc/dhcp/dhclient.conf');
      await apply(host);
      await client.kill();
      await server.stop();
      assert.match(await host.read('/var/lib/dhcp/dhclient.eth0.leases'), /old\.example\.com/);
      await host.sh(': >/etc/resolv.conf');

      const next = Dhclient.start(host);
      await next.leased();

      assert.equal(next.log.count(/^Trying recorded lease/), 1, 'it went by TIMEOUT');
      await holds(host);
    }),

    t.test('restart: dhclient.conf alone holds the settings at boot, without hooks', async () => {
      await using scene = await staleHost({});
      const { host, client } = scene;
      await apply(host);
      await client.kill();
      await host.sh('rm -f /etc/dhcp/dhclient-enter-hooks.d/*holdfast* /etc/dhcp/dhclient-exit-hooks.d/*holdfast*');
      await host.sh('rm -f /var/lib/dhcp/*.leases; ip addr flush dev eth0; : >/etc/resolv.conf');

      const next = Dhclient.start(host);
      await next.leased();

      const after = await host.read('/etc/resolv.conf');
      assert.deepEqual(nameservers(after), NEW);
      assert.match(after, /^search dev\.example\.com\.? example\.com\.?$/m);
      assert.equal(next.log.count(/ line \d+:/), 0, 'dhclient has no complaint about its file');
    }),

    t.test('restart: the hooks alone hold the settings at the lease, with the old dhclient.conf', async () => {
      await using scene = await staleHost({});
      const { host, client } = scene;
      await apply(host);
      await client.kill();
      await host.write('/etc/dhcp/dhclient.conf', OLD_DHCLIENT_CONF);
      await host.sh('rm -f /var/lib/dhcp/*.leases; ip addr flush dev eth0; : >/etc/resolv.conf');

      await Dhclient.start(host).leased();

      await holds(host);
    }),

    t.test('restart: the settings hold at the first start ever, after apply on a host without a lease', async () => {
      await using host = await LabHost.create();
      await host.write('/etc/holdfast/agent.yaml', AGENT_YAML);
      await connect(host);
      await startDhcpServer(host, {
        offers: 'option domain-name-servers 10.77.0.99; option domain-name "isp.example";',
      });
      await apply(host);
      await Dhclient.start(host).leased();
      await holds(host);
    }),
  ]);
});
