/** A gateway's masquerading on a booted Debian: by the service in its sandbox, beside Debian's own nftables.service, which flushes. */
import assert from 'node:assert/strict';
import { after, before, suite, test } from 'node:test';
import { setTimeout as pause } from 'node:timers/promises';
import { type Suite, suites } from '../parts/lab/debian.ts';
import { Machine, unavailable } from './machine.ts';
import { installService, journalOf } from './service.ts';

const CONFIG = 'forwarding: { ipv4: true, redirects: off, masquerade: [{ out: eth0, from: 10.99.0.0/24 }] }\n';
const release: Suite = 'bookworm';

suite(`${suites[release]}: a gateway`, { skip: unavailable(), concurrency: false }, () => {
  let machine: Machine;

  before(async () => {
    machine = await Machine.boot({
      release,
      packages: ['nftables'],
      files: { '/etc/holdfast/agent.yaml': CONFIG },
      setup: 'systemctl enable nftables',
    });
    await installService(machine);
    await machine.sh('systemctl enable holdfast-apply holdfast; systemctl start holdfast');
  });

  after(() => machine?.close());

  const tables = async () => (await machine.sh('nft list tables')).trim().split('\n').sort();
  const both = async () => {
    for (let tries = 0; tries < 300; tries += 1) {
      if (String(await tables()) === 'table inet filter,table inet holdfast') return;
      await pause(100);
    }
    assert.deepEqual(await tables(), ['table inet filter', 'table inet holdfast']);
  };

  test('the daemon in its sandbox makes the table, and again after nftables.service was restarted', async () => {
    await both();
    const journal = journalOf(machine, 'holdfast.service');
    await journal.until(/"holdfast.start"/);
    await machine.sh('systemctl restart nftables');
    await both();
    assert.match(await journal.until(/"holdfast.heal"/), /nftables table inet holdfast was changed \(by .*nft\[\d+\]/);
    assert.equal((await machine.run(['agent', 'plan', '--quiet'])).code, 0);
  });

  test('at boot it is made after nftables.service, without the daemon, too', async () => {
    await machine.sh('systemctl disable holdfast');
    await machine.reboot();
    assert.deepEqual(await tables(), ['table inet filter', 'table inet holdfast']);
    assert.equal(await machine.sh('cat /proc/sys/net/ipv4/ip_forward'), '1\n');
    assert.equal(await machine.sh('cat /proc/sys/net/ipv4/conf/eth0/send_redirects'), '0\n');
    const { stdout } = await machine.run(['agent', 'status']);
    assert.match(stdout, /forwarding\.masquerade/);
  });
});
