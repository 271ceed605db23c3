/** Booted Debian 11, 12 and 13 with systemd-resolved: who depends on the old server, and what the daemon in its sandbox can see of it. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { DependsAnswer } from '../../agent/depends/dependence.ts';
import { type Suite, suites } from '../parts/lab/debian.ts';
import { NEW, OLD } from '../parts/lab/scene.ts';
import { NETWORKD_SETUP, networkdFiles } from '../parts/networkd-machine.ts';
import { Machine, unavailable } from './machine.ts';
import { installService, journalOf } from './service.ts';

const skip = unavailable();
/** They have systemd 247, 252 and 257. On Debian 11 systemd-resolved belongs to the package systemd. */
const PACKAGES: Readonly<Record<Suite, readonly string[]>> = {
  bullseye: ['nftables'],
  bookworm: ['nftables', 'systemd-resolved'],
  trixie: ['nftables', 'systemd-resolved'],
};
const FILES = {
  ...networkdFiles('[Network]\nDHCP=yes\n'),
  '/etc/holdfast/agent.yaml': `dns: { nameservers: [${NEW.join(', ')}] }\nretire: [${OLD.join(', ')}]\n`,
};
const ASK = `perl -MSocket -e 'socket(my $s, PF_INET, SOCK_DGRAM, 17); send($s, "x", 0, pack_sockaddr_in(53, inet_aton("${OLD[0]}")))'`;

async function answer(machine: Machine): Promise<DependsAnswer> {
  const { stdout } = await machine.run(['agent', 'depends', '--json', ...OLD]);
  return JSON.parse(stdout) as DependsAnswer;
}

/** `tense source` of each dependence on the old servers, and of each unseen place that is not the ledger. */
async function told(machine: Machine): Promise<string[]> {
  const { found, unseen } = await answer(machine);
  const missing = unseen
    .filter(({ source }) => source !== 'ledger')
    .map(({ source, reason }) => `${source}: ${reason}`);
  return [...new Set([...found.map(({ tense, source }) => `${tense} ${source}`), ...missing])].sort();
}

for (const release of Object.keys(suites) as Suite[])
  test(`${suites[release]}: depends names resolved’s servers, a copy in a chroot, the next lease and a unit that asked, and each goes; the sandboxed daemon sees as much`, {
    skip,
  }, async () => {
    await using machine = await Machine.boot({
      release,
      packages: PACKAGES[release],
      files: FILES,
      setup: NETWORKD_SETUP,
      dhcp: { lease: 600, offers: `option domain-name-servers ${OLD.join(', ')};` },
    });
    await installService(machine);
    await machine.sh('until resolvectl dns eth0 | grep -q 10.77; do sleep 0.1; done');
    assert.deepEqual(await told(machine), ['lease leases', 'now systemd-resolved']);
    const [link] = (await answer(machine)).found.filter(({ source }) => source === 'systemd-resolved');
    assert.match(link!.where, /eth0/);

    const { code } = await machine.run(['agent', 'apply']);
    if (release === 'bullseye') {
      // systemd 247 keeps the servers of the lease beside ours, and both `apply` and `depends` say so.
      assert.deepEqual([code, await told(machine)], [4, ['lease leases', 'now systemd-resolved']]);
      await machine.sh('systemctl restart systemd-networkd; until agent apply; do sleep 0.5; done');
    } else assert.equal(code, 0);
    assert.deepEqual(await told(machine), []);

    // A global server, which belongs to no link.
    await machine.sh(`mkdir -p /run/systemd/resolved.conf.d; printf '[Resolve]\\nDNS=${OLD[0]}\\n' >/run/systemd/resolved.conf.d/old.conf
      systemctl restart systemd-resolved; until grep -q ${OLD[0]} /run/systemd/resolve/resolv.conf; do sleep 0.1; done`);
    assert.deepEqual(await told(machine), ['boot resolved.conf', 'now systemd-resolved']);
    await machine.sh(`rm /run/systemd/resolved.conf.d/old.conf; systemctl restart systemd-resolved
      until [ -s /run/systemd/resolve/resolv.conf ] && ! grep -q ${OLD[0]} /run/systemd/resolve/resolv.conf; do sleep 0.1; done; agent apply`);
    assert.deepEqual(await told(machine), []);

    // A copy for a chroot, first without a program in it.
    await machine.sh(
      `mkdir -p /srv/chroot/old/etc /srv/chroot/old/usr; echo nameserver ${OLD[0]} >/srv/chroot/old/etc/resolv.conf`,
    );
    assert.deepEqual(await told(machine), ['boot copies of resolv.conf']);
    await machine.sh(`mount --bind /usr /srv/chroot/old/usr; for one in bin lib lib64; do ln -s usr/$one /srv/chroot/old/$one; done
      systemd-run --quiet --unit=jail --property=RootDirectory=/srv/chroot/old sleep infinity
      until [ "$(systemctl is-active jail)" = active ] && pgrep -x sleep >/dev/null; do sleep 0.1; done`);
    const jailed = await answer(machine);
    const [copy] = jailed.found.filter(({ tense }) => tense === 'now');
    assert.match(copy!.who, /^jail\.service \(sleep\[\d+\]\)$/);
    await machine.sh('systemctl stop jail; umount /srv/chroot/old/usr; rm -r /srv/chroot/old');

    // A unit that really asks, although no file names the server.
    await machine.sh(`systemd-run --quiet --wait --unit=asker ${ASK}`);
    const { found } = await answer(machine);
    assert.deepEqual(
      found.map(({ tense, source }) => `${tense} ${source}`),
      ['asked ledger'],
    );
    assert.match(found[0]!.who, ASKED[release]);
    await machine.sh('nft flush ruleset; agent apply');
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

/** nft 0.9.8 of Debian 11 knows no control groups; the kernel is this machine's in each of them. */
const ASKED: Readonly<Record<Suite, RegExp>> = {
  bullseye: /^user root$/,
  bookworm: /^(?:asker\.service|\(ended\)) \(user root\)$/,
  trixie: /^(?:asker\.service|\(ended\)) \(user root\)$/,
};
