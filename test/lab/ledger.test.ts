/** The kernel counts who asks which name server, whatever other programs do to its tables, and says since when. */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { join } from 'node:path';
import { test } from 'node:test';
import { Askers, askedOn, CONNECT, NOBODY, readingsOf, SERVER } from '../parts/lab/asker.ts';
import { RunningAgent } from '../parts/lab/daemon.ts';
import { LabHost, unavailable } from '../parts/lab/host.ts';
import { Log } from '../parts/lab/log.ts';
import { REPOSITORY } from '../parts/repository.ts';

const skip = unavailable({ nft: 'nftables', perl: 'perl-base', setpriv: 'util-linux' });
const ALWAYS = 'ledger: always\n';

async function configured(host: LabHost, text: string): Promise<void> {
  await host.write('/etc/holdfast/agent.yaml', text);
}

test('ledger: askers are counted by server, unit and user, over UDP and TCP, and to loopback', { skip }, async () => {
  await using host = await LabHost.create();
  await using askers = await Askers.on(host);
  await askers.ask({ unit: 'early.service' });
  await configured(host, ALWAYS);
  await host.sh('agent apply');
  await askers.ask({ count: 7, unit: 'web.service' });
  await askers.ask({ count: 2, unit: 'web.service', uid: 1 });
  await askers.ask({ count: 3, unit: 'deep.slice/deeper.slice/job.service' });
  await askers.ask({ count: 1, unit: 'web.service', server: NOBODY });
  await askers.ask({ count: 4, unit: null, server: '127.0.0.53' });
  await host.sh(`perl -e '${CONNECT}' ${SERVER}; ping -c1 -q ${SERVER} >/dev/null`);
  const { packets, since, conditions } = await askedOn(host);
  assert.equal(packets[`${SERVER}  root`], 1, 'one SYN, which is answered by a reset');
  assert.deepEqual(
    { ...packets, [`${SERVER}  root`]: undefined },
    {
      [`${SERVER} web.service root`]: 7,
      [`${SERVER} web.service daemon`]: 2,
      [`${SERVER} job.service root`]: 3,
      [`${NOBODY} web.service root`]: 1,
      '127.0.0.53  root': 4,
      [`${SERVER}  root`]: undefined,
    },
  );
  assert.deepEqual([...since.keys()], ['']);
  assert.deepEqual(conditions, []);
});

test('ledger: retire counts only its addresses, keeps their counts when others come, and goes with its key', {
  skip,
}, async () => {
  await using host = await LabHost.create();
  await using askers = await Askers.on(host);
  await configured(host, `retire: [${SERVER}]\n`);
  await host.sh('agent apply');
  await askers.ask({ count: 5 });
  await askers.ask({ count: 5, server: NOBODY });
  const before = await askedOn(host);
  assert.deepEqual(before.packets, { [`${SERVER} a.service root`]: 5 });
  assert.deepEqual([...before.since.keys()], [SERVER]);

  await configured(host, `retire: ["::ffff:${SERVER}", ${SERVER}]\n`);
  assert.equal((await host.agent('plan')).code, 0, 'other spellings of the same address change nothing');

  await configured(host, `retire: [${NOBODY}, ${SERVER}]\n`);
  assert.match((await host.agent('plan')).stdout, /holdfast_retire.*counts other addresses/);
  await host.sh('agent apply');
  await askers.ask({ count: 2, server: NOBODY });
  const after = await askedOn(host);
  assert.deepEqual(after.packets, { [`${SERVER} a.service root`]: 5, [`${NOBODY} a.service root`]: 2 });
  assert.equal(after.since.get(SERVER), before.since.get(SERVER));
  assert.ok(after.since.get(NOBODY)! > before.since.get(SERVER)!);

  await configured(host, 'ledger: off\nhold: nothing\n');
  await host.sh('agent apply');
  assert.equal(await host.sh('nft list tables'), '');
  assert.equal(host.exists('/run/holdfast/ledger'), false);
  assert.deepEqual((await askedOn(host)).since.size, 0);
});

test('ledger: always hears that another program flushed the tables, and says since when it counts', {
  skip,
}, async () => {
  await using host = await LabHost.create();
  await using askers = await Askers.on(host);
  await configured(host, ALWAYS);
  const agent = await RunningAgent.start(host);
  await askers.ask({ count: 3 });
  const before = await askedOn(host);
  assert.deepEqual(before.packets, { [`${SERVER} a.service root`]: 3 });

  await host.sh('nft flush ruleset');
  const { resource, key } = await agent.event('holdfast.heal');
  assert.deepEqual([resource, key], ['ledger', 'nftables table inet holdfast_ledger']);
  await askers.ask({ count: 2 });
  const after = await askedOn(host);
  assert.deepEqual(after.packets, { [`${SERVER} a.service root`]: 2 });
  assert.ok(after.since.get('')! > before.since.get('')!);

  await agent.stop();
  await askers.ask({ count: 2 });
  assert.deepEqual((await askedOn(host)).packets, { [`${SERVER} a.service root`]: 4 }, 'it counts on without a daemon');
  await host.sh('nft flush ruleset');
  const gone = await askedOn(host);
  assert.deepEqual([gone.since.size, gone.conditions.map(({ code }) => code)], [0, ['ledger-gone']]);
  await host.sh('agent revert');
  assert.equal(host.exists('/run/holdfast/ledger'), false);
});

test('ledger: revert removes both tables and nothing of other programs', { skip }, async () => {
  await using host = await LabHost.create();
  await host.sh('nft add table inet other');
  await configured(host, `${ALWAYS}retire: [${SERVER}]\n`);
  await host.sh('agent apply');
  assert.match(await host.sh('nft list tables'), /holdfast_ledger[\s\S]*holdfast_retire/);
  const { stdout } = await host.agent('revert');
  assert.match(stdout, /holdfast_ledger[\s\S]*holdfast_retire/);
  assert.equal(await host.sh('nft list tables'), 'table inet other\n');
});

test('ledger: nothing is counted unasked, and forwarded packets have the name of the namespace that they come from', {
  skip,
}, async () => {
  await using host = await LabHost.create();
  await using askers = await Askers.on(host);
  await host.sh(`
    ip netns add box && ip link add veth0 type veth peer name box0 netns box
    ip addr add 10.88.0.1/24 dev veth0 && ip link set veth0 up
    ip -n box addr add 10.88.0.2/24 dev box0 && ip -n box link set box0 up && ip -n box route add default via 10.88.0.1
    sysctl -qw net.ipv4.ip_forward=1`);
  await configured(host, 'hold: nothing\n');
  const agent = await RunningAgent.start(host);
  assert.equal(await host.sh('nft list tables'), '');
  await agent.stop();

  await configured(host, `retire: [${SERVER}]\n`);
  await host.sh('agent apply');
  await host.sh(`ip netns exec box ${askers.command({ count: 6, unit: null })}`);
  assert.deepEqual((await askedOn(host)).packets, { [`${SERVER} 10.88.0.2 `]: 6 }, 'nobody is in the namespace');
  const program = host.spawn(['ip', 'netns', 'exec', 'box', 'sleep', '600']);
  await host.sh('until pgrep -x sleep >/dev/null; do :; done');
  const { packets } = await askedOn(host);
  const [asker = ''] = Object.keys(packets);
  assert.match(asker, /^10\.77\.0\.1 sleep\[\d+\] $/);
  const ended = once(program, 'close');
  await host.sh('pkill -x sleep');
  await ended;
});

test('ledger: a daemon with enforce: false counts what retire asks for, changes nothing else, and tells revert so', {
  skip,
}, async () => {
  await using host = await LabHost.create();
  await using askers = await Askers.on(host);
  const report = 'dns: { nameservers: [10.77.0.3] }\nreport: { enforce: false }\n';
  await configured(host, report);
  const agent = await RunningAgent.start(host);
  assert.equal(await host.sh('nft list tables'), '', 'nobody asked for counts');

  await configured(host, `${report}retire: [${SERVER}]\n`);
  await agent.signal('HUP');
  const { msg } = await agent.event('holdfast.config.changed');
  assert.match(msg, /observes only \(ledger: 0 as wanted, 1 changed, 0 failed\)/);
  await askers.ask({ count: 3 });
  const { packets, since } = await askedOn(host);
  assert.deepEqual([packets, [...since.keys()]], [{ [`${SERVER} a.service root`]: 3 }, [SERVER]]);
  const { stdout } = await host.agent('depends', SERVER);
  assert.match(stdout, /a\.service \(user root\)\n *where {2}3 packets to port 53/);
  assert.match(stdout, /the ledger counts who asks 10\.77\.0\.1 only since/);
  await host.sh('nft flush ruleset');
  await agent.event('holdfast.heal');
  assert.match(await host.sh('nft list tables'), /^table inet holdfast_retire$/m);
  const reverted = await host.agent('revert');
  assert.match(reverted.stdout, /goes on counting who asks name servers, and makes its tables again/);

  await configured(host, report);
  await agent.signal('HUP');
  await agent.event('holdfast.config.changed');
  assert.equal(await host.sh('nft list tables'), '');
  assert.equal(await host.read('/etc/resolv.conf'), '', 'nothing else was changed');
  await agent.stop();
});

test('ledger: behind a local forwarder the asker is the forwarder', { skip }, async () => {
  await using host = await LabHost.create();
  await using askers = await Askers.on(host);
  await configured(host, ALWAYS);
  await host.sh('agent apply');
  const start = `dnsmasq --no-resolv --no-hosts --server=${SERVER} --listen-address=127.0.0.1 --bind-interfaces --pid-file=/run/lab/dnsmasq.pid --user=root`;
  await host.sh(askers.command({ unit: 'dnsmasq.service' }).replace(/exec perl.*'$/, `exec ${start}'`));
  await askers.ask({ server: '127.0.0.1', unit: 'app.service', name: 'only.example', count: 1 });
  await host.sh('for n in $(seq 100); do agent probe asked | grep -q "dnsmasq.service" && break; sleep 0.1; done');
  const { packets } = await askedOn(host);
  assert.equal(packets['127.0.0.1 app.service root'], 1);
  assert.ok((packets[`${SERVER} dnsmasq.service root`] ?? 0) >= 1, JSON.stringify(packets));
  assert.equal(packets[`${SERVER} app.service root`], undefined);
  await host.sh('kill $(cat /run/lab/dnsmasq.pid); while pgrep -x dnsmasq >/dev/null; do :; done');
});

test('ledger: a unit that lived for a moment keeps its name, and emptied sets move the time', { skip }, async () => {
  await using host = await LabHost.create();
  await using askers = await Askers.on(host);
  await configured(host, ALWAYS);
  await host.sh('agent apply');
  await askers.ask({ unit: 'batch.slice/first.service' });
  const program = host.spawn([process.execPath, join(REPOSITORY, 'test/parts/lab/asked-inside.ts')]);
  const log = new Log(program.stdout!);
  let line = 0;
  const reading = async () => {
    program.stdin!.write('\n');
    line = (await log.indexOf(/^\{/, line)) + 1;
    return readingsOf(JSON.parse(log.lines[line - 1]!));
  };
  const before = await reading();
  await askers.ask({ unit: 'batch.slice/moment.service', count: 2 });
  await askers.end('batch.slice/moment.service');
  const after = await reading();
  assert.equal(after.packets[`${SERVER} moment.service root`], 2);
  assert.deepEqual(after.since, before.since);
  // The next process has only the saved names.
  assert.equal((await askedOn(host)).packets[`${SERVER} moment.service root`], 2);

  await host.sh('nft flush set inet holdfast_ledger unit4');
  const emptied = await reading();
  assert.deepEqual(emptied.packets, {});
  assert.ok(emptied.since.get('')! > before.since.get('')!);
  program.stdin!.end();
  await once(program, 'close');
  assert.ok((await askedOn(host)).since.get('')! > before.since.get('')!, 'the next process knows of the loss');
});

test('ledger: a set without room says so, and an address of retire is counted all the same', { skip }, async () => {
  await using host = await LabHost.create();
  await using askers = await Askers.on(host);
  await configured(host, `${ALWAYS}retire: [${SERVER}]\n`);
  await host.sh('agent apply && ip route add local 10.50.0.0/16 dev lo');
  const flood = `use Socket; socket(my $s, PF_INET, SOCK_DGRAM, 17);
    for my $n (0 .. 8999) { send($s, "x", 0, pack_sockaddr_in(53, pack("C4", 10, 50, $n >> 8, $n & 255))) or die $!; }`;
  await host.write('/run/lab/flood.pl', flood);
  await host.sh('perl /run/lab/flood.pl');
  await askers.ask({ count: 3, unit: null });
  const { packets, since, conditions, askers: rows } = await askedOn(host);
  assert.deepEqual([...since.keys()], [SERVER]);
  assert.deepEqual(
    conditions.map(({ code }) => code),
    ['ledger-cut', 'ledger-full'],
  );
  assert.equal(packets[`${SERVER}  root`], 3);
  assert.ok(rows.size <= 250, `${rows.size} series`);
});

test('ledger: without a cgroup hierarchy, or with an nft that knows no control groups, it counts by user', {
  skip,
}, async () => {
  await using host = await LabHost.create();
  await using askers = await Askers.on(host);
  await configured(host, ALWAYS);
  // The answer of nft 0.9.8 (Debian 11).
  const old = `#!/bin/sh
case "$*" in *cgroupsv2*) echo "Error: syntax error, unexpected cgroupsv2" >&2; exit 1 ;; esac
exec /usr/sbin/nft "$@"\n`;
  await host.write('/usr/local/sbin/nft', old, 0o755);
  await host.sh('agent apply');
  await askers.ask({ count: 3 });
  const { packets, since, conditions } = await askedOn(host);
  assert.deepEqual([packets, since.size], [{ [`${SERVER}  root`]: 3 }, 1]);
  assert.equal(conditions[0]?.code, 'ledger-by-user');
  assert.match(conditions[0].body, /unexpected cgroupsv2/);
  assert.match((await host.agent('apply')).stdout, /0 changed/, 'and is not tried again each time');
});

test('ledger: without nft, ledger: always fails with the cure, and a host without the keys is in order', {
  skip,
}, async () => {
  await using host = await LabHost.create();
  await host.sh('rm -f /usr/sbin/nft /usr/bin/nft /sbin/nft');
  await configured(host, ALWAYS);
  const { code, stdout, stderr } = await host.agent('apply');
  assert.equal(code, 4);
  assert.match(stdout + stderr, /nft is missing: install the package nftables/);
  await host.sh('agent revert');
  await configured(host, 'hold: nothing\n');
  const agent = await RunningAgent.start(host);
  assert.equal((await askedOn(host)).since.size, 0);
  assert.equal(agent.count('holdfast.heal_failed'), 0);
  await agent.stop();
});
