/** dns.verify proves each part of dns.split: its servers beforehand, and libc's way to them afterwards. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type LabHost, unavailable } from '../parts/lab/host.ts';
import {
  apply,
  CORP,
  FROM_CORP,
  FROM_EVERY,
  found,
  splitScene,
  startDnsmasq,
  startUnbound,
  stopDnsmasq,
} from '../parts/lab/split.ts';

const skip = unavailable({ unbound: 'unbound' });
const FOLDER = '/etc/unbound/unbound.conf.d';

const yaml = (server: string, name = '') => `dns:
  nameservers: [127.0.0.1]
  split: [{ domains: [corp.example, 10.in-addr.arpa], servers: [${server}]${name} }]
  verify: { name: puppet.example.com, timeout: 1s }
`;

async function fails(host: LabHost, reason: RegExp): Promise<void> {
  const before = await host.sh(`ls -A ${FOLDER}; unbound-control list_forwards`);
  const { code, stdout, stderr } = await host.agent('apply');
  assert.equal(code, 4, stdout + stderr);
  assert.match(stdout + stderr, reason);
  assert.equal(await host.sh(`ls -A ${FOLDER}; unbound-control list_forwards`), before);
  assert.equal(await found(host, 'b.corp.example'), FROM_EVERY);
}

test('dns.split, verify: refused while its servers are silent, by a name or by the SOA record of each domain', {
  skip,
}, async () => {
  await using scene = await splitScene(yaml('10.77.0.99'));
  const { host, corp } = scene;
  await startUnbound(host);
  await fails(
    host,
    /DNS is not changed, because no server of dns\.split answers for corp\.example at 10\.77\.0\.99: .*; 10\.in-addr\.arpa at 10\.77\.0\.99: /,
  );

  await host.write('/etc/holdfast/agent.yaml', yaml(CORP));
  await apply(host);
  assert.equal(await found(host, 'c.corp.example'), FROM_CORP);
  const asked = new Set(await corp.asked());
  assert.deepEqual([asked.has('corp.example'), asked.has('10.in-addr.arpa')], [true, true]);

  await host.write('/etc/holdfast/agent.yaml', yaml(CORP, ', verify: intranet.corp.example'));
  await host.agent('revert');
  await corp.asked();
  await apply(host);
  const named = new Set(await corp.asked());
  assert.deepEqual(
    ['intranet.corp.example', 'corp.example', '10.in-addr.arpa'].map((name) => named.has(name)),
    [true, false, true],
  );
});

test('dns.split, verify: put back where libc does not reach its servers although they answer', { skip }, async () => {
  await using scene = await splitScene(yaml(CORP));
  const { host } = scene;
  await startUnbound(host);
  // unbound answers for the domain itself, whatever is forwarded.
  await host.sh('unbound-control local_zone corp.example. redirect');
  await host.sh(`unbound-control local_data 'corp.example. A ${FROM_EVERY}'`);
  await fails(
    host,
    /put back, because with the new settings this host finds nothing for corp\.example, of which 10\.77\.0\.12 says 10\.72\.0\.12\.example/,
  );
});

test('dns.split, verify: a first split of dnsmasq stays, because only its next start can prove it', {
  skip,
}, async () => {
  await using scene = await splitScene(yaml(CORP));
  const { host } = scene;
  await host.sh('rm -rf /etc/dnsmasq.d; mkdir /etc/dnsmasq.d');
  await startDnsmasq(host);
  await apply(host);
  assert.equal(host.exists('/var/lib/holdfast/dns-proved'), false);
  await stopDnsmasq(host);
  await startDnsmasq(host);
  assert.equal(await found(host, 'a.corp.example'), FROM_CORP);
  assert.equal((await host.agent('plan')).code, 0);
});
