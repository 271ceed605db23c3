/** What the next boot makes of kernel settings: foretold, and done by the real systemd-sysctl in a network namespace. */
import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import fc from 'fast-check';
import type { DesiredSysctl } from '../../../../../agent/config/desired.ts';
import { Host } from '../../../../../agent/host/host.ts';
import { BootSysctls, matchesSysctl } from '../../../../../agent/resources/sysctl/boot/boot.ts';
import { OUR_FILE, PersistedSysctls } from '../../../../../agent/resources/sysctl/boot/sysctl-files.ts';
import { Sysctl } from '../../../../../agent/resources/sysctl/sysctl.ts';
import { fill, noNamespaces, privately, scratch } from '../../../../parts/scratch.ts';

function want(key: string, value: string): DesiredSysctl {
  return { key, path: key.includes('/') ? key : key.replaceAll('.', '/'), want: { value }, optional: false };
}

/** The boot moment of one setting if our file is right and another file says `theirs`. */
async function verdict(root: string, key: string, value: string, theirs: Record<string, string>) {
  fill(root, { [OUR_FILE.slice(1)]: `${HEADER}${key} = ${value}\n`, ...theirs });
  const findings = await new Sysctl(new Host({ root }), [want(key, value)]).inspect();
  const [state] = await findings.at(-1)!.settings();
  return state!;
}

const HEADER = '# Made by Holdfast ("agent apply") from its configuration; changes here are overwritten.\n';

for (const [what, key, value, line, reason] of [
  [
    'an alias',
    'net.ipv4.ip_forward',
    '1',
    'net.ipv4.conf.all.forwarding = 0',
    /that is net\.ipv4\.ip_forward by another name/,
  ],
  ['an alias of conntrack', 'net.netfilter.nf_conntrack_max', '1000', 'net.nf_conntrack_max = 2000', /by another name/],
  [
    'a share of memory, set as bytes',
    'vm.dirty_ratio',
    '10',
    'vm.dirty_bytes = 1000000',
    /dirty_ratio in other units \(0\)/,
  ],
  [
    'bytes, set as a share',
    'vm.dirty_background_bytes',
    '4096',
    'vm.dirty_background_ratio = 5',
    /in other units \(0\)/,
  ],
  [
    'a time in seconds',
    'net.ipv4.route.gc_min_interval_ms',
    '500',
    'net.ipv4.route.gc_min_interval = 2',
    /units \(2000\)/,
  ],
  ['the other alias', 'net.ipv4.conf.all.forwarding', '1', 'net.ipv4.ip_forward = 0', /by another name/],
  [
    'all',
    'net.ipv6.conf.eth0.disable_ipv6',
    '0',
    'net.ipv6.conf.all.disable_ipv6 = 1',
    /the kernel sets net\.ipv6\.conf\.eth0\.disable_ipv6 with it/,
  ],
  ['all, for what is new', 'net.ipv6.conf.default.forwarding', '0', 'net/ipv6/conf/all/forwarding=1', /with it/],
  ['all, by its alias', 'net.ipv4.conf.eth1.forwarding', '0', 'net.ipv4.ip_forward=1', /with it/],
  ['all, by a pattern', 'net.ipv6.conf.eth0.addr_gen_mode', '1', 'net.ipv6.conf.*.addr_gen_mode = 0', /99-z\.conf:2/],
  [
    'what goes with it',
    'net.ipv4.conf.all.accept_redirects',
    '1',
    'net.ipv4.ip_forward = 1',
    /makes net\.ipv4\.conf\.all\.accept_redirects 0/,
  ],
  [
    'a secret',
    'net.ipv6.conf.eth0.addr_gen_mode',
    '0',
    'net.ipv6.conf.default.stable_secret = fd00::1',
    /sets net\.ipv6\.conf\.default\.stable_secret to \(secret\) after ours, and the kernel then makes .*addr_gen_mode 2/,
  ],
  [
    'no value',
    'net.ipv4.conf.all.rp_filter',
    '1',
    '-net.ipv4.conf.all.rp_filter',
    /99-z\.conf:2 takes net\.ipv4\.conf\.all\.rp_filter out/,
  ],
  [
    'other units',
    'net.ipv4.neigh.default.retrans_time_ms',
    '1000',
    'net.ipv4.neigh.default.retrans_time = 50',
    /sets net\.ipv4\.neigh\.default\.retrans_time to 50 after ours, and that is .*retrans_time_ms in other units \(500\)/,
  ],
  [
    'other units, by a pattern',
    'net.ipv6.neigh.eth0.base_reachable_time',
    '30',
    'net.ipv6.neigh.*.base_reachable_time_ms = 15000',
    /in other units \(15\)/,
  ],
  [
    'a comment behind it',
    'net.ipv4.ip_forward',
    '1',
    'net.ipv4.ip_forward = 0 # off',
    /sets net\.ipv4\.ip_forward to 0 # off after ours/,
  ],
] as const) {
  test(`sysctl at boot: a later line is seen by ${what}`, async (t) => {
    const root = scratch(t);
    const state = await verdict(root, key, value, { 'etc/sysctl.d/99-z.conf': `#\n${line}\n` });
    assert.equal(state.state, 'drifted');
    assert.match(state.reason!, reason);
    const before = await verdict(scratch(t), key, value, { 'etc/sysctl.d/10-a.conf': `#\n${line}\n` });
    assert.equal(before.state, 'ok', 'read before ours it does no harm');
  });
}

for (const [what, key, value, line] of [
  ['the same in other words', 'net.ipv4.ip_forward', '1', 'net.ipv4.conf.all.forwarding = 0x1 # router'],
  ['all that changes nothing', 'net.ipv4.conf.eth0.forwarding', '1', 'net.ipv4.ip_forward = 0'],
  ['the same in seconds', 'net.ipv6.route.gc_min_interval_ms', '2000', 'net.ipv6.route.gc_min_interval = 2'],
  ['the same in milliseconds', 'net.ipv4.neigh.lo.retrans_time', '100', 'net.ipv4.neigh.lo.retrans_time_ms = 1000'],
  ['a pattern beside our name', 'net.ipv4.conf.eth0.rp_filter', '1', 'net.ipv4.conf.*.rp_filter = 2'],
  ['ports in another order', 'net.ipv4.ip_local_reserved_ports', '1,2', 'net.ipv4.ip_local_reserved_ports = 1-2'],
  ['an exemption and a value', 'net.ipv4.ip_forward', '1', '-net.ipv4.ip_forward\nnet.ipv4.ip_forward = 1'],
] as const) {
  test(`sysctl at boot: ${what} is no finding`, async (t) => {
    const state = await verdict(scratch(t), key, value, { 'etc/sysctl.d/99-z.conf': `${line}\n` });
    assert.deepEqual([state.state, state.reason], ['ok', undefined]);
  });
}

test('sysctl at boot: patterns match as in glob(7)', () => {
  const matches = (pattern: string) => matchesSysctl(pattern, 'net/ipv4/conf/eth0.5/rp_filter');
  for (const pattern of ['net/ipv4/conf/*/rp_filter', 'net/*/conf/eth?.5/*', 'net/ipv4/conf/[a-f]th0.5/rp_filter'])
    assert.ok(matches(pattern), pattern);
  for (const pattern of [
    'net/*/rp_filter',
    'net/ipv4/conf/eth?5/rp_filter',
    'net/ipv4/conf/[!e]th0.5/rp_filter',
    'net/ipv4/conf/(eth0.5)/rp_filter',
  ])
    assert.ok(!matches(pattern), pattern);
});

const PROGRAM = ['/usr/lib/systemd/systemd-sysctl', '/lib/systemd/systemd-sysctl'].find((file) => existsSync(file));

test('sysctl at boot: the real systemd-sysctl makes of any lines what was foretold', {
  skip: PROGRAM === undefined ? 'needs systemd-sysctl' : noNamespaces('ip'),
}, (t) => {
  const scope = fc.constantFrom('all', 'default', 'v0', 'v1', '*', 'v?');
  const path = fc.oneof(
    fc.constant('net/ipv4/ip_forward'),
    scope.map((one) => `net/ipv4/conf/${one}/forwarding`),
    scope.map((one) => `net/ipv6/conf/${one}/disable_ipv6`),
    scope.map((one) => `net/ipv6/conf/${one}/forwarding`),
    scope.map((one) => `net/ipv4/conf/${one}/arp_announce`),
    scope.map((one) => `net/ipv6/conf/${one}/addr_gen_mode`),
    fc.constant('net/ipv4/conf/all/accept_redirects'),
  );
  const line = fc.tuple(path, fc.constantFrom(' = 0', ' = 1', '=1 # x', '')).map(([one, value]) => {
    // An exemption is of one key.
    return value === '' ? `-${one.replace(/\*|v\?/, 'v0')}` : `${one}${value}`;
  });
  const root = scratch(t);
  const files = fc.sample(fc.array(line, { minLength: 1, maxLength: 7 }), { numRuns: 60, seed: 7 });
  const keys = [
    'net/ipv4/ip_forward',
    ...['all', 'default', 'v0', 'v1'].flatMap((one) => [
      `net/ipv4/conf/${one}/forwarding`,
      `net/ipv6/conf/${one}/disable_ipv6`,
      `net/ipv6/conf/${one}/forwarding`,
      `net/ipv4/conf/${one}/arp_announce`,
      `net/ipv6/conf/${one}/addr_gen_mode`,
    ]),
    'net/ipv4/conf/all/accept_redirects',
  ];
  // With addresses, conf/default no longer reaches them. Each file finds a namespace of its own.
  const script = files
    .map(
      (_, index) => `
        unshare --net sh -c '
          ip link add v0 type veth peer name v1
          ip address add 10.0.0.1/24 dev v0
          ip address add 10.0.1.1/24 dev v1
          ${PROGRAM} ${join(root, `${index}.conf`)} 2>/dev/null
          cd /proc/sys && echo $(cat ${keys.join(' ')})'`,
    )
    .join('\n');
  for (const [index, lines] of files.entries()) fill(root, { [`${index}.conf`]: `${lines.join('\n')}\n` });
  const { stdout } = privately(script);
  const real = stdout
    .trim()
    .split('\n')
    .map((values) => values.split(' '));
  assert.equal(real.length, files.length);
  const foretold = (run: 'sparing' | 'writing') =>
    files.map((lines) => {
      const folder = scratch(t, { 'etc/sysctl.d/50-x.conf': `${lines.join('\n')}\n` });
      const boot = new BootSysctls(new PersistedSysctls(new Host({ root: folder })).now().lines());
      return keys.map((key) => {
        const begins = key === 'net/ipv4/conf/all/accept_redirects' ? '1' : '0';
        return boot.value(key, run)?.value.replace(' # x', '') ?? begins;
      });
    });
  const [sparing, writing] = [foretold('sparing'), foretold('writing')];
  const one = JSON.stringify(writing) === JSON.stringify(real) ? writing : sparing;
  for (const [index, lines] of files.entries()) assert.deepEqual(real[index], one[index], lines.join('\n'));
});
