/** dns.split by the service in its sandbox, which may signal neither dnsmasq nor unbound itself: Debian's own services. */
import assert from 'node:assert/strict';
import { after, before, suite, test } from 'node:test';
import { startCountingServer } from '../parts/lab/counting-dns.ts';
import { type Suite, suites } from '../parts/lab/debian.ts';
import { CORP, EVERY, FROM_CORP, FROM_EVERY, found, SPLIT_YAML, splitMoments } from '../parts/lab/split.ts';
import { Machine, unavailable } from './machine.ts';
import { installService, journalOf } from './service.ts';

const release: Suite = 'bookworm';
const OTHER_YAML = SPLIT_YAML.replace('corp.example', 'other.example');

suite(`${suites[release]}: a forwarder on this host`, { skip: unavailable(), concurrency: false }, () => {
  let machine: Machine;

  before(async () => {
    machine = await Machine.boot({
      release,
      packages: ['dnsmasq', 'unbound'],
      files: {
        '/etc/holdfast/agent.yaml': SPLIT_YAML,
        '/etc/dnsmasq.d/base.conf': `no-resolv\nserver=${EVERY}\ncache-size=0\n`,
        '/etc/unbound/unbound.conf.d/base.conf': `forward-zone:\n  name: "."\n  forward-addr: ${EVERY}\n`,
        '/etc/unbound/unbound.conf.d/root-auto-trust-anchor-file.conf': '',
      },
      setup: 'systemctl disable unbound; systemctl enable dnsmasq',
    });
    await startCountingServer(machine.outside, EVERY, FROM_EVERY);
    await startCountingServer(machine.outside, CORP, FROM_CORP);
    await installService(machine);
  });

  after(() => machine?.close());

  const until = async (name: string, address: string) => {
    for (let tries = 0; (await found(machine, name)) !== address; tries += 1) {
      assert.ok(
        tries < 300,
        `${name} is not at ${address}: ${await machine.sh('agent status; journalctl -u holdfast')}`,
      );
    }
  };

  test('dnsmasq: pending at first; then the daemon has systemd signal it', async () => {
    await machine.sh('agent apply');
    assert.match((await splitMoments(machine)).now?.reason ?? '', /When it suits you: systemctl restart dnsmasq$/);
    await machine.sh('systemctl restart dnsmasq');
    await until('a.corp.example', FROM_CORP);
    await machine.sh('systemctl enable holdfast-apply holdfast; systemctl start holdfast');
    await journalOf(machine, 'holdfast.service').until(/"holdfast.start"/);
    await machine.write('/etc/holdfast/agent.yaml', OTHER_YAML);
    await machine.sh('systemctl reload holdfast');
    await until('b.other.example', FROM_CORP);
    await until('b.corp.example', FROM_EVERY);
    assert.equal((await splitMoments(machine)).now?.state, 'ok');
  });

  test('dnsmasq: held at the next boot, before the daemon looks', async () => {
    await machine.sh('systemctl disable holdfast');
    await machine.reboot();
    assert.equal(await found(machine, 'c.other.example'), FROM_CORP);
    assert.equal((await machine.run(['agent', 'plan'])).code, 0);
  });

  test('unbound takes its place: dnsmasq’s files go, and the daemon tells unbound', async () => {
    await machine.sh('systemctl disable --now dnsmasq; systemctl enable --now unbound; systemctl start holdfast');
    await until('d.other.example', FROM_CORP);
    assert.equal(await machine.sh('ls -A /etc/dnsmasq.d | grep holdfast || :'), '');
    await machine.write('/etc/holdfast/agent.yaml', SPLIT_YAML);
    await machine.sh('systemctl reload holdfast');
    await until('e.corp.example', FROM_CORP);
    assert.equal((await splitMoments(machine)).now?.state, 'ok');
    assert.equal((await machine.run(['agent', 'plan'])).code, 0);
  });
});
