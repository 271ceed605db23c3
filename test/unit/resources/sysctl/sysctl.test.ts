/** Kernel settings: the running values and the file for the next boot. */
import assert from 'node:assert/strict';
import { existsSync, mkdirSync, readdirSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import type { DesiredSysctl } from '../../../../agent/config/desired.ts';
import { converge } from '../../../../agent/hold/converge.ts';
import { Host } from '../../../../agent/host/host.ts';
import { revertAll } from '../../../../agent/resources/revert-all.ts';
import { whyMissing } from '../../../../agent/resources/sysctl/missing-keys.ts';
import { Sysctl } from '../../../../agent/resources/sysctl/sysctl.ts';
import { REPOSITORY } from '../../../parts/repository.ts';
import { fill, missing, nodeCommand, noNamespaces, privately, scratch } from '../../../parts/scratch.ts';

const OURS = '/etc/sysctl.d/60-holdfast.conf';

function want(key: string, value: string | { atLeast: number }, optional = false): DesiredSysctl {
  const path = key.includes('/') ? key : key.replaceAll('.', '/');
  return { key, path, want: typeof value === 'string' ? { value } : value, optional };
}

const skipLock = missing('flock');

test('sysctl: the file for the next boot has forwarding first, marks optional keys, and writes dotted names with slashes', {
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

test('sysctl: "at least" never lowers what another file has', { skip: skipLock }, async (t) => {
  const root = scratch(t, { 'etc/sysctl.d/10-theirs.conf': 'net.ipv6.route.max_size = 9000000\n' });
  const host = new Host({ root });
  await converge(host, [new Sysctl(host, [want('net.ipv6.route.max_size', { atLeast: 4194304 })])]);
  assert.match(host.readText(OURS)!, /^net\.ipv6\.route\.max_size = 9000000$/m);
});

test('sysctl: "at least" reads a number as the kernel does, without the comment behind it', {
  skip: skipLock,
}, async (t) => {
  for (const [theirs, ours] of [
    ['9000000 # for BGP', 9000000],
    ['0x895440 ; hexadecimal', 9000000],
    ['1 2 3', 4194304],
  ] as const) {
    const file = { 'etc/sysctl.d/10-theirs.conf': `net.ipv6.route.max_size = ${theirs}\n` };
    const host = new Host({ root: scratch(t, file) });
    await converge(host, [new Sysctl(host, [want('net.ipv6.route.max_size', { atLeast: 4194304 })])]);
    assert.match(host.readText(OURS)!, new RegExp(`^net\\.ipv6\\.route\\.max_size = ${ours}$`, 'm'), theirs);
  }
  const later = scratch(t, { 'etc/sysctl.d/99-theirs.conf': 'net.ipv6.route.max_size = 9000000 # for BGP\n' });
  const host = new Host({ root: later });
  const outcomes = await converge(host, [new Sysctl(host, [want('net.ipv6.route.max_size', { atLeast: 4194304 })])]);
  assert.equal(outcomes.at(-1)!.result, 'changed');
});

test('sysctl: a missing key is explained where the kernel shows no default for interfaces', (t) => {
  const root = scratch(t, { 'proc/sys/net/ipv4/neigh/lo/retrans_time': '100\n' });
  for (const scope of ['default', 'all', 'eth0']) {
    const why = whyMissing(new NamesOf(root), `net/ipv4/neigh/${scope}/retrans_time`);
    assert.equal(why, 'this kernel has no such key; its module may not be loaded');
  }
});

/** The names of a folder in place of the kernel's. */
class NamesOf extends Host {
  readonly #root: string;

  constructor(root: string) {
    super({ root });
    this.#root = root;
  }

  override sysctlNames(path: string): string[] | null {
    const folder = join(this.#root, 'proc/sys', path);
    return existsSync(folder) && statSync(folder).isDirectory() ? readdirSync(folder) : null;
  }
}

/** A kernel that keeps one limit in two units, and of them the one that was written last (mm/page-writeback.c). */
class TwoUnits extends Host {
  readonly values = new Map<string, string>();

  constructor(root: string, values: Record<string, string>) {
    super({ root, live: true });
    for (const [path, value] of Object.entries(values)) this.values.set(path, value);
  }

  override sysctl(path: string): string | null {
    return this.values.get(path) ?? null;
  }

  override sysctlMode(path: string): number | null {
    return this.values.has(path) ? 0o644 : null;
  }

  override writeSysctl(path: string, value: string): void {
    const changes = this.values.get(path) !== value;
    this.values.set(path, value);
    if (changes) for (const other of this.values.keys()) if (other !== path) this.values.set(other, '0');
  }
}

test('sysctl: a limit that was set in another unit comes back in that unit', { skip: skipLock }, async (t) => {
  for (const [before, key, value] of [
    [{ 'vm/dirty_ratio': '0', 'vm/dirty_bytes': '1000000' }, 'vm.dirty_ratio', '10'],
    [{ 'vm/dirty_bytes': '0', 'vm/dirty_ratio': '20' }, 'vm.dirty_bytes', '1000000'],
    [{ 'vm/overcommit_kbytes': '4096', 'vm/overcommit_ratio': '0' }, 'vm.overcommit_ratio', '50'],
  ] as const) {
    const host = new TwoUnits(scratch(t), before);
    const [outcome] = await converge(host, [new Sysctl(host, [want(key, value)])]);
    assert.equal(outcome!.result, 'changed');
    assert.deepEqual([...host.values.values()].sort(), ['0', value].sort());
    const outcomes = await revertAll(host);
    assert.deepEqual(
      outcomes.filter(({ result }) => result === 'failed'),
      [],
      key,
    );
    assert.deepEqual(Object.fromEntries(host.values), before);
  }
});

test('sysctl: a later file that makes it wrong at boot is named with its line; one that agrees is none', {
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

test('sysctl: what a script may set at boot leaves that unknown, what it does set is a drift', {
  skip: skipLock,
}, async (t) => {
  for (const [command, state] of [
    ['up sysctl -w net.ipv4.ip_forward=0', 'drifted'],
    ['up [ -e /x ] && sysctl -w net.ipv4.ip_forward=0', 'unknown'],
    ['up sysctl -w net.ipv4.ip_forward=1', 'ok'],
  ]) {
    const interfaces = `auto eth0\niface eth0 inet dhcp\n  ${command}\n`;
    const host = new Host({ root: scratch(t, { 'etc/network/interfaces': interfaces }) });
    const sysctl = new Sysctl(host, [want('net.ipv4.ip_forward', '1')]);
    const outcomes = await converge(host, [sysctl]);
    assert.equal(outcomes.at(-1)!.result, state === 'drifted' ? 'failed' : 'changed', command);
    assert.equal((await (await sysctl.inspect())[1]!.settings())[0]!.state, state, command);
  }
});

test('sysctl: what is configured no more leaves the file; with nothing left it goes', { skip: skipLock }, async (t) => {
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
    import { converge } from '${REPOSITORY}/agent/hold/converge.ts';
    import { Sysctl } from '${REPOSITORY}/agent/resources/sysctl/sysctl.ts';
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

test('sysctl: live values are written and read back', { skip }, (t) => {
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

test('sysctl: a name that the kernel does not know is refused with the names that it knows', { skip }, (t) => {
  const { outcomes } = live(scratch(t), [
    want('net.ipv4.tcp_congestion_control', 'holdfastest'),
    want('net.ipv4.tcp_allowed_congestion_control', 'reno holdfastest'),
    want('net.core.default_qdisc', 'holdfastest'),
  ]);
  const reason = (key: string) => outcomes.find((one) => one.key === key)!.reason!;
  assert.match(
    reason('net.ipv4.tcp_congestion_control'),
    /^this kernel has no congestion control "holdfastest"; it has [a-z, ]*reno.*modprobe tcp_holdfastest/,
  );
  // In a namespace that is not the first one the kernel says EPERM of these two, or has no such key.
  for (const key of ['net.ipv4.tcp_allowed_congestion_control', 'net.core.default_qdisc'])
    assert.doesNotMatch(reason(key), /does not exist/);
});

test('sysctl: forwarding goes first, since it resets accept_redirects of every interface', { skip }, (t) => {
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

test('sysctl: a value that the kernel changes is a failure that shows both; the others are set', { skip }, (t) => {
  const folder = scratch(t);
  const { outcomes, boot } = live(folder, [
    want('net.ipv4.ping_group_range', '5'),
    want('net.ipv4.ip_default_ttl', '4000'),
    want('net.ipv4.tcp_fin_timeout', '33'),
  ]);
  const [groups, ttl, timeout] = outcomes;
  assert.deepEqual([groups!.result, groups!.reason], ['failed', 'wrote 5, the kernel made it 1\t0']);
  assert.equal(ttl!.result, 'failed');
  assert.match(
    ttl!.reason!,
    /cannot write \/proc\/sys\/net\/ipv4\/ip_default_ttl: the kernel does not take this value \(EINVAL\)/,
  );
  assert.equal(timeout!.result, 'changed');

  // The file holds it, but the kernel that did not take it now will not take it at boot.
  const states = boot.map(({ setting, state, reason }) => [setting, state, reason?.replace(/ \/proc.*: /, ' … ')]);
  assert.deepEqual(
    states.filter(([, state]) => state !== 'ok'),
    [
      [
        'sysctl.net.ipv4.ping_group_range',
        'unknown',
        'this kernel refused the value when it was tried: wrote 5, the kernel made it 1\t0',
      ],
      [
        'sysctl.net.ipv4.ip_default_ttl',
        'unknown',
        'this kernel refused the value when it was tried: cannot write … the kernel does not take this value (EINVAL)',
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

test('sysctl: a key that this kernel lacks fails, unless it is optional', { skip }, (t) => {
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

test('sysctl: "at least" raises what is lower, leaves what is higher, and keeps it at boot', { skip }, (t) => {
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

test('sysctl: what the kernel writes in another form is changed once, and the file keeps the spelling', {
  skip,
}, (t) => {
  const settings = [
    want('net.ipv4.ip_local_reserved_ports', '8081,8080,30000-30010,30011'),
    want('net.ipv6.icmp.ratemask', '3-4,5-6,1'),
    want('net.ipv4.fib_multipath_hash_fields', '0x0037'),
    want('net.ipv4.tcp_fastopen_key', '1-2-3-A'),
    want('net.ipv4.neigh.lo.base_reachable_time_ms', '1231'),
    want('net.ipv4.neigh.lo.locktime', '33'),
    want('net.ipv4.ip_local_port_range', '0x400\t65000'),
    want('net.ipv6.conf.lo.stable_secret', '2001:DB8:0::1'),
    want('net.ipv4.tcp_retries2', '7 # as ever'),
  ];
  const { outcomes, again, boot, file } = live(scratch(t), settings);
  assert.deepEqual(new Set(outcomes.map(({ result }) => result)), new Set(['changed']), JSON.stringify(outcomes));
  assert.deepEqual(new Set(again.map(({ result }) => result)), new Set(['ok']), JSON.stringify(again));
  assert.deepEqual(new Set(boot.map(({ state }) => state)), new Set(['ok']));
  for (const { key, want } of settings)
    assert.ok(file.includes(`${key} = ${'value' in want ? want.value : ''}\n`), key);
});

test('sysctl: an empty list is written, and read back', { skip }, (t) => {
  const { outcomes, again } = live(
    scratch(t),
    [want('net.ipv4.ip_local_reserved_ports', '')],
    'echo 8080 >ip_local_reserved_ports',
  );
  assert.deepEqual(
    outcomes.map(({ result }) => result),
    ['changed', 'changed'],
  );
  assert.equal(outcomes[0]!.actual, '');
  assert.deepEqual(
    again.map(({ result }) => result),
    ['ok', 'ok'],
  );
});

test('sysctl: a secret that was never set is set, shown to nobody, and kept in a file for root alone', {
  skip,
}, (t) => {
  const folder = scratch(t, { 'etc/sysctl.d/60-holdfast.conf': '# older\n' });
  const secrets = [
    want('net.ipv6.conf.lo.stable_secret', '2001:db8::beef'),
    want('net.ipv4.tcp_fastopen_key', '0-0-0-beef'),
  ];
  const { outcomes, boot, file } = live(folder, secrets);
  assert.deepEqual(outcomes.map(({ result, actual }) => [result, actual]).slice(0, 2), [
    ['changed', '(secret)'],
    ['changed', '(secret)'],
  ]);
  assert.doesNotMatch(JSON.stringify([boot, outcomes]), /beef/);
  assert.match(file, /stable_secret = 2001:db8::beef/);
  assert.equal(statSync(join(folder, OURS)).mode & 0o777, 0o600);
});

test('sysctl: a secret of our file is hidden in what is found, and its change still shows', {
  skip: skipLock,
}, async (t) => {
  const host = new Host({ root: scratch(t) });
  const found = async (address: string) => {
    const sysctl = new Sysctl(host, [want('net.ipv6.conf.all.stable_secret', address)]);
    const [, file] = await sysctl.inspect();
    const outcomes = await converge(host, [sysctl]);
    return { file: file!, written: host.readText(OURS), told: JSON.stringify([file, outcomes]) };
  };
  await found('2001:db8::beef');
  const { file, written, told } = await found('2001:db8::f00d');
  assert.match(written!, /stable_secret = 2001:db8::f00d$/m);
  assert.match(file.actual!, /^net\.ipv6\.conf\.all\.stable_secret = \(another secret\)$/m);
  assert.match(file.wanted!, /^net\.ipv6\.conf\.all\.stable_secret = \(secret\)$/m);
  assert.doesNotMatch(told, /beef|f00d/);
  assert.equal(
    (await new Sysctl(host, [want('net.ipv6.conf.all.stable_secret', '2001:DB8::F00D')]).inspect())[1]!.state,
    'drifted',
    'the spelling',
  );
});

test('sysctl: a value that is not what the kernel shows is neither written nor persisted', { skip }, (t) => {
  const { outcomes, boot, file } = live(scratch(t), [
    want('net.ipv4.ip_forward', 'router'),
    want('net.ipv4.conf.lo.rp_filter', '1 2'),
    want('net.ipv4.tcp_fin_timeout', '33'),
  ]);
  assert.deepEqual(
    outcomes.map(({ result }) => result),
    ['failed', 'failed', 'changed', 'failed'],
  );
  assert.match(outcomes[0]!.reason!, /^"router" is not what the kernel holds there \(one number, now "0"\)$/);
  assert.deepEqual(file.split('\n').slice(1), ['net.ipv4.tcp_fin_timeout = 33', '']);
  assert.deepEqual(
    boot.map(({ state }) => state),
    ['drifted', 'drifted', 'ok'],
  );
});

test('sysctl: a key that is a command, or that is read-only, is named as such', { skip }, (t) => {
  const { outcomes } = live(scratch(t), [
    want('net.ipv4.route.flush', '1'),
    want('net.ipv4.tcp_available_congestion_control', 'cubic'),
  ]);
  assert.match(outcomes[0]!.reason!, /route\/flush is a command: the kernel carries it out, and holds no value/);
  assert.match(outcomes[1]!.reason!, /\/proc\/sys\/.* is read-only on this host/);
});

test('sysctl: a misspelt key is told with the right one, and nothing is persisted for it', { skip }, (t) => {
  const misspelt = {
    'net.ipv4.ip_foward': 'net.ipv4.ip_forward',
    'net.ipv4.conf.lo.rp_filtr': 'net.ipv4.conf.lo.rp_filter',
    'net.ipv6.confs.all.disable_ipv6': 'net.ipv6.conf.all.disable_ipv6',
  };
  const { outcomes, file } = live(scratch(t), [
    ...Object.keys(misspelt).map((key) => want(key, '1')),
    want('net.ipv4.conf.ppp7.rp_filter', '1'),
  ]);
  for (const [index, key] of Object.values(misspelt).entries()) {
    assert.equal(outcomes[index]!.reason, `this kernel has no such key; did you mean ${key}?`);
  }
  assert.match(outcomes[3]!.reason!, /has the key, but there is no interface ppp7 now/);
  assert.deepEqual(file.split('\n').slice(1), ['net.ipv4.conf.ppp7.rp_filter = 1', '']);
});

test('sysctl: conf.all is written before an interface, because the kernel sets interfaces with it', { skip }, (t) => {
  for (const name of ['disable_ipv6', 'forwarding', 'ignore_routes_with_linkdown', 'addr_gen_mode']) {
    const { outcomes, again, boot } = live(scratch(t), [
      want(`net.ipv6.conf.lo.${name}`, '0'),
      want(`net.ipv6.conf.all.${name}`, '1'),
    ]);
    assert.ok(!outcomes.some(({ result }) => result === 'failed'), JSON.stringify(outcomes));
    assert.deepEqual(
      again.map(({ result }) => result),
      ['ok', 'ok', 'ok'],
      name,
    );
    assert.deepEqual(
      boot.map(({ state }) => state),
      ['ok', 'ok'],
      name,
    );
  }
});

test('sysctl: "at least" that is lowered in the configuration lowers our own line', { skip }, (t) => {
  const folder = scratch(t);
  live(folder, [want('net.ipv4.tcp_fin_timeout', { atLeast: 90 })]);
  const { outcomes, file } = live(
    folder,
    [want('net.ipv4.tcp_fin_timeout', { atLeast: 70 })],
    'echo 90 >tcp_fin_timeout',
  );
  assert.equal(outcomes[0]!.result, 'ok', 'the running kernel keeps the higher one');
  assert.match(file, /^net\.ipv4\.tcp_fin_timeout = 70$/m);
});

test('sysctl: a file of others that cannot be read leaves the running kernel held, and the boot unknown', {
  skip,
}, (t) => {
  const folder = scratch(t);
  mkdirSync(join(folder, 'etc/sysctl.d'), { recursive: true });
  writeFileSync(join(folder, 'etc/sysctl.d/99-huge.conf'), Buffer.alloc(17 * 1024 * 1024, '#'));
  const { outcomes, boot } = live(folder, [want('net.ipv4.ip_forward', '1')]);
  assert.equal(outcomes[0]!.result, 'changed');
  assert.deepEqual(
    boot.map(({ state }) => state),
    ['unknown'],
  );
  assert.match(boot[0]!.reason!, /99-huge\.conf/);
});

test('sysctl: a secret makes the kernel change how addresses are made, so it is written first', { skip }, (t) => {
  const settings = [want('net.ipv6.conf.lo.addr_gen_mode', '0'), want('net.ipv6.conf.lo.stable_secret', '2001:db8::1')];
  const { outcomes, again, boot } = live(scratch(t), settings);
  assert.deepEqual(outcomes[0]!.key, 'net.ipv6.conf.lo.stable_secret');
  assert.deepEqual(
    again.map(({ result }) => result),
    ['ok', 'ok', 'ok'],
  );
  assert.deepEqual(
    boot.map(({ state }) => state),
    ['ok', 'ok'],
  );
});
