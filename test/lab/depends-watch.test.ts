/** `agent depends --watch` on a kernel without kprobes: units by counting, long-lived sockets by name. */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { test } from 'node:test';
import { Askers, SERVER } from '../parts/lab/asker.ts';
import { LabHost, unavailable } from '../parts/lab/host.ts';
import { Log } from '../parts/lab/log.ts';

const skip = unavailable({ nft: 'nftables', perl: 'perl-base', setpriv: 'util-linux' });
const LISTENER = `$| = 1; use IO::Socket::INET; my $l = IO::Socket::INET->new(LocalAddr => '${SERVER}', LocalPort => 853, Listen => 5, ReuseAddr => 1) or die; print "ready\\n"; my @all; while (my $c = $l->accept) { push @all, $c }`;
const HOLDER = `$| = 1; use IO::Socket::INET; my $s = IO::Socket::INET->new(PeerAddr => '${SERVER}:853') or die; print "connected\\n"; sleep 600`;

test('depends --watch: units that send are counted, and a program with an open connection is named', {
  skip,
}, async () => {
  await using host = await LabHost.create();
  await using askers = await Askers.on(host);
  const listener = host.spawn(['perl', '-e', LISTENER], { where: 'server' });
  await new Log(listener.stdout!).until(/ready/);
  const holder = host.spawn(['perl', '-e', HOLDER]);
  await new Log(holder.stdout!).until(/connected/);
  const child = host.spawn(['agent', 'depends', '--watch', '5s', SERVER, '--json']);
  const printed = new Log(child.stdout!);
  const ended = once(child, 'close');
  await host.sh('until nft list table inet holdfast_watch >/dev/null 2>&1; do :; done');
  await askers.ask({ unit: 'old.service', uid: 1, count: 3 });
  const [code] = await ended;
  assert.equal(code, 2);
  const { senders, counted, uncounted } = JSON.parse(printed.lines.join('\n'));
  assert.equal(uncounted, null);
  assert.deepEqual(
    counted.map(({ unit, user, packets }: Record<string, unknown>) => [unit, user, packets]),
    [['old.service', 'daemon', 3]],
  );
  const [open] = senders.filter(({ protocol }: { protocol: string }) => /open before/.test(protocol));
  assert.deepEqual([open.program, open.user, open.protocol], ['perl', 'root', 'TCP 853, open before']);
  assert.equal(await host.sh('nft list tables'), '');
});

test('depends --watch: a watch that is told to end early does not say that nobody sent anything', {
  skip,
}, async () => {
  await using host = await LabHost.create();
  await using _ = await Askers.on(host);
  for (const signal of ['INT', 'TERM', 'HUP']) {
    const child = host.spawn(['sh', '-c', `echo $$ >/run/lab/pid; exec agent depends --watch 60s ${SERVER}`]);
    const printed = new Log(child.stdout!);
    const ended = once(child, 'close');
    await host.sh(
      `until nft list table inet holdfast_watch >/dev/null 2>&1; do :; done; kill -${signal} $(cat /run/lab/pid)`,
    );
    const [code] = await ended;
    assert.equal(code, 4, signal);
    assert.match(printed.lines.at(-1)!, /^Unknown who sends to 10\.77\.0\.1: the watch was told to end after \d+ s\.$/);
    assert.equal(await host.sh('nft list tables'), '');
  }
});

test('depends --watch: it says that nobody sends, and without nft that this is unknown', { skip }, async () => {
  await using host = await LabHost.create();
  await using _ = await Askers.on(host);
  const quiet = await host.agent('depends', '--watch', '1s', SERVER);
  assert.equal(quiet.code, 0, quiet.stdout);
  assert.match(quiet.stdout, /Nobody sent anything to 10\.77\.0\.1\./);
  await host.sh('rm -f /usr/sbin/nft /usr/bin/nft /sbin/nft');
  const { code, stdout } = await host.agent('depends', '--watch', '1s', SERVER);
  assert.equal(code, 4);
  assert.match(stdout, /Unknown who sends to 10\.77\.0\.1: nft is missing: install the package nftables/);
  for (const args of [[], [SERVER, '10.77.0.9'], ['example.com']])
    assert.equal((await host.agent('depends', '--watch', '1s', ...args)).code, 1);
});
