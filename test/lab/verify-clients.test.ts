/** `dns.verify` with other DHCP clients: a change that is refused or put back leaves the client's files alone. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { startNameServer } from '../parts/lab/dhcp.ts';
import { dhcpcdHost, noDhcpcd } from '../parts/lab/dhcpcd.ts';
import type { LabHost } from '../parts/lab/host.ts';
import { managedHost, noNetworkManager, offersOf } from '../parts/lab/networkmanager.ts';
import { startOddNameServer } from '../parts/lab/odd-dns.ts';
import { nameservers, OLD } from '../parts/lab/scene.ts';

const NAME = 'puppet.example.com';
const DEAD = '10.77.0.33';
/** Answers direct questions, but not those of the C library. */
const SLOW = '10.77.0.34';
const RIGHT = '10.77.0.35';

const CLIENTS = {
  dhcpcd: { skip: noDhcpcd, host: () => dhcpcdHost(), files: '/etc/dhcpcd.conf /etc/dhcpcd.*hook' },
  NetworkManager: {
    skip: noNetworkManager,
    host: () => managedHost({ lease: 600, offers: offersOf('old.example.com') }),
    files: '/etc/NetworkManager/conf.d/* /etc/NetworkManager/dispatcher.d/*',
  },
} as const;

async function apply(host: LabHost, server: string, timeout = '1s'): Promise<{ code: number | null; stdout: string }> {
  await host.write(
    '/etc/holdfast/agent.yaml',
    `dns:
  nameservers: [${server}]
  options: [timeout:1, attempts:1]
  verify: { name: ${NAME}, expect: [10.72.0.0/16], timeout: ${timeout} }
`,
  );
  return host.agent('apply');
}

for (const [program, { skip, host: make, files }] of Object.entries(CLIENTS)) {
  test(`${program}: refused, put back, proved`, { skip }, async () => {
    await using scene = await make();
    const { host } = scene;
    for (const address of [...OLD, RIGHT]) await startNameServer(host, address, { [NAME]: '10.72.1.1' });
    // Quick enough for dns.verify, too slow for the C library.
    await startOddNameServer(host, SLOW, OLD[0], { kind: 'slow', milliseconds: 2_000 });
    /** Every byte, mode and time of change of what is the client's, and resolv.conf. */
    const state = () =>
      host.sh(`stat -c '%n %a %Y' ${files} /etc/resolv.conf 2>&1 || :; cat ${files} /etc/resolv.conf 2>&1 || :`);
    const before = await state();

    const refused = await apply(host, DEAD);
    assert.equal(refused.code, 4);
    assert.match(refused.stdout, /DNS is not changed, because its name server does not answer/);
    assert.equal(await state(), before);

    const putBack = await apply(host, SLOW, '8s');
    assert.equal(putBack.code, 4);
    assert.match(
      putBack.stdout,
      /put back, because with the new settings this host does not find puppet\.example\.com any more/,
    );
    const withoutTimes = (text: string) => text.replaceAll(/^(\S+ \d+) \d+$/gm, '$1');
    assert.equal(withoutTimes(await state()), withoutTimes(before));
    assert.deepEqual(nameservers(await host.read('/etc/resolv.conf')), OLD);

    const proved = await apply(host, RIGHT);
    assert.equal(proved.code, 0, proved.stdout);
    assert.deepEqual(nameservers(await host.read('/etc/resolv.conf')), [RIGHT]);
    assert.equal((await host.agent('apply', '--detailed-exitcodes')).code, 0, 'a second apply changes nothing');
  });
}
