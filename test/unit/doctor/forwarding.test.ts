/** Doctor on a gateway: other programs that decide about its packets. */
import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import type { DesiredMasquerade } from '../../../agent/config/desired.ts';
import { forwardingCheck } from '../../../agent/doctor/checks/forwarding-check.ts';
import { legacyCovers } from '../../../agent/doctor/packet-filters.ts';
import { accepted } from '../../parts/accepted.ts';
import { codes, type Patient, seenBy } from '../../parts/doctor-patient.ts';

const YAML = 'forwarding: { ipv4: true, masquerade: [{ out: eth0, from: 10.99.0.0/24 }] }\n';
const KERNEL = {
  'proc/sys/net/ipv4/ip_forward': '1\n',
  'proc/sys/net/ipv4/conf/all/forwarding': '1\n',
  'proc/sys/net/ipv4/conf/eth0/forwarding': '1\n',
};

function look(t: TestContext, { files = {}, nft = '', ...rest }: Partial<Patient> & { nft?: string }) {
  const programs = { nft: { stdout: nft }, 'iptables-legacy-save': { stdout: '' }, ...rest.programs };
  return seenBy(t, forwardingCheck, { yaml: YAML, ...rest, files: { ...KERNEL, ...files }, programs });
}

test('doctor, forwarding: a plain gateway and a host that is no gateway have no finding', (t) => {
  assert.deepEqual(look(t, {}), []);
  assert.deepEqual(look(t, { yaml: 'sysctl: { net.ipv4.ip_forward: 0 }\n', nft: 'never asked' }), []);
});

test('doctor, forwarding: damaged output of nft makes no finding', (t) => {
  for (const nft of [
    '[]',
    '{',
    'null',
    '{"nftables":{}}',
    '{"nftables":[null,1,{"chain":null},{"chain":{"hook":7}}]}',
    '{"nftables":[{"chain":{"family":"ip","table":"t","name":"c","type":"nat","hook":"postrouting"}},{"rule":{"expr":[null,1]}},{"rule":{"expr":[{"masquerade":null},null]}}]}',
  ]) {
    assert.deepEqual(look(t, { nft }), [], nft);
  }
});

test('doctor, forwarding: forwarding that is off and a missing interface are reported', (t) => {
  const yaml = 'forwarding: { masquerade: [{ out: eth7, from: 10.99.0.0/24 }] }\n';
  const seen = look(t, { yaml, files: { 'proc/sys/net/ipv4/ip_forward': '0\n' } });
  assert.deepEqual(
    seen.map(({ code, severity }) => [code, severity]),
    [
      ['HF-MASQUERADE-IDLE', undefined],
      ['HF-MASQUERADE-IDLE', 'note'],
    ],
  );
});

test('doctor, forwarding: a pattern is idle only if no interface fits it, and the pattern of iptables is explained', (t) => {
  const idle = (out: string) =>
    look(t, { yaml: YAML.replace('eth0', `"${out}"`) }).map(({ seen }) => seen.replace(/^.*, but /, ''));
  assert.deepEqual(idle('eth*'), []);
  assert.deepEqual(idle('a*'), ['there is no such interface now'], 'conf.all is no interface');
  assert.deepEqual(idle('eth+'), ['there is no such interface now (for every name that begins so, write eth*)']);
});

test('doctor, forwarding: a service that flushes the ruleset is reported', (t) => {
  const enabled = { 'etc/systemd/system/sysinit.target.wants/nftables.service': '' };
  const conf = (text: string) => ({ 'etc/nftables.conf': text });
  assert.deepEqual(codes(look(t, { files: { ...enabled, ...conf('# x\nflush ruleset\n') } })), ['HF-NFTABLES-FLUSH']);
  assert.deepEqual(look(t, { files: { ...enabled, ...conf('# flush ruleset\n') } }), []);
  assert.deepEqual(look(t, { files: conf('flush ruleset\n') }), []);
});

test('doctor, forwarding: interfaces that accept router advertisements only as hosts are reported', (t) => {
  const files = (value: string) => ({
    'proc/sys/net/ipv6/conf/all/forwarding': '1\n',
    'proc/sys/net/ipv6/conf/all/accept_ra': '1\n',
    'proc/sys/net/ipv6/conf/eth0/accept_ra': value,
  });
  const yaml = 'forwarding: { ipv6: true }\n';
  assert.deepEqual(codes(look(t, { yaml, files: files('1\n') })), ['HF-FORWARDING-RA']);
  assert.deepEqual(look(t, { yaml, files: files('2\n') }), []);
});

test('doctor, forwarding: an accept_ra that counts as 0 because another program forwards is reported', (t) => {
  const files = { 'proc/sys/net/ipv6/conf/eth0/forwarding': '1\n', 'proc/sys/net/ipv6/conf/eth1/forwarding': '0\n' };
  const seen = (key: string, others = {}) => look(t, { yaml: `sysctl: { ${key} }\n`, files, others });
  const [found] = seen('net.ipv6.conf.eth0.accept_ra: 1', { dockerd: { 7: '/usr/bin/dockerd' } });
  assert.deepEqual([found?.code, found?.severity], ['HF-FORWARDING-RA', 'warning']);
  assert.match(found?.seen ?? '', /net\.ipv6\.conf\.eth0\.forwarding is 1, and dockerd runs/);
  assert.doesNotMatch(seen('net.ipv6.conf.eth0.accept_ra: 1')[0]?.seen ?? '', /dockerd/);
  assert.deepEqual(seen('net.ipv6.conf.eth0.accept_ra: 2'), []);
  assert.deepEqual(seen('net.ipv6.conf.eth1.accept_ra: 1'), []);
});

test('doctor, forwarding: iptables-legacy is reported with its tables, a policy and a rule that covers ours', (t) => {
  const iptables = [':FORWARD DROP [0:0]', '-A POSTROUTING -s 10.0.0.0/8 -o eth0 -j MASQUERADE'].join('\n');
  const seen = look(t, {
    files: { 'proc/net/ip_tables_names': 'nat\nfilter\n' },
    programs: { 'iptables-legacy-save': { stdout: iptables } },
  });
  assert.deepEqual(codes(seen), ['HF-IPTABLES-LEGACY', 'HF-FORWARD-DROP', 'HF-MASQUERADE-TWICE']);
});

/** A table as nft lists it: a forward chain with the policy accept, and rules by chain. */
const TABLE = (rules: Record<string, unknown[][]>, family = 'inet') => {
  const at = { family, table: 'firewalld' };
  const chain = (name: string) => ({ chain: { ...at, name } });
  const hooked = { ...at, name: 'fw', type: 'filter', hook: 'forward', policy: 'accept' };
  const each = Object.entries(rules).flatMap(([name, all]) =>
    all.map((expr) => ({ rule: { ...at, chain: name, expr } })),
  );
  return JSON.stringify({ nftables: [{ chain: hooked }, ...Object.keys(rules).map(chain), ...each] });
};
const COUNTER = { counter: { packets: 0, bytes: 0 } };
const REJECT = { reject: { type: 'icmpx', expr: 'admin-prohibited' } };
const JUMP = (target: string) => ({ jump: { target } });
const IS = (key: string, right: string) => ({ match: { op: '==', left: { meta: { key } }, right } });
const FROM = (addr: string, len: number) => {
  const left = { payload: { protocol: 'ip', field: 'saddr' } };
  return { match: { op: '==', left, right: { prefix: { addr, len } } } };
};
const STATE = { match: { op: 'in', left: { ct: { key: 'state' } }, right: ['established', 'related'] } };

test('doctor, forwarding: a forward chain with a refusing rule is reported, also behind a jump', (t) => {
  const seen = (rules: Record<string, unknown[][]>, family?: string) => look(t, { nft: TABLE(rules, family) });
  for (const [rules, words] of [
    [{ fw: [[STATE, { accept: null }], [REJECT]] }, 'rejects what no rule before accepts, by a rule of the chain fw'],
    [{ fw: [[COUNTER, { drop: null }]] }, 'drops what no rule before accepts, by a rule of the chain fw'],
    [{ fw: [[{ log: { prefix: 'x' } }, { xt: { type: 'target', name: 'REJECT' } }]] }, 'rejects .* chain fw'],
    [
      { fw: [[{ xt: { type: 'match', name: 'comment' } }, JUMP('a')]], a: [[JUMP('b')]], b: [[REJECT]] },
      'rejects .* chain b',
    ],
    [{ fw: [[JUMP('a')], [REJECT]], a: [[{ return: null }], [{ accept: null }]] }, 'rejects .* chain fw'],
    [{ fw: [[{ goto: { target: 'a' } }]], a: [[COUNTER, { drop: null }]] }, 'drops .* chain a'],
    [
      { fw: [[IS('oifname', 'eth0'), REJECT]] },
      'rejects packets from 10.99.0.0/24 out of eth0, by a rule of the chain fw',
    ],
    [{ fw: [[IS('oifname', 'eth*'), REJECT]] }, 'rejects packets from 10.99.0.0/24 out of eth0, .* chain fw'],
    [{ fw: [[FROM('10.99.0.0', 16), JUMP('a')]], a: [[{ drop: null }]] }, 'drops packets from 10.99.0.0/24 .* chain a'],
  ] as const) {
    const found = seen(rules as never);
    assert.deepEqual(codes(found), ['HF-FORWARD-DROP'], words);
    assert.match(found[0]!.seen, new RegExp(`^the chain fw of the table inet firewalld ${words}`));
  }
});

test('doctor, forwarding: a forward chain that refuses only other packets is no finding', (t) => {
  for (const rules of [
    { fw: [] },
    { fw: [[{ accept: null }], [REJECT]] },
    { fw: [[IS('iifname', 'eth9'), REJECT]] },
    { fw: [[IS('oifname', 'virbr0'), REJECT]] },
    { fw: [[FROM('10.98.0.0', 16), { drop: null }]] },
    { fw: [[STATE, REJECT]] },
    { fw: [[{ limit: { rate: 5 } }, { drop: null }]] },
    { fw: [[JUMP('a')], [{ accept: null }]], a: [[IS('iifname', 'eth9'), REJECT]] },
    { fw: [[JUMP('none')]] },
    { fw: [[{ goto: { target: 'a' } }], [REJECT]], a: [[{ return: null }]] },
    { fw: [[JUMP('a')]], a: [[JUMP('fw')]] },
    { fw: [[null, REJECT], [7], [{ jump: null }]] },
    { other: [[REJECT]] },
  ]) {
    assert.deepEqual(look(t, { nft: TABLE(rules as never) }), [], JSON.stringify(rules));
  }
  assert.deepEqual(look(t, { nft: TABLE({ fw: [[REJECT]] }, 'ip6') }), [], 'of another family');
});

test('doctor, forwarding: a refusing rule of iptables-legacy is reported, in FORWARD or behind a jump', (t) => {
  const found = (...lines: string[]) =>
    look(t, {
      files: { 'proc/net/ip_tables_names': 'filter\n' },
      programs: { 'iptables-legacy-save': { stdout: ['*filter', ':FORWARD ACCEPT [0:0]', ...lines].join('\n') } },
    }).filter(({ code }) => code === 'HF-FORWARD-DROP');
  for (const lines of [
    ['-A FORWARD -j REJECT --reject-with icmp-port-unreachable'],
    ['-A FORWARD -i eth9 -j ACCEPT', '-A FORWARD -j DROP'],
    ['-A FORWARD -m comment --comment "the last one" -j ufw-reject-forward', '-A ufw-reject-forward -j REJECT'],
    ['-A FORWARD -j LOG --log-prefix "x"', '-A FORWARD -g END', '-A END -j DROP'],
    ['-A FORWARD -s 10.99.0.0/24 -o eth0 -j DROP'],
  ]) {
    assert.equal(found(...lines).length, 1, lines.join('; '));
  }
  for (const lines of [
    ['-A FORWARD -i virbr0 -j REJECT', '-A FORWARD -s 10.98.0.0/24 -j DROP'],
    ['-A FORWARD -j DOCKER-USER', '-A DOCKER-USER -j RETURN', '-A FORWARD -m conntrack --ctstate INVALID -j DROP'],
    ['-A FORWARD -j ACCEPT', '-A FORWARD -j DROP'],
    ['-A INPUT -j DROP', '-A OUTPUT -j REJECT'],
    ['*mangle', '-A FORWARD -j DROP'],
  ]) {
    assert.equal(found(...lines).length, 0, lines.join('; '));
  }
});

test('doctor, forwarding: a rule of iptables covers ours only without a further condition', () => {
  const ours: DesiredMasquerade = accepted({ out: 'eth0', from: '10.99.0.0/24', except: [], family: 'ipv4' });
  for (const [line, covers] of [
    ['-A POSTROUTING -j MASQUERADE', true],
    ['-A POSTROUTING -o eth0 -j MASQUERADE', true],
    ['-A POSTROUTING -s 10.99.0.0/16 -o eth0 -j MASQUERADE', true],
    ['-A POSTROUTING -o eth+ -j MASQUERADE', true],
    ['-A POSTROUTING -o et+ -j MASQUERADE', true],
    ['-A POSTROUTING -o eth0.+ -j MASQUERADE', false],
    ['-A POSTROUTING -o ppp+ -j MASQUERADE', false],
    ['-A POSTROUTING -s 10.99.0.0/25 -o eth0 -j MASQUERADE', false],
    ['-A POSTROUTING -s 10.99.0.0/24 ! -o docker0 -j MASQUERADE', false],
    ['-A POSTROUTING -s 10.99.0.0/24 -o eth0 -p tcp -j MASQUERADE', false],
    ['-A POSTROUTING -s nonsense -j MASQUERADE', false],
    ['-A OTHER -j MASQUERADE', false],
    ['-A POSTROUTING -j MASQUERADE --random', false],
  ] as const) {
    assert.equal(legacyCovers(line, ours), covers, line);
  }
});
