import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { DesiredSysctl } from '../../agent/config/desired.ts';
import { Host } from '../../agent/host/host.ts';
import { converge } from '../../agent/resources/converge.ts';
import { Sysctl } from '../../agent/resources/sysctl.ts';
import { fill, missing, nodeCommand, noNamespaces, privately, REPOSITORY, scratch } from './scratch.ts';

const OURS = '/etc/sysctl.d/60-holdfast.conf';

function want(key: string, value: string | { atLeast: number }, optional = false): DesiredSysctl {
  const path = key.includes('/') ? key : key.replaceAll('.', '/');
  return { key, path, want: typeof value === 'string' ? { value } : value, optional };
}

const skipLock = missing('flock');

test('the file for the next boot: forwarding first, optional keys marked, names with dots by slashes', {
  skip: skipLock,
}, async (t) => {
  const host = new Host({ root: scratch(t) });
  const wanted = [
    want('net.ipv4.conf.all.send_redirects', '0'),
    want('net/ipv4/conf/eth0.100/rp_filter', '1'),
    want('net.netfilter.nf_conntrack_max', '262144', true),
    want('net.ipv6.route.max_size', { atLeast: 4194304 }),
    want('net.ipv4.ip_forward', '1'),
  ];
  const outcomes = await converge(host, [new Sysctl(host, wanted)]);
  assert.deepEqual(
    outcomes.map(({ key, result }) => `${key} ${result}`),
    [
      'net.ipv4.ip_forward skipped',
      'net.ipv4.conf.all.send_redirects skipped',
      'net/ipv4/conf/eth0.100/rp_filter skipped',
      'net.netfilter.nf_conntrack_max skipped',
      'net.ipv6.route.max_size skipped',
      `${OURS} changed`,
    ],
  );
  assert.deepEqual(host.readText(OURS)!.split('\n').slice(1), [
    'net.ipv4.ip_forward = 1',
    'net.ipv4.conf.all.send_redirects = 0',
    'net/ipv4/conf/eth0.100/rp_filter = 1',
    '-net.netfilter.nf_conntrack_max = 262144',
    'net.ipv6.route.max_size = 4194304',
    '',
  ]);
  const again = await new Sysctl(host, wanted).inspect();
  assert.deepEqual(
    again.map(({ state }) => state).filter((state) => state !== 'skipped'),
    ['ok'],
  );
});

test('"at least" never lowers what another file has', { skip: skipLock }, async (t) => {
  const root = scratch(t, { 'etc/sysctl.d/10-theirs.conf': 'net.ipv6.route.max_size = 9000000\n' });
  const host = new Host({ root });
  await converge(host, [new Sysctl(host, [want('net.ipv6.route.max_size', { atLeast: 4194304 })])]);
  assert.match(host.readText(OURS)!, /^net\.ipv6\.route\.max_size = 9000000$/m);
});

test('a later file that makes it wrong at boot is named with its line; one that agrees is none', {
  skip: skipLock,
}, async (t) => {
  const root = scratch(t, { 'etc/sysctl.d/99-theirs.conf': '# theirs\nnet.ipv4.ip_forward = 0\n' });
  const host = new Host({ root });
  const sysctl = new Sysctl(host, [want('net.ipv4.ip_forward', '1')]);
  const outcomes = await converge(host, [sysctl]);
  assert.equal(outcomes.at(-1)!.result, 'failed', 'the host is not as wanted');
  assert.match(host.readText(OURS)!, /^net\.ipv4\.ip_forward = 1$/m, 'but ours is written');
  const [, file] = await sysctl.inspect();
  assert.match(file!.refusal!, /\/etc\/sysctl\.d\/99-theirs\.conf:2 sets net\.ipv4\.ip_forward to 0 after ours/);
  const [state] = await file!.settings();
  assert.deepEqual([state!.state, state!.actual], ['drifted', '0']);

  fill(root, {
    'etc/sysctl.d/99-theirs.conf': '\n-net/ipv4/ip_forward=1\n',
    'etc/sysctl.d/10-x.conf': 'net.ipv4.ip_forward=0\n',
  });
  assert.equal((await sysctl.inspect())[1]!.state, 'ok');
});

test('what is configured no more leaves the file; with nothing left it goes', { skip: skipLock }, async (t) => {
  const host = new Host({ root: scratch(t) });
  await converge(host, [new Sysctl(host, [want('net.ipv4.ip_forward', '1'), want('net.core.somaxconn', '99')])]);
  await converge(host, [new Sysctl(host, [want('net.core.somaxconn', '99')])]);
  assert.doesNotMatch(host.readText(OURS)!, /ip_forward/);
  await converge(host, [new Sysctl(host, [])]);
  assert.equal(host.readText(OURS), null);
  assert.deepEqual(await new Sysctl(host, []).inspect(), []);
});

/** Applies these in a network namespace of its own, with the root's files in a scratch folder. */
function live(
  folder: string,
  settings: readonly DesiredSysctl[],
  prepare = '',
): {
  outcomes: Record<string, string>[];
  again: Record<string, string>[];
  file: string;
  boot: Record<string, string>[];
} {
  const code = `
    import { Host } from '${REPOSITORY}/agent/host/host.ts';
    import { converge } from '${REPOSITORY}/agent/resources/converge.ts';
    import { Sysctl } from '${REPOSITORY}/agent/resources/sysctl.ts';
    const host = new Host({ root: ${JSON.stringify(folder)}, live: true });
    const wanted = ${JSON.stringify(settings)};
    const outcomes = await converge(host, [new Sysctl(host, wanted)]);
    const again = await converge(host, [new Sysctl(host, wanted)]);
    const boot = await (await new Sysctl(host, wanted).inspect()).at(-1).settings();
    console.log(JSON.stringify({ outcomes, again, boot, file: host.readText('${OURS}') }));`;
  const { stdout, stderr } = privately(`cd /proc/sys/net/ipv4; ${prepare}\n${nodeCommand(code)}`);
  assert.notEqual(stdout, '', stderr);
  return JSON.parse(stdout);
}

const skip = noNamespaces('flock');

test('live values are written and read back', { skip }, (t) => {
  const { outcomes, again } = live(scratch(t), [
    want('net.ipv4.ip_forward', '1'),
    want('net.ipv4.tcp_rmem', '4096 131072 6291456'),
    want('net.ipv4.conf.default.send_redirects', '0'),
  ]);
  assert.deepEqual(
    outcomes.map(({ key, result, actual }) => [key, result, key === OURS ? '' : actual]),
    [
      ['net.ipv4.ip_forward', 'changed', '1'],
      ['net.ipv4.tcp_rmem', 'changed', '4096\t131072\t6291456'],
      ['net.ipv4.conf.default.send_redirects', 'changed', '0'],
      [OURS, 'changed', ''],
    ],
  );
  assert.deepEqual(
    again.map(({ result }) => result),
    ['ok', 'ok', 'ok', 'ok'],
  );
});

test('forwarding goes first, since it resets accept_redirects of every interface', { skip }, (t) => {
  const { outcomes, again } = live(
    scratch(t),
    [want('net.ipv4.conf.all.accept_redirects', '1'), want('net.ipv4.ip_forward', '1')],
    'echo 1 >conf/all/accept_redirects',
  );
  assert.deepEqual(
    outcomes.slice(0, 2).map(({ key, result, actual }) => [key, result, actual]),
    [
      ['net.ipv4.ip_forward', 'changed', '1'],
      ['net.ipv4.conf.all.accept_redirects', 'changed', '1'],
    ],
  );
  assert.deepEqual(
    again.map(({ result }) => result),
    ['ok', 'ok', 'ok'],
  );
});

test('a value that the kernel changes is a failure that shows both; the others are set', { skip }, (t) => {
  const folder = scratch(t);
  const { outcomes, boot } = live(folder, [
    want('net.ipv4.ip_local_reserved_ports', '1,2,3'),
    want('net.ipv4.neigh.lo.base_reachable_time_ms', '1231'),
    want('net.ipv4.ip_default_ttl', '4000'),
    want('net.ipv4.tcp_fin_timeout', '33'),
  ]);
  const [ports, , ttl, timeout] = outcomes;
  assert.deepEqual([ports!.result, ports!.reason], ['failed', 'wrote 1,2,3, the kernel made it 1-3']);
  assert.equal(ttl!.result, 'failed');
  assert.match(
    ttl!.reason!,
    /cannot write \/proc\/sys\/net\/ipv4\/ip_default_ttl: the kernel does not take this value \(EINVAL\)/,
  );
  assert.equal(timeout!.result, 'changed');

  // The file holds it, but the kernel that did not take it now will not take it at boot.
  const states = boot.map(({ setting, state, reason }) => [setting, state, reason?.replace(/ \/proc.*: /, ' … ')]);
  assert.deepEqual(
    // What becomes of milliseconds depends on this kernel's tick.
    states.filter(
      ([setting, state]) => state !== 'ok' && setting !== 'sysctl.net.ipv4.neigh.lo.base_reachable_time_ms',
    ),
    [
      [
        'sysctl.net.ipv4.ip_local_reserved_ports',
        'unknown',
        'this kernel did not take it when it was tried: wrote 1,2,3, the kernel made it 1-3',
      ],
      [
        'sysctl.net.ipv4.ip_default_ttl',
        'unknown',
        'this kernel did not take it when it was tried: cannot write … the kernel does not take this value (EINVAL)',
      ],
    ],
  );
  assert.ok(states.some(([setting, state]) => setting === 'sysctl.net.ipv4.tcp_fin_timeout' && state === 'ok'));
  // Another value has not been tried yet, and one that is taken is forgotten.
  const right = live(folder, [want('net.ipv4.ip_default_ttl', '61')]);
  assert.deepEqual(
    right.boot.map(({ state }) => state),
    ['ok'],
  );
});

test('a key that this kernel lacks fails, unless it is optional', { skip }, (t) => {
  const { outcomes, file } = live(scratch(t), [
    want('net.ipv4.no_such', '1'),
    want('net.ipv4.no.such.folder', '1', true),
    want('net.ipv4.ip_default_ttl/x', '1', true),
  ]);
  assert.deepEqual(
    outcomes.map(({ result }) => result),
    ['failed', 'skipped', 'skipped', 'changed'],
  );
  assert.match(outcomes[0]!.reason!, /no such key; its module may not be loaded/);
  assert.match(file, /^-net\.ipv4\.no\.such\.folder = 1$/m);
});

test('"at least" raises what is lower, leaves what is higher, and keeps it at boot', { skip }, (t) => {
  const { outcomes, file, again } = live(
    scratch(t),
    [want('net.ipv4.tcp_fin_timeout', { atLeast: 90 }), want('net.ipv4.tcp_retries2', { atLeast: 5 })],
    'echo 60 >tcp_fin_timeout; echo 14 >tcp_retries2',
  );
  assert.deepEqual(outcomes.map(({ result, actual }) => [result, actual]).slice(0, 2), [
    ['changed', '90'],
    ['ok', '14'],
  ]);
  assert.match(file, /^net\.ipv4\.tcp_fin_timeout = 90$/m);
  assert.match(file, /^net\.ipv4\.tcp_retries2 = 14$/m);
  assert.deepEqual(
    again.map(({ result }) => result),
    ['ok', 'ok', 'ok'],
  );
});
