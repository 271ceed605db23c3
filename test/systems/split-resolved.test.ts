/** dns.split where systemd-resolved answers libc: what it asks whom, and what holds through a lease and a reboot. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type CountingServer, startCountingServer } from '../parts/lab/counting-dns.ts';
import { CORP, EVERY, FROM_CORP, FROM_EVERY, found, RESOLVED_MACHINE, splitMoments } from '../parts/lab/split.ts';
import { Machine, unavailable } from './machine.ts';
import { installService, property } from './service.ts';

const skip = unavailable();
const FILE = '/etc/systemd/resolved.conf.d/holdfast-split.conf';
/** How systemd 252 and 257 are made to read the file. */
const VERBS = { bookworm: 'restart', trixie: 'reload' } as const;
type Release = keyof typeof VERBS;

const yaml = (further = '') => `dns:
  nameservers: [${EVERY}]
  search: [dev.example]
  split:
    - { domains: [corp.example, 10.in-addr.arpa], servers: [${CORP}] }
${further}`;

interface Scene {
  readonly machine: Machine;
  readonly every: CountingServer;
  readonly corp: CountingServer;
}

async function boot(release: Release): Promise<Scene> {
  let every!: CountingServer;
  let corp!: CountingServer;
  const machine = await Machine.boot({
    ...RESOLVED_MACHINE,
    release,
    files: { ...RESOLVED_MACHINE.files, '/etc/holdfast/agent.yaml': yaml() },
    async ready(booted) {
      await installService(booted);
      every = await startCountingServer(booted.outside, EVERY, FROM_EVERY);
      corp = await startCountingServer(booted.outside, CORP, FROM_CORP);
    },
  });
  return { machine, every, corp };
}

/** In its first milliseconds systemd-resolved answers for no link. */
async function readAgain(machine: Machine, verb: 'reload' | 'restart'): Promise<void> {
  await machine.sh(`systemctl ${verb} systemd-resolved
    until getent ahostsv4 ready.other.example. >/dev/null; do :; done`);
}

/** Whom the names of the split domains and another name are asked of, and of nobody else. */
async function splits({ machine, every, corp }: Scene, when: string): Promise<void> {
  await machine.sh('resolvectl flush-caches');
  await every.asked();
  await corp.asked();
  const [inside, outside] = [`${when}.corp.example`, `${when}.other.example`];
  assert.deepEqual([await found(machine, inside), await found(machine, outside)], [FROM_CORP, FROM_EVERY], when);
  await machine.run(['getent', 'hosts', '10.1.2.3']);
  const [ofEvery, ofCorp] = [new Set(await every.asked()), new Set(await corp.asked())];
  assert.deepEqual(
    [ofEvery.has(inside), ofEvery.has('3.2.1.10.in-addr.arpa'), ofCorp.has(outside)],
    [false, false, false],
  );
  assert.equal(ofCorp.has('3.2.1.10.in-addr.arpa'), true);
}

for (const release of Object.keys(VERBS) as Release[]) {
  test(`${release}: control: a link of its own does not reach the servers, and without ~. every name is asked there`, {
    skip,
  }, async () => {
    const { machine, corp } = await boot(release);
    await using _ = machine;
    assert.equal(await found(machine, 'a.corp.example'), FROM_EVERY);
    // The kernel of the lab has no dummy links. A wire to nowhere is the same to systemd-resolved.
    await machine.sh(`ip link add own0 type veth peer name own1; ip link set own1 up; ip link set own0 up
      ip addr add 169.254.77.1/32 dev own0
      until resolvectl dns own0 ${CORP} && resolvectl domain own0 '~corp.example' && resolvectl status own0 | grep -q 'Scopes: DNS'; do :; done`);
    assert.equal(await found(machine, 'b.corp.example'), null);
    assert.deepEqual(await corp.asked(), []);
    await machine.sh('ip link del own0');
    await machine.write(FILE, `[Resolve]\nDNS=${CORP}\nDomains=~corp.example\n`);
    await readAgain(machine, VERBS[release]);
    assert.equal(await found(machine, 'c.corp.example'), FROM_CORP);
    await found(machine, 'c.other.example');
    assert.ok((await corp.asked()).includes('c.other.example'));
  });

  test(`${release}: held: each domain only at its own server, through leases and a reboot; revert`, {
    skip,
  }, async () => {
    const scene = await boot(release);
    const { machine } = scene;
    await using _ = machine;
    const said = await machine.sh('agent apply');
    assert.match(said, new RegExp(`pending: .* systemctl ${VERBS[release]} systemd-resolved`));
    const pending = await splitMoments(machine);
    assert.deepEqual([pending.now?.state, pending.boot?.state], ['drifted', 'ok']);
    await readAgain(machine, VERBS[release]);
    await splits(scene, 'told');
    assert.equal((await splitMoments(machine)).now?.state, 'ok');
    await machine.leased(2);
    await splits(scene, 'leased');
    await machine.sh('systemctl enable holdfast-apply');
    await machine.reboot();
    await splits(scene, 'booted');
    assert.equal(await property(machine, 'holdfast-apply', 'ActiveState'), 'active', 'before systemd-resolved runs');
    assert.equal(await property(machine, 'holdfast-apply', 'ExecMainStatus'), '0');
    assert.equal((await machine.run(['agent', 'plan'])).code, 0);

    await machine.sh('resolvectl domain eth0 corp.example "~."');
    assert.match((await splitMoments(machine)).now?.reason ?? '', /eth0 has the domain corp\.example/);
    await machine.sh('agent apply');
    await splits(scene, 'healed');

    await machine.write('/etc/holdfast/agent.yaml', yaml().replace('corp.example', 'lab.example'));
    const renamed = /asks these servers for corp\.example as well.* systemctl restart systemd-resolved/;
    assert.match(await machine.sh('agent apply'), renamed);
    await readAgain(machine, VERBS[release]);
    const isReload = VERBS[release] === 'reload';
    assert.equal(await found(machine, 'renamed.corp.example'), isReload ? FROM_CORP : FROM_EVERY);
    const { now } = await splitMoments(machine);
    assert.equal(now?.state, isReload ? 'drifted' : 'ok');
    if (isReload) {
      assert.match(now?.reason ?? '', renamed);
      await readAgain(machine, 'restart');
      assert.equal((await splitMoments(machine)).now?.state, 'ok');
    }
    assert.equal(await found(machine, 'again.corp.example'), FROM_EVERY);
    assert.equal(await found(machine, 'again.lab.example'), FROM_CORP);

    const reverted = await machine.run(['agent', 'revert']);
    assert.match(
      reverted.stdout,
      /pending: systemd-resolved forgets its servers and domains .* systemctl restart systemd-resolved/,
    );
    assert.equal(machine.exists(FILE), false);
    await readAgain(machine, 'restart');
    assert.equal(await found(machine, 'reverted.corp.example'), FROM_EVERY);
  });
}

test('bookworm: what systemd-resolved cannot do is refused with the cure, and nothing is written', {
  skip,
}, async () => {
  const { machine } = await boot('bookworm');
  await using _ = machine;
  const refused = async (config: string, reason: RegExp) => {
    await machine.write('/etc/holdfast/agent.yaml', config);
    const { code, stdout, stderr } = await machine.run(['agent', 'apply']);
    assert.equal(code, 4, stdout + stderr);
    assert.match(stdout + stderr, reason);
    assert.equal(machine.exists(FILE), false);
  };
  await refused(
    yaml('    - { domains: [lab.example], servers: [10.77.0.13] }\n'),
    /systemd-resolved has one list of servers beside those of its links/,
  );
  await refused(yaml().replace('dev.example', 'corp.example'), /dns\.search has corp\.example/);
  await refused(yaml().replace(/ {2}search.*\n/, ''), /write dns\.nameservers and dns\.search/);
  await machine.write('/etc/systemd/resolved.conf.d/theirs.conf', '[Resolve]\nDNS=10.77.0.99\n');
  await refused(yaml(), /theirs\.conf:2 gives systemd-resolved global servers or domains already/);
  await machine.sh(
    'rm /etc/systemd/resolved.conf.d/theirs.conf; ln -sf ../run/systemd/resolve/resolv.conf /etc/resolv.conf',
  );
  await refused(yaml(), /past systemd-resolved: link it to \/run\/systemd\/resolve\/stub-resolv\.conf/);
});
