/**
 * (4, second half) A DHCP server that sends what no server should: nothing of it is executed, no lease is declined, no line
 * of resolv.conf is its own, and what is recorded of it stays one line of fields.
 */
import assert from 'node:assert/strict';
import { readdir } from 'node:fs/promises';
import { test } from 'node:test';
import { Dhclient } from '../parts/lab/dhcp.ts';
import type { LabHost } from '../parts/lab/host.ts';
import { unavailable } from '../parts/lab/host.ts';
import { CANARY, hostileOffers, VALUES } from '../parts/lab/hostile.ts';
import { AGENT_YAML, apply, holds, type Scene, staleHost } from '../parts/lab/scene.ts';

/** Every event of a lease under that server: BOUND, RENEW, and after a kill REBOOT. */
async function events({ host, client }: Scene): Promise<Dhclient[]> {
  await client.leased();
  await client.kill();
  const next = Dhclient.start(host);
  await next.leased(2);
  return [client, next];
}

async function unharmed(host: LabHost, clients: readonly Dhclient[]): Promise<void> {
  assert.equal(
    clients.reduce((sum, { declined }) => sum + declined, 0),
    0,
    'declined',
  );
  assert.ok(!host.exists('/run/lab/canary'), 'executed');
  const records = await readdir(host.path('/run/holdfast'));
  assert.ok(records.includes('lease.eth0'), `recorded: ${records}`);
  for (const record of records.filter((name) => name.startsWith('lease'))) {
    assert.match(await host.read(`/run/holdfast/${record}`), /^reason=\w+(\t\w+=[^\t\n]*)*\n$/);
  }
}

test('hostile server control: the canary file shows a hook that executes what a server sent', {
  skip: unavailable(),
}, async () => {
  await using scene = await staleHost({});
  const { host } = scene;
  await host.write('/etc/dhcp/dhclient-enter-hooks.d/careless', 'eval "name=$new_host_name"\n');
  await host.run(['/sbin/dhclient-script'], {
    env: { reason: 'RENEW', interface: 'eth0', new_host_name: `$(${CANARY})` },
  });
  assert.ok(host.exists('/run/lab/canary'));
});

test('hostile server: hostile option values do nothing where everything is configured', {
  skip: unavailable(),
  concurrency: 4,
}, async (t) => {
  await Promise.all(
    Object.entries(VALUES).map(([title, value]) =>
      t.test(title, async () => {
        await using scene = await staleHost({ renewEvery: 1, offers: hostileOffers(value) });
        await apply(scene.host);
        await unharmed(scene.host, await events(scene));
        await holds(scene.host);
      }),
    ),
  );
});

test('hostile server: hostile option values do nothing where names come from the server', {
  skip: unavailable(),
  concurrency: 4,
}, async (t) => {
  const yaml = AGENT_YAML.replace(/ {2}(domain|search):.*\n/g, '');
  await Promise.all(
    Object.entries(VALUES).map(([title, value]) =>
      t.test(title, async () => {
        await using scene = await staleHost({ renewEvery: 1, offers: hostileOffers(value) });
        const { host } = scene;
        await host.write('/etc/holdfast/agent.yaml', yaml);
        // Nothing superseded: what the server sends for the names comes through.
        await host.sh('sed -i "/^supersede/d" /etc/dhcp/dhclient.conf');
        assert.equal((await host.agent('apply')).code, 0);
        await unharmed(host, await events(scene));
        const lines = (await host.read('/etc/resolv.conf')).trimEnd().split('\n');
        for (const line of lines) {
          assert.match(
            line,
            /^(search|domain)( [A-Za-z0-9._-]+)+$|^nameserver 10\.77\.0\.2[12]$|^(sortlist|options) |^#/,
          );
        }
      }),
    ),
  );
});

test('hostile server: very long lists do no harm', { skip: unavailable() }, async () => {
  const addresses = Array.from({ length: 63 }, (_, n) => `6.6.6.${n}`).join(', ');
  const forced = 'option dhcp-parameter-request-list = concat(option dhcp-parameter-request-list, 3a:3b:06:2a);';
  const names = Array.from({ length: 12 }, (_, n) => `"a-rather-long-name-${n}.evil.example"`).join(', ');
  const offers = `option domain-name-servers ${addresses};\noption ntp-servers ${addresses};\noption domain-search ${names};\n${forced}`;
  await using scene = await staleHost({ renewEvery: 1, offers });
  await apply(scene.host);
  await unharmed(scene.host, await events(scene));
  await holds(scene.host);
});

test('hostile server: values that dhclient itself would refuse do no harm in its script', {
  skip: unavailable(),
}, async () => {
  await using scene = await staleHost({});
  const { host } = scene;
  await apply(host);
  for (const [title, value] of Object.entries(VALUES)) {
    if (value.includes('\0')) continue; // no environment can hold it
    for (const reason of ['BOUND', 'RENEW', 'REBIND', 'REBOOT', 'TIMEOUT', 'EXPIRE', 'BOUND6', 'RENEW6']) {
      await host.run(['/sbin/dhclient-script'], { env: { reason, interface: 'eth0', ...everyVariable(value) } });
      assert.ok(!host.exists('/run/lab/canary'), `${title}: executed at ${reason}`);
      const record = await host.read(`/run/holdfast/lease${reason.endsWith('6') ? '6' : ''}.eth0`);
      assert.match(record, /^reason=\w+(\t\w+=[^\t\n]*)*\n$/, `${title}: recorded at ${reason}`);
      await holds(host);
    }
  }
});

/** The variables of a lease, all with this value except the address: the script would remove it from the interface. */
function everyVariable(value: string): Record<string, string> {
  const names =
    'domain_name domain_search domain_name_servers host_name routers ntp_servers interface_mtu root_path filename';
  const names6 = 'dhcp6_name_servers dhcp6_domain_search max_life preferred_life';
  const times = 'dhcp_lease_time dhcp_renewal_time dhcp_rebinding_time expiry dhcp_server_identifier broadcast_address';
  const variables = `${names} ${names6} ${times}`.split(' ').map((name) => [`new_${name}`, value]);
  return { ...Object.fromEntries(variables), new_ip_address: '10.77.0.100', new_subnet_mask: '255.255.255.0' };
}
