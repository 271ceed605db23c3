/** Policy rules on a throw-away host with two links: packets take the table, and no rule of another program is touched. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { RunningAgent } from '../parts/lab/daemon.ts';
import { LabHost, unavailable } from '../parts/lab/host.ts';
import { REPOSITORY } from '../parts/repository.ts';

const skip = unavailable({ ping: 'iputils-ping' });
const CONFIG = '/etc/holdfast/agent.yaml';
const PINGS = 20;

/** Two links with addresses of both families. `number`: of this end. */
const links = (name: string, number: number) => `
  sysctl -qw net.ipv4.conf.all.rp_filter=0 net.ipv4.conf.default.rp_filter=0
  for n in 0 1; do
    ip link set ${name}$n up
    ip addr add 10.8$((8 + n)).0.${number}/24 dev ${name}$n
    ip addr add 2001:db8:8$((8 + n))::${number}/64 dev ${name}$n nodad
  done
  ip link set lo up`;
/** The default routes lead through the first link. */
const SCENE = `${links('eth', 2)}
  ip route add default via 10.88.0.1
  ip -6 route add default via 2001:db8:88::1`;
const FAR = `${links('srv', 1)}
  ip addr add 10.99.0.1/32 dev lo
  ip addr add 2001:db8:99::1/128 dev lo`;
const FOREIGN_TABLE = `
  ip rule add priority 100 iif eth0 from 10.71.0.0/16 table 10002
  ip rule add priority 130 fwmark 0x30 table 10002`;
const FOREIGN = `${FOREIGN_TABLE}
  ip rule add priority 90 from 10.70.0.0/16 table 77
  ip -6 rule add priority 90 from 2001:db8:70::/48 table 77`;

const ROUTES = `routes:
  - { to: default, via: 10.89.0.1, dev: eth1, table: 10002 }
  - { to: "::/0", via: "2001:db8:89::1", dev: eth1, table: 10002 }
`;
const RULES = `rules:
  - { from: 10.89.0.2, table: 10002, priority: 100 }
  - { from: "2001:db8:89::2", to: "2001:db8:99::/48", table: 10002, priority: 100 }
  - { fwmark: 0x10/0xff, oif: eth1, table: 10002, priority: 120 }
  - { fwmark: "0x30", table: 10002, priority: 130, family: ipv4 }
`;
const MADE = [
  '100: from 10.89.0.2 lookup 10002',
  '120: from all fwmark 0x10/0xff oif eth1 lookup 10002',
  '100: from 2001:db8:89::2 to 2001:db8:99::/48 lookup 10002',
  '120: from all fwmark 0x10/0xff oif eth1 lookup 10002',
];

/** Prints the snapshot of our rules, or what an undo says of the snapshot that it is given. */
const UNDO = `
const [repository, kept] = process.argv.slice(1);
const { rulesSnapshot, putBackRules } = await import(repository + '/agent/resources/rules/snapshot.ts');
const { Host } = await import(repository + '/agent/host/host.ts');
const host = new Host();
console.log(kept ? await putBackRules(host, JSON.parse(kept), true) : JSON.stringify(await rulesSnapshot(host)));
`;

test('rules: held now and by the daemon, in both families', { skip }, async (t) => {
  await using host = await LabHost.create({ interfaces: 2 });
  await host.sh(FAR, { where: 'server' });
  await host.sh(SCENE);
  await host.sh(FOREIGN);
  const all = () =>
    host.sh('ip -4 rule; ip -6 rule; ip -4 route show table all; ip -6 route show table all | grep 10002 || :');
  const before = await all();

  await t.test('a table without a rule is a warning, until a rule of any program leads to it', async () => {
    await host.write(CONFIG, ROUTES);
    await host.sh('ip rule del priority 130; ip rule del priority 100');
    const { code, stdout } = await host.agent('apply', '--only', 'routes');
    assert.equal(code, 0, stdout);
    assert.match(stdout, /ipv4 table 10002 +skipped: no IPv4 rule leads to table 10002, so no packet takes its routes/);
    const doctor = await host.agent('doctor', '--only', 'rules');
    assert.match(doctor.stdout, /warning HF-ROUTES-NO-RULE\n +no IPv6 rule leads to table 10002/);
    await host.sh(FOREIGN_TABLE);
    await host.sh('ip -6 rule add priority 500 iif eth0 table 10002');
    assert.doesNotMatch((await host.agent('status', '--only', 'routes')).stdout, /rule leads to table/);
    await host.sh('ip -6 rule del priority 500');
    assert.equal((await host.agent('revert')).code, 0);
  });

  await t.test('are planned and made, and packets of the address take the table', async () => {
    await host.write(CONFIG, `${ROUTES}${RULES}`);
    assert.equal(await linkOf(host, '10.89.0.2', '10.99.0.1'), 0);
    const plan = await host.agent('plan', '--only', 'rules');
    assert.match(plan.stdout, /^ipv4 rule 100: \(none\) → from 10\.89\.0\.2\/32 table 10002$/m);
    const { code, stdout } = await host.agent('apply', '--json');
    assert.equal(code, 0, stdout);
    assert.deepEqual(await ours(host), MADE);
    assert.equal(await linkOf(host, '10.89.0.2', '10.99.0.1'), 1);
    assert.equal(await linkOf(host, '2001:db8:89::2', '2001:db8:99::1'), 1);
    assert.equal(await linkOf(host, '10.88.0.2', '10.99.0.1'), 0);
    const status = await host.agent('status');
    assert.match(status.stdout, /^rules\.ipv6\.120\s+✓/m);
    const notes = (await host.agent('status', '--json')).stdout;
    assert.match(notes, /another program \(protocol unspec\) has made an equal rule, which stays/);
    assert.match(notes, /rules of this priority.*: from 10\.71\.0\.0\/16 iif eth0 table 10002 \(protocol unspec\)/);
    assert.match((await host.agent('apply')).stdout, / 0 changed/);
  });

  await t.test('are changed without a moment that lacks both', async () => {
    const monitor = host.spawn(['ip', '-4', 'monitor', 'rule']);
    let told = '';
    monitor.stdout!.on('data', (data) => (told += data));
    while (told === '') await host.sh('ip rule add priority 7 table 7; ip rule del priority 7; sleep 0.1');
    await host.write(CONFIG, `${ROUTES}${RULES.replace('from: 10.89.0.2,', 'iif: eth0, family: ipv4,')}`);
    const { code, stdout } = await host.agent('apply', '--json');
    assert.equal(code, 0, stdout);
    await host.sh('sleep 0.2; pkill -x ip');
    const changes = told.split('\n').filter((line) => /\b100:/.test(line));
    assert.deepEqual(
      changes.map((line) => line.startsWith('Deleted')),
      [false, true],
      told,
    );
    assert.equal((await ours(host))[0], '100: from all iif eth0 lookup 10002');
  });

  await t.test('are put back by the daemon, which names the program', async () => {
    const agent = await RunningAgent.start(host);
    const named = /^ipv4 rule 120 was changed \(by (ip\[\d+\]|the process of netlink port \d+)\) and is put right/;
    // A look of another cause may see the drift before the kernel's word is read: not three times running.
    for (let tries = 1; ; tries += 1) {
      await host.sh('sleep 1; ip rule del priority 120');
      const { msg } = await agent.event('holdfast.heal');
      if (named.test(msg)) break;
      if (tries === 3) assert.match(msg, named);
    }
    await host.sh('ip -6 rule del priority 100; ip -6 rule del priority 120');
    await agent.event('holdfast.heal');
    await host.sh('for i in $(seq 50); do agent plan --only rules >/dev/null && exit 0; sleep 0.1; done; exit 1');
    assert.equal((await ours(host)).length, 4);
    assert.equal(await agent.stop(), 0);
  });

  await t.test('come back byte for byte by the undo of a trial, which leaves rules of other programs', async () => {
    const undo = async (...more: string[]) => {
      const { stdout } = await host.run([process.execPath, '--input-type=module', '-e', UNDO, REPOSITORY, ...more]);
      return stdout.trim();
    };
    const wanted = await host.sh('ip -details -4 rule; ip -details -6 rule');
    const kept = await undo();
    await host.sh(`ip rule del priority 120; ip rule add priority 140 iif eth1 table 10002 proto 72
      ip -6 rule del priority 100; ip -6 rule add priority 100 from 2001:db8::/32 table 9 proto 72`);
    assert.equal(await undo(kept), 'null');
    assert.equal(await host.sh('ip -details -4 rule; ip -details -6 rule'), wanted);
  });

  await t.test('go when they are not wanted, and no rule of another program with them', async () => {
    await host.write(CONFIG, ROUTES);
    const { code, stdout } = await host.agent('apply', '--json', '--only', 'rules');
    assert.equal(code, 0, stdout);
    assert.deepEqual(await ours(host), []);
    assert.match(await host.sh('ip rule'), /^100:\tfrom 10\.71\.0\.0\/16 iif eth0 lookup 10002/m);
    await host.sh('test ! -e /run/holdfast/rules');
  });

  await t.test('are all gone after revert, and the tables are to the byte as before', async () => {
    await host.write(CONFIG, `${ROUTES}${RULES}`);
    assert.equal((await host.agent('apply')).code, 0);
    assert.notEqual(await all(), before);
    const { code, stdout } = await host.agent('revert');
    assert.equal(code, 0, stdout);
    assert.match(stdout, /ipv6 rule 120\s+removed/);
    assert.equal(await all(), before);
  });
});

/** Our rules as iproute2 prints them, IPv4 first. */
async function ours(host: LabHost): Promise<string[]> {
  const text = await host.sh('ip -4 -details rule; ip -6 -details rule');
  const lines = text.split('\n').filter((line) => / proto (holdfast|72)\b/.test(line));
  return lines.map((line) => line.replace(/ proto (holdfast|72)\b.*/, '').replace(/\s+/g, ' '));
}

/** The number of the link through which packets of this address leave, counted at its other end. */
async function linkOf(host: LabHost, source: string, to: string): Promise<number> {
  const counts = async () => {
    const text = await host.sh(
      'cat /sys/class/net/srv0/statistics/rx_packets /sys/class/net/srv1/statistics/rx_packets',
      {
        where: 'server',
      },
    );
    return text.trim().split('\n').map(Number);
  };
  const before = await counts();
  await host.sh(`ping -q -i 0.01 -c ${PINGS} -I ${source} ${to}`);
  const after = await counts();
  return after.findIndex((count, n) => count - before[n]! >= PINGS);
}
