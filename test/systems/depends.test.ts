/** A booted Debian with systemd-resolved: who depends on the old server, and what the daemon in its sandbox can see of it. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { DependsAnswer } from '../../agent/depends/dependence.ts';
import { NEW, OLD } from '../parts/lab/scene.ts';
import { Machine, unavailable } from './machine.ts';
import { installService, journalOf } from './service.ts';

const skip = unavailable();
const FILES = {
  '/etc/network/interfaces': 'auto lo\niface lo inet loopback\n',
  '/etc/systemd/network/10-lan.network': '[Match]\nName=eth0\n\n[Network]\nDHCP=yes\n',
  '/etc/holdfast/agent.yaml': `dns: { nameservers: [${NEW.join(', ')}] }\n`,
};

/** `tense source` of each dependence on the old servers, and of each unseen place that is not the ledger. */
async function told(machine: Machine): Promise<string[]> {
  const { stdout } = await machine.run(['agent', 'depends', '--json', ...OLD]);
  const { found, unseen } = JSON.parse(stdout) as DependsAnswer;
  const missing = unseen
    .filter(({ source }) => source !== 'ledger')
    .map(({ source, reason }) => `${source}: ${reason}`);
  return [...new Set([...found.map(({ tense, source }) => `${tense} ${source}`), ...missing])].sort();
}

test('Debian 12: depends names resolved’s link and the next lease, until Holdfast holds others; the sandboxed daemon sees as much', {
  skip,
}, async () => {
  await using machine = await Machine.boot({
    release: 'bookworm',
    packages: ['systemd-resolved'],
    files: FILES,
    setup:
      'systemctl enable systemd-networkd systemd-resolved; ln -sf ../run/systemd/resolve/stub-resolv.conf /etc/resolv.conf',
    dhcp: { lease: 600, offers: `option domain-name-servers ${OLD.join(', ')};` },
  });
  await installService(machine);
  await machine.sh('until resolvectl dns eth0 | grep -q 10.77; do sleep 0.1; done');
  assert.deepEqual(await told(machine), ['lease leases', 'now systemd-resolved']);

  await machine.sh('agent apply');
  assert.deepEqual(await told(machine), []);

  // A program in mounts of its own, as a container has them.
  await machine.sh(`mkdir -p /srv/box && cp -a /etc /srv/box/ && rm /srv/box/etc/resolv.conf
    echo nameserver ${OLD[0]} >/srv/box/etc/resolv.conf
    systemd-run --quiet --unit=box --property=BindReadOnlyPaths=/srv/box/etc:/etc sleep infinity
    until [ "$(systemctl is-active box)" = active ] && pgrep -x sleep >/dev/null; do sleep 0.1; done`);
  assert.deepEqual(await told(machine), ['now resolv.conf']);
  const journal = journalOf(machine, 'holdfast.service');
  await machine.sh('systemctl start holdfast');
  const line = await journal.until(/holdfast\.dependences/);
  assert.match(line, /^this host depends on 3 name servers in \d+ ways \(agent depends/, 'and nothing was unseen');
  assert.equal((await machine.sh('systemctl list-units --all --no-legend holdfast-depends.service')).trim(), '');
});
