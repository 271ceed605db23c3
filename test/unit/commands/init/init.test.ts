/** The first configuration of a host: the values taken over, and the reasons for those that are not. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { NO_RESOLVER, ofText } from '../../../../agent/commands/init/resolver-facts.ts';
import type { ConfiguredState } from '../../../../agent/config/desired.ts';
import { type HostFacts, NO_SPLIT } from '../../../../agent/config/init/host-facts.ts';
import { renderInitial } from '../../../../agent/config/init/initial.ts';
import { parseSysctls } from '../../../../agent/resources/sysctl/boot/sysctl-files.ts';
import { load } from '../../../parts/config-memory.ts';

const NOTHING: HostFacts = {
  resolver: NO_RESOLVER,
  split: NO_SPLIT,
  supersedes: [],
  sysctls: [],
  ipv6RouteMaxSize: null,
};

const resolverOf = (text: string) => ofText('/etc/resolv.conf', text);

async function loaded(facts: Partial<HostFacts>): Promise<{ text: string; desired: ConfiguredState }> {
  const text = renderInitial({ ...NOTHING, ...facts });
  assert.match(text, /^[\n\x20-\x7e]+$/, 'it is the same in every encoding');
  const result = await load(text);
  assert.ok(result.ok, `${JSON.stringify(result)}\n${text}`);
  return { text, desired: result.desired };
}

test('init: on a bare host it configures nothing, and shows examples in comments', async () => {
  const { text, desired } = await loaded({});
  assert.equal(desired.dns, null);
  assert.deepEqual(desired.sysctl, []);
  assert.match(text, /^# dns:/m);
  assert.equal(desired.hold, 'nothing');
  const uncommented = text
    .replace(/^# (?=dns:|dhcp:|sysctl:)/gm, '')
    .replace(/^# {3}(?=[a-z])/gm, '  ')
    .replace('\nhold: nothing\n', '\n');
  const result = await load(uncommented);
  assert.ok(result.ok && result.desired.dns && result.desired.sysctl.length > 0, uncommented);
});

test('init: resolv.conf is taken over as libc reads it', async () => {
  const resolvConf = `# made by hand
domain old.example
search dev.example.com example.com   # ours
nameserver 10.34.56.78
 nameserver 10.34.56.79
nameserver fe80::1%eth0
sortlist 10.72.52.100/255.255.255.255 10.0.0.0
options timeout:1 rotate
options ndots:2 ; more
`;
  const { text, desired } = await loaded({ resolver: resolverOf(resolvConf) });
  assert.match(text, /# not taken over from \/etc\/resolv\.conf:3: libc takes "#" for a domain$/m);
  assert.match(text, /# not taken over from \/etc\/resolv\.conf:5: it begins with a blank, so libc passes over it$/m);
  assert.deepEqual(desired.dns, {
    domain: 'old.example',
    search: ['dev.example.com', 'example.com'],
    nameservers: ['10.34.56.78', 'fe80::1%eth0'],
    sortlist: ['10.72.52.100/255.255.255.255', '10.0.0.0/255.0.0.0'],
    options: ['timeout:1', 'rotate', 'ndots:2'],
    symlink: 'refuse',
    split: null,
    verify: null,
  });
});

test('init: a search list that a later domain line overrules is not taken over', async () => {
  const { desired } = await loaded({ resolver: resolverOf('search a.example\ndomain b.example\n') });
  assert.equal(desired.dns?.domain, 'b.example');
  assert.equal(desired.dns?.search, null);
});

test('init: what cannot be taken over stands in a comment with its place and reason', async () => {
  const resolvConf =
    'nameserver 10.0.0.300\nnameserver 127.0.0.53\nnameserver 1.1.1.1\nnameserver 1.1.1.1\nnameserver 2.2.2.2\nnameserver 3.3.3.3\nnameserver 4.4.4.4\noptions rotat ndots:1 ndots:2\n';
  const { text, desired } = await loaded({ resolver: resolverOf(resolvConf) });
  assert.deepEqual(desired.dns?.nameservers, ['1.1.1.1', '2.2.2.2', '3.3.3.3']);
  assert.deepEqual(desired.dns?.options, ['ndots:1']);
  for (const reason of [
    /^ {2}# not taken over from \/etc\/resolv\.conf:1: "10\.0\.0\.300" is no IP address/m,
    /^ {2}# .*resolv\.conf:2: 127\.0\.0\.53 is systemd-resolved on this host/m,
    /^ {2}# .*resolv\.conf:4: "1\.1\.1\.1" stands there twice/m,
    /^ {2}# .*resolv\.conf:7: "4\.4\.4\.4": libc reads only 3/m,
    /^ {2}# .*resolv\.conf:8: "rotat" is .*did you mean "rotate"/m,
    /^ {2}# .*resolv\.conf:8: "ndots:2": ndots stands there twice/m,
  ]) {
    assert.match(text, reason);
  }
});

test('init: supersedes of dhclient.conf are taken over; those of DNS are shown beside resolv.conf’s', async () => {
  const file = '/etc/dhcp/dhclient.conf';
  const { text, desired } = await loaded({
    resolver: resolverOf('nameserver 1.1.1.1\n'),
    supersedes: [
      { interface: null, option: 'ntp-servers', values: ['10.0.0.1', '10.0.0.2'], file, line: 3 },
      { interface: null, option: 'domain-name-servers', values: ['9.9.9.9'], file, line: 4 },
      { interface: null, option: 'domain-name', values: ['a.example'], file, line: 5 },
      { interface: 'eth1', option: 'interface-mtu', values: ['1400'], file, line: 7 },
      { interface: 'eth1', option: 'domain-name', values: ['b.example'], file, line: 8 },
      { interface: 'e"', option: 'interface-mtu', values: ['1400'], file, line: 9 },
      { interface: null, option: 'no-such', values: ['x'], file, line: 10 },
      { interface: null, option: 'time-offset', values: ['x'], file, line: 11 },
    ],
  });
  assert.deepEqual([...desired.dhclient.global.supersede.keys()].sort(), ['domain-name-servers', 'ntp-servers']);
  assert.deepEqual(desired.dhclient.interfaces.get('eth1')?.supersede.get('interface-mtu'), ['1400']);
  assert.equal(desired.dhclient.interfaces.size, 1);
  assert.match(text, /# \/etc\/dhcp\/dhclient\.conf:4 supersedes domain-name-servers with "9\.9\.9\.9"$/m);
  assert.match(text, /:5 supersedes domain-name with "a\.example"; to hold that, write dns\.domain$/m);
  assert.match(text, /:8 supersedes domain-name with "b\.example" for "eth1" alone/m);
  assert.match(text, /# not taken over from .*:10: no-such: the option is not known$/m);
  assert.match(text, /# not taken over from .*:11: time-offset: write /m);
});

test('init: persisted net.* sysctls are taken over, the last of a key', async () => {
  const file = '/etc/sysctl.conf';
  const { text, desired } = await loaded({
    ipv6RouteMaxSize: '4096\n',
    sysctls: [
      { path: 'net/ipv4/ip_forward', value: '0', file, line: 1 },
      { path: 'net/ipv4/ip_forward', value: '1', file, line: 2 },
      { path: 'net/ipv4/tcp_rmem', value: '4096\t131072  6291456', file, line: 3 },
      { path: 'net/ipv4/conf/eth0.100/rp_filter', value: '1', file, line: 4 },
      { path: 'net/ipv4/conf/*/rp_filter', value: '1', file, line: 5 },
      { path: 'kernel/panic', value: '1', file, line: 6 },
      { path: 'net/core/default_qdisc', value: 'fq', file, line: 7 },
      { path: 'net/a/b', value: 'yes', file, line: 8 },
    ],
  });
  assert.deepEqual(
    desired.sysctl.map(({ path, want }) => [path, 'value' in want && want.value]),
    [
      ['net/ipv4/ip_forward', '1'],
      ['net/ipv4/tcp_rmem', '4096 131072 6291456'],
      ['net/ipv4/conf/eth0.100/rp_filter', '1'],
      ['net/core/default_qdisc', 'fq'],
    ],
  );
  assert.match(text, /# not taken over from \/etc\/sysctl\.conf:5: net\.ipv4\.conf\.\*\.rp_filter = 1: /);
  assert.match(text, /# net\.ipv6\.route\.max_size is 4096 now; /);
});

test('init: its configuration loads on any host', async () => {
  const evil = fc.oneof(
    fc.string({ unit: 'binary' }),
    fc.string(),
    fc.constantFrom(
      'true',
      'null',
      '~',
      '1',
      '0x1',
      '10.1',
      '1e3',
      '- a',
      'a: b',
      '#',
      '"',
      "'",
      '\n',
      '\r',
      '\u2028',
      '\x85',
      'a\ndns: 1',
      '*a',
      '&a',
      '!!x',
      '%',
      '@',
      '`',
      '10.0.0.1',
      'a.example',
      '::1',
      'fe80::1%e',
      'ndots:1',
      '10.0.0.0/8',
      '1.10',
      'no.',
    ),
  );
  const option = fc.oneof(
    fc.constantFrom(
      'ntp-servers',
      'domain-name',
      'host-name',
      'root-path',
      'interface-mtu',
      'domain-search',
      '__proto__',
    ),
    evil,
  );
  const line = fc.nat();
  const facts = fc.record({
    resolver: fc.record({
      lines: fc.array(
        fc.record({
          place: evil,
          keyword: fc.constantFrom('domain', 'search', 'nameserver', 'sortlist', 'options'),
          values: fc.array(evil, { maxLength: 4 }),
        }),
      ),
      unused: fc.array(fc.record({ place: evil, why: evil })),
      refusals: fc.oneof(fc.constant([]), fc.array(evil)),
    }),
    split: fc.record({
      lines: fc.array(
        fc.record({
          place: evil,
          domains: fc.array(fc.oneof(fc.constantFrom('corp.example', 'CORP.example.', '.'), evil), { maxLength: 3 }),
          servers: fc.array(fc.oneof(fc.constantFrom('10.0.0.2', '127.0.0.1'), evil), { maxLength: 10 }),
          doubt: fc.oneof(fc.constant(null), evil),
        }),
      ),
      inactive: fc.oneof(fc.constant(null), evil),
      notes: fc.array(evil),
      advice: fc.oneof(fc.constant(null), evil),
    }),
    supersedes: fc.array(
      fc.record({
        interface: fc.oneof(fc.constant(null), fc.constantFrom('eth0', '__proto__'), evil),
        option,
        values: fc.array(evil, { maxLength: 3 }),
        file: evil,
        line,
      }),
    ),
    sysctls: fc.array(
      fc.record({
        path: fc.oneof(
          fc.constantFrom('net/a', 'net/a/b.c', 'net.a', 'net/__proto__'),
          evil.map((text) => `net/${text}`),
        ),
        value: evil,
        file: evil,
        line,
      }),
    ),
    ipv6RouteMaxSize: fc.oneof(fc.constant(null), evil),
  });
  await fc.assert(
    fc.asyncProperty(facts, async (all) => void (await loaded(all))),
    { numRuns: 1000 },
  );
});

test('init: a command, and the dots of an interface in a key of sysctl.d, stand in comments', async () => {
  const lines = ['net.ipv4.route.flush = 1', 'net.ipv4.conf.eth0.100.rp_filter = 1', 'net.ipv4.tcp_sack = 1'];
  const { text, desired } = await loaded({ sysctls: parseSysctls('/etc/sysctl.conf', lines.join('\n')) });
  assert.match(text, /# not taken over from \/etc\/sysctl\.conf:1: net\.ipv4\.route\.flush = 1: is a command/);
  assert.match(text, /# not taken over from \/etc\/sysctl\.conf:2: .* write net\/ipv4\/conf\/eth0\.100\/rp_filter/);
  assert.deepEqual(
    desired.sysctl.map(({ key }) => key),
    ['net.ipv4.tcp_sack'],
  );
});
