/** The kernel's alternative names of interfaces: refused with the interface's own name, whichever setting names one. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { LabHost, unavailable } from '../parts/lab/host.ts';

const skip = unavailable({ nft: 'nftables' });
const SHORT = 'device-number-1';
const LONG = 'eni-0123456789abcdef0';

test('alternative names: check, plan and apply name the interface to write, and a boot holds what it can', {
  skip,
}, async () => {
  await using host = await LabHost.create();
  await host.sh(`ip link property add dev eth0 altname ${SHORT} altname ${LONG}`);
  const told = async (yaml: string, ...command: string[]) => {
    await host.write('/etc/holdfast/agent.yaml', yaml);
    const { code, stdout, stderr } = await host.agent(...command);
    return { code, text: stdout + stderr };
  };
  const everywhere = (name: string) => `dhclient: { interfaces: { ${name}: { supersede: { ntp-servers: 10.0.0.1 } } } }
routes: [{ to: 10.50.0.0/16, via: 10.77.0.1, dev: ${name} }]
forwarding: { masquerade: [{ out: ${name}, from: 10.99.0.0/24 }] }
`;
  for (const name of [SHORT, LONG]) {
    const { code, text } = await told(everywhere(name), 'apply');
    assert.equal(code, 1, text);
    for (const path of [`dhclient.interfaces.${name}`, 'routes[0].dev', 'forwarding.masquerade[0].out']) {
      const wanted = `${path}: eth0 is the interface with the alternative name ${name}; write eth0`;
      assert.ok(text.includes(wanted), text);
    }
  }
  const sysctl = (name: string) => `sysctl: { net.ipv4.conf.${name}.rp_filter: { value: 1, optional: true } }\n`;
  for (const command of ['check', 'plan']) {
    const { code, text } = await told(sysctl(SHORT), command);
    assert.equal(code, 1, text);
    assert.match(text, /1:11: sysctl\.net\.ipv4\.conf\.device-number-1\.rp_filter: eth0 is the interface/);
  }
  assert.equal(
    (await told(sysctl(SHORT), 'apply', '--boot')).code,
    0,
    'a name that was accepted before it was alternative',
  );
  assert.equal((await told(sysctl('usb0'), 'apply')).code, 0, 'an interface that is not there yet is waited for');
  assert.equal((await told(sysctl('eth0'), 'apply')).code, 0);
});
