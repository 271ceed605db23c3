/** Masquerading, with a real client, the real nft and the real kernel. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { RunningAgent } from '../parts/lab/daemon.ts';
import {
  addClient,
  answers,
  apply,
  FAR,
  FAR_PORT,
  gateway,
  network,
  OUTER,
  seenAs,
  YAML,
} from '../parts/lab/gateway.ts';
import { type LabHost, unavailable } from '../parts/lab/host.ts';
import { Log } from '../parts/lab/log.ts';

const skip = unavailable({ nft: 'nftables', strace: 'strace' });

const MORE = YAML.replace('}]', `}, { out: eth0, from: ${network(1)} }]`);

const tables = (host: LabHost) => host.sh('nft list tables');

test('gateway: a client gets through only with masquerading, and a second apply starts no process', {
  skip,
}, async () => {
  await using host = await gateway();
  assert.equal(await answers(host, 0, 1), false, 'control');
  await host.sh('echo 1 >/proc/sys/net/ipv4/ip_forward');
  assert.equal(await answers(host, 0, 1), false, 'control: forwarded, but with an address that nobody answers to');
  await apply(host);
  assert.equal(await answers(host), true);
  assert.equal(await seenAs(host), OUTER);

  const again = await host.run(['strace', '-f', '-qq', '-e', 'trace=execve', '-o', '/tmp/trace', 'agent', 'apply']);
  assert.equal(again.code, 0);
  assert.match(again.stdout, /as wanted/);
  assert.doesNotMatch(await host.read('/tmp/trace'), /nft/);
});

test('gateway: an interface that comes later is a gateway’s too', { skip }, async () => {
  await using host = await gateway(MORE);
  await apply(host);
  await addClient(host, 1);
  assert.equal(await seenAs(host, 1), OUTER);
});

test('gateway: masquerading by a pattern takes each interface that fits, and leaves out the exceptions', {
  skip,
}, async () => {
  const rule = `{ out: "ppp*", from: ${network(0)}, except: [10.88.0.0/16, 192.168.0.0/16] }`;
  await using host = await gateway(`forwarding: { ipv4: true, masquerade: [${rule}] }\n`);
  await apply(host);
  // These interfaces come after the rule. Behind them are a far address, and one of an exception that knows the way back.
  for (const [name, n] of [
    ['ppp0', 1],
    ['ppp12', 2],
    ['pp', 3],
  ] as const) {
    await host.sh(`ip link add ${name} type veth peer name far${n} netns server
      ip addr add 10.66.${n}.2/24 dev ${name}; ip link set ${name} up; ip route add 10.88.${n}.1 via 10.66.${n}.1`);
    await host.sh(
      `ip addr add 10.66.${n}.1/24 dev far${n}; ip link set far${n} up; ip addr add 10.88.${n}.1/32 dev far${n}
       ip route replace ${network(0)} via 10.66.${n}.2`,
      { where: 'server' },
    );
    const seen = [await seenAs(host, 0, `10.66.${n}.1`), await seenAs(host, 0, `10.88.${n}.1`)];
    assert.deepEqual(seen, [name === 'pp' ? '10.99.0.2' : `10.66.${n}.2`, '10.99.0.2'], name);
  }
  // Another program's exception differs by one bit.
  await host.sh(`nft flush chain inet holdfast postrouting
    nft 'add rule inet holdfast postrouting ip saddr ${network(0)} ip daddr != 10.88.0.0/16 ip daddr != 192.168.0.0/17 oifname "ppp*" masquerade'`);
  const plan = await host.agent('plan');
  assert.equal(plan.code, 2, plan.stdout);
  await apply(host);
  assert.equal((await host.agent('plan')).code, 0);
  assert.match(
    await host.sh('nft -s list table inet holdfast'),
    /ip saddr 10\.99\.0\.0\/24 ip daddr != 10\.88\.0\.0\/16 ip daddr != 192\.168\.0\.0\/16 oifname "ppp\*" masquerade/,
  );
});

test('gateway: masquerading works for IPv6 as well', { skip }, async () => {
  await using host = await gateway('forwarding: { ipv6: true, masquerade: [{ out: eth0, from: "fd99::/64" }] }\n');
  await host.sh('ip addr add fd77::1/64 dev srv0 nodad', { where: 'server' });
  await host.sh('ip addr add fd77::2/64 dev eth0 nodad; ip addr add fd99::1/64 dev lan0 nodad');
  await host.sh('ip -n client0 addr add fd99::2/64 dev c0 nodad; ip -n client0 route add default via fd99::1');
  const ping = () => host.run(['ip', 'netns', 'exec', 'client0', 'ping', '-c3', '-i0.3', '-W1', 'fd77::1']);
  assert.notEqual((await ping()).code, 0, 'control');
  await apply(host);
  assert.equal((await ping()).code, 0);
});

test('gateway: connections in progress go on while rules are changed, and none goes out unmasked', {
  skip,
}, async () => {
  await using host = await gateway();
  await apply(host);
  // One connection talks all the time, and new connections come all the time.
  const code = `
    const { connect } = require('net');
    let sent = 0, heard = 0, fresh = 0;
    const s = connect(${FAR_PORT}, '${FAR}');
    s.on('error', (e) => { console.log('broken ' + e.code); process.exit(1); });
    s.on('close', () => { console.log('closed'); process.exit(1); });
    s.once('data', (first) => {
      console.log('talks ' + first);
      setInterval(() => { sent += 1; s.write('x'); }, 2);
      s.on('data', (d) => { heard += d.length; });
      const again = () => { const t = connect(${FAR_PORT}, '${FAR}'); t.once('data', (d) => {
        if (String(d).trim() !== '${OUTER}') { console.log('seen as ' + d); process.exit(1); }
        fresh += 1; t.destroy(); setImmediate(again); }); };
      again();
    });
    process.stdin.on('data', () => { setTimeout(() => { console.log(JSON.stringify({ lag: sent - heard, fresh })); process.exit(0); }, 1000); });`;
  const client = host.spawn(['ip', 'netns', 'exec', 'client0', process.execPath, '-e', code]);
  const log = new Log(client.stdout!);
  await log.until(/^talks/);
  const pings = host.run(['ip', 'netns', 'exec', 'client0', 'ping', '-q', '-i', '0.01', '-w', '20', FAR]);
  for (let round = 0; round < 3; round += 1) {
    await host.write('/etc/holdfast/agent.yaml', MORE);
    await apply(host);
    await host.write('/etc/holdfast/agent.yaml', YAML);
    await apply(host);
  }
  client.stdin!.write('end\n');
  const end = JSON.parse(await log.until(/^\{|^broken|^closed|^seen/)) as { lag: number; fresh: number };
  assert.ok(end.fresh > 0);
  assert.ok(end.lag < 1000, `the connection stopped: ${end.lag} bytes are missing`);
  await host.sh('pkill -INT -x ping || true');
  const { stdout } = await pings;
  assert.match(stdout, / 0% packet loss/, stdout);
});

test('gateway: changes of the table by another program are seen and healed', { skip }, async () => {
  await using host = await gateway();
  await apply(host);
  for (const deed of [
    'nft flush ruleset',
    'nft -f /etc/nftables.conf', // what the service does at its start
    'nft flush table inet holdfast',
    'nft add rule inet holdfast postrouting counter drop',
    'nft add chain inet holdfast more',
    'nft add set inet holdfast more "{ type ipv4_addr; }"',
    'nft add table inet holdfast "{ flags dormant; }"',
    'nft delete table inet holdfast; nft add table inet holdfast',
  ]) {
    await host.sh(deed);
    const plan = await host.agent('plan');
    assert.equal(plan.code, 2, `${deed}: ${plan.stdout}`);
    await apply(host);
    assert.equal((await host.agent('plan')).code, 0, deed);
  }
  assert.equal(await seenAs(host), OUTER);
});

test('gateway: the daemon heals a flushed ruleset, apply removes what is no longer configured, revert removes only our table', {
  skip,
}, async (t) => {
  await using host = await gateway();
  const agent = await RunningAgent.start(host);
  // By the first it is known that it listens.
  await host.sh('nft flush ruleset');
  await agent.event('holdfast.heal');
  const before = agent.log.lines.length;
  await host.sh('nft add table inet theirs; nft flush ruleset; nft add table inet theirs');
  const flushed = performance.now();
  await agent.event('holdfast.heal');
  t.diagnostic(`healed after ${Math.round(performance.now() - flushed)} ms`);
  // A look that still belongs to the first heal may see it: then the drift's event names who did it.
  assert.match(agent.log.lines.slice(before).join('\n'), /nftables table inet holdfast (was|is) .*\bby .*nft\[\d+\]/);
  assert.equal(await answers(host), true);
  // More messages than a socket holds, and the last of them is ours.
  await host.sh(
    `nft add chain inet theirs many; { seq 30000 | sed 's/.*/add rule inet theirs many counter/'; echo flush ruleset; echo add table inet theirs; } | nft -f -`,
  );
  await agent.event('holdfast.heal');
  assert.equal(await answers(host), true);
  await agent.stop();

  await host.write('/etc/holdfast/agent.yaml', 'forwarding: { ipv4: true }\n');
  await apply(host);
  assert.equal(await tables(host), 'table inet theirs\n');
  await host.write('/etc/holdfast/agent.yaml', YAML);
  await apply(host);
  assert.equal((await host.agent('revert')).code, 0);
  assert.equal(await tables(host), 'table inet theirs\n');
  assert.equal(host.exists('/run/holdfast/masquerade'), false);
});

test('gateway: without nft apply fails with the cure, and still sets the sysctls', { skip }, async () => {
  await using host = await gateway();
  await host.sh('rm /usr/sbin/nft');
  const { code, stdout, stderr } = await host.agent('apply');
  assert.equal(code, 4);
  assert.match(stdout + stderr, /nft is missing: install the package nftables/);
  assert.equal(await host.sh('cat /proc/sys/net/ipv4/ip_forward'), '1\n');
});
