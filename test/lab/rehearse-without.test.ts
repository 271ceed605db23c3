/** `agent rehearse without` names the programs that suffer, and the kernel ends it even if the command is killed. */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { test } from 'node:test';
import { Askers, NOBODY, SERVER } from '../parts/lab/asker.ts';
import { LabHost, unavailable } from '../parts/lab/host.ts';
import { Log } from '../parts/lab/log.ts';

const skip = unavailable({ nft: 'nftables', perl: 'perl-base', setpriv: 'util-linux' });
const SECOND = '10.77.0.3';

/** Two servers that know www.example.com. */
async function serve(host: LabHost): Promise<void> {
  await host.sh(`ip -n server addr add ${SECOND}/24 dev srv0`);
  for (const address of [SERVER, SECOND]) {
    const serving = `--conf-file=/dev/null --no-resolv --no-hosts --bind-interfaces --user=root --listen-address=${address}`;
    await host.sh(
      `dnsmasq ${serving} --pid-file=/run/lab/dns.${address}.pid --host-record=www.example.com,10.77.0.80`,
      { where: 'server' },
    );
  }
}

async function stop(host: LabHost): Promise<void> {
  await host.sh('kill $(cat /run/lab/dns.*.pid); while pgrep -x dnsmasq >/dev/null; do :; done');
}

test('without: a program that asks the address is named with its unit and user, and another address is not touched', {
  skip,
}, async () => {
  await using host = await LabHost.create();
  await using askers = await Askers.on(host);
  const argv = ['agent', 'rehearse', 'without', SERVER, '--for', '12s', '--json'];
  const child = host.spawn(argv);
  const printed = new Log(child.stdout!);
  const ended = once(child, 'close');
  await host.sh('until nft list table inet holdfast_rehearsal >/dev/null 2>&1; do :; done');
  const second = await host.agent('rehearse', 'without', NOBODY, '--for', '1s');
  assert.equal(second.code, 4);
  assert.match(second.stderr, /another command does the same just now \(process \d+\)/);
  const refused = await host.run(['sh', '-c', askers.command({ unit: 'old.service', uid: 1, count: 1 })]);
  assert.notEqual(refused.code, 0, 'the program is told at once');
  assert.match(refused.stderr, /Operation not permitted|Connection refused/);
  await askers.ask({ server: NOBODY });
  const [code] = await ended;
  assert.equal(code, 2);
  const { suffered, sufferers, endedEarly } = JSON.parse(printed.lines.join('\n'));
  assert.deepEqual([suffered, endedEarly], [true, null]);
  assert.deepEqual(
    sufferers.map(({ unit, user, packets }: Record<string, unknown>) => [unit, user, packets]),
    [['old.service', 'daemon', 1]],
  );
  assert.equal(await host.sh('nft list tables'), '');
  await askers.ask({ unit: 'old.service' });
});

test('without: nobody suffers if nobody asks, and look-ups by the other server go on', { skip }, async () => {
  await using host = await LabHost.create();
  await using _ = await Askers.on(host);
  await serve(host);
  await host.write('/etc/resolv.conf', `nameserver ${SECOND}\n`);
  const { code, stdout } = await host.agent('rehearse', 'without', SERVER, '--for', '3s', '--name', 'www.example.com');
  assert.equal(code, 0, stdout);
  assert.match(stdout, /\d+ look-ups of www\.example\.com: all found it/);
  assert.match(stdout, /Nobody suffered for 3 s without 10\.77\.0\.1\./);
  await stop(host);
});

test('without: the only working name server, the collector and the way of the terminal are refused', {
  skip,
}, async () => {
  await using host = await LabHost.create();
  await using _ = await Askers.on(host);
  await serve(host);
  // The second server does not answer.
  await host.write('/etc/resolv.conf', `nameserver ${SERVER}\nnameserver ${NOBODY}\n`);
  await host.write('/etc/holdfast/agent.yaml', `report: { endpoint: "http://${SECOND}:4318", enforce: false }\n`);
  const only = await host.agent('rehearse', 'without', SERVER, '--for', '1s');
  assert.equal(only.code, 4);
  assert.match(only.stderr, /10\.77\.0\.1 is the only name server of this host that works.*--force/);
  await host.write('/etc/resolv.conf', `nameserver ::ffff:${SERVER}\nnameserver ${NOBODY}\n`);
  const mapped = await host.agent('rehearse', 'without', SERVER, '--for', '1s');
  assert.match(mapped.stderr, /10\.77\.0\.1 is the only name server/, 'in another spelling');
  await host.write('/etc/resolv.conf', `nameserver ${SERVER}\nnameserver ${NOBODY}\n`);
  const collector = await host.agent('rehearse', 'without', SECOND, '--for', '1s');
  assert.equal(collector.code, 4);
  assert.match(collector.stderr, /10\.77\.0\.3 is the collector/);
  const env = { SSH_CONNECTION: `${NOBODY} 4711 10.77.0.2 22` };
  const terminal = await host.run(['agent', 'rehearse', 'without', NOBODY, '--for', '1s'], { env });
  assert.equal(terminal.code, 4);
  assert.match(terminal.stderr, /your own terminal comes from 10\.77\.0\.99/);
  assert.equal(await host.sh('nft list tables'), '', 'nothing was done');

  const forced = await host.agent('rehearse', 'without', SERVER, '--for', '5s', '--name', 'www.example.com', '--force');
  assert.equal(forced.code, 2, forced.stdout);
  assert.match(forced.stdout, /look-ups of www\.example\.com: \d+ found nothing/);
  await stop(host);
});

test('without: the terminal is known below sudo too, which takes SSH_CONNECTION away', { skip }, async () => {
  await using host = await LabHost.create();
  await using _ = await Askers.on(host);
  const below = `SSH_CONNECTION="${NOBODY} 4711 10.77.0.2 22" sh -c 'env -u SSH_CONNECTION agent rehearse without ${NOBODY} --for 1s; exit $?'`;
  const terminal = await host.run(['sh', '-c', below]);
  assert.equal(terminal.code, 4);
  assert.match(terminal.stderr, /your own terminal comes from 10\.77\.0\.99/);
});

test('without: this host itself, the next hop of a route and a group of hosts are refused', { skip }, async () => {
  await using host = await LabHost.create();
  await using _ = await Askers.on(host);
  await host.sh(`ip route add 10.99.0.0/16 via ${NOBODY}`);
  for (const [address, why] of [
    ['127.0.0.1', /127\.0\.0\.1 is this host itself/],
    ['10.77.0.2', /10\.77\.0\.2 is this host itself/],
    [NOBODY, /10\.77\.0\.99 is the next hop of a route \(10\.99\.0\.0\/16 via 10\.77\.0\.99 dev eth0\)/],
  ] as const) {
    const { code, stdout, stderr } = await host.agent('rehearse', 'without', address, '--for', '1s');
    assert.equal(code, 4, address);
    assert.match(stderr, why);
    assert.equal(stdout, '', 'nothing is said to be rejected');
  }
  for (const address of ['224.0.0.1', 'ff02::1', '255.255.255.255']) {
    const { code, stderr } = await host.agent('rehearse', 'without', address, '--for', '1s');
    assert.equal(code, 1);
    assert.match(stderr, /is a (?:multicast|broadcast) address/);
  }
});

test('without: the only server behind a forwarder of this host is refused, and so is the forwarder', {
  skip,
}, async () => {
  await using host = await LabHost.create();
  await using _ = await Askers.on(host);
  // It answers every question: no such name.
  const answering = `use Socket; open(my $f, '>>', '/run/lab/answering.pids'); print $f "$$\n"; close $f; socket(my $s, PF_INET, SOCK_DGRAM, 17); bind($s, pack_sockaddr_in(53, inet_aton($ARGV[0]))) or die $!;
    while (my $from = recv($s, my $m, 512, 0)) { substr($m, 2, 2) = pack('n', 0x8183); send($s, $m, 0, $from) }`;
  await host.write('/run/lab/answering.pl', answering);
  const serving = host.spawn(['perl', '/run/lab/answering.pl', SERVER], { where: 'server' });
  const stub = host.spawn(['perl', '/run/lab/answering.pl', '127.0.0.53']);
  await host.sh('until [ "$(wc -l </run/lab/answering.pids)" = 2 ]; do :; done');
  const resolvers = (...servers: string[]) => servers.map((one) => `nameserver ${one}\n`).join('');
  const refused = async (address: string) => (await host.agent('rehearse', 'without', address, '--for', '1s')).stderr;

  // As systemd-resolved does it.
  await host.write('/etc/resolv.conf', resolvers('127.0.0.53'));
  await host.write('/run/systemd/resolve/resolv.conf', resolvers(SERVER));
  assert.match(await refused(SERVER), /10\.77\.0\.1 is the only name server .* that works/);
  assert.match(await refused('127.0.0.53'), /127\.0\.0\.53 is the only name server of this host that works/);
  await host.write('/run/systemd/resolve/resolv.conf', resolvers(NOBODY, SERVER));
  assert.equal(await refused(NOBODY), '');

  await host.sh('rm /run/systemd/resolve/resolv.conf');
  await host.write('/etc/resolv.conf', resolvers('127.0.0.1'));
  await host.write(
    '/etc/dnsmasq.conf',
    `no-resolv\nlisten-address=127.0.0.1\nbind-interfaces\nuser=root\nserver=${SERVER}\n`,
  );
  await host.sh('dnsmasq --pid-file=/run/lab/dns.pid');
  assert.match(await refused(SERVER), /10\.77\.0\.1 is the only name server of dnsmasq.* that works/);
  assert.equal(await refused(NOBODY), '');
  const ended = [serving, stub].map((child) => once(child, 'close'));
  await host.sh('kill $(cat /run/lab/dns.pid /run/lab/answering.pids); while pgrep -x dnsmasq >/dev/null; do :; done');
  await Promise.all(ended);
});

test('without: after kill -9 the kernel ends it in time, and the next rehearsal takes the rest away', {
  skip,
}, async () => {
  await using host = await LabHost.create();
  await using askers = await Askers.on(host);
  const child = host.spawn(['sh', '-c', `echo $$ >/run/lab/pid; exec agent rehearse without ${SERVER} --for 4s`]);
  const ended = once(child, 'close');
  await host.sh(
    'until nft list table inet holdfast_rehearsal >/dev/null 2>&1; do :; done; kill -9 $(cat /run/lab/pid)',
  );
  await ended;
  const { code } = await host.run(['sh', '-c', askers.command()]);
  assert.notEqual(code, 0, 'it is still rejected');
  await host.sh(`until ${askers.command()} 2>/dev/null; do sleep 0.1; done`);
  assert.match(await host.sh('nft list tables'), /holdfast_rehearsal/);
  assert.equal((await host.agent('rehearse', 'without', SERVER, '--for', '1s')).code, 0);
  assert.equal(await host.sh('nft list tables'), '');
});

test('without: a table that another program removes ends it early, and SIGTERM takes it away', { skip }, async () => {
  await using host = await LabHost.create();
  await using _ = await Askers.on(host);
  for (const [what, how] of [
    ['another program removed the table', 'nft flush ruleset'],
    ['it was told to end', 'kill $(cat /run/lab/pid)'],
  ] as const) {
    const child = host.spawn(['sh', '-c', `echo $$ >/run/lab/pid; exec agent rehearse without ${SERVER} --for 60s`]);
    const printed = new Log(child.stdout!);
    const ended = once(child, 'close');
    await host.sh(`until nft list table inet holdfast_rehearsal >/dev/null 2>&1; do :; done; ${how}`);
    const [code] = await ended;
    assert.equal(code, 4);
    assert.ok(printed.lines.join('\n').includes(what), printed.lines.join('\n'));
    assert.equal(await host.sh('nft list tables'), '');
  }
});

test('without: what is no address, and a time without an end, are usage errors', { skip }, async () => {
  await using host = await LabHost.create();
  for (const [args, problem] of [
    [['10.0.0.0/24'], /is no IP address/],
    [[SERVER, '--for', '60'], /duration/],
    [[SERVER, '--for', '2h'], /1h/],
  ] as const) {
    const { code, stderr } = await host.agent('rehearse', 'without', ...args);
    assert.equal(code, 1);
    assert.match(stderr, problem);
  }
});
