import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import { forwarding } from '../../agent/doctor/forwarding.ts';
import { legacyCovers } from '../../agent/doctor/packet-filters.ts';
import { codes, type Patient, seenBy } from './doctor-patient.ts';

const YAML = 'forwarding: { ipv4: true, masquerade: [{ out: eth0, from: 10.99.0.0/24 }] }\n';
const KERNEL = {
  'proc/sys/net/ipv4/ip_forward': '1\n',
  'proc/sys/net/ipv4/conf/all/forwarding': '1\n',
  'proc/sys/net/ipv4/conf/eth0/forwarding': '1\n',
};

function look(t: TestContext, { files = {}, nft = '', ...rest }: Partial<Patient> & { nft?: string }) {
  const programs = { nft: { stdout: nft }, 'iptables-legacy-save': { stdout: '' }, ...rest.programs };
  return seenBy(t, forwarding, { yaml: YAML, ...rest, files: { ...KERNEL, ...files }, programs });
}

test('a gateway with nothing beside it, and a host that is none', (t) => {
  assert.deepEqual(look(t, {}), []);
  assert.deepEqual(look(t, { yaml: 'sysctl: { net.ipv4.ip_forward: 0 }\n', nft: 'never asked' }), []);
});

test('whatever nft prints, it is not believed blindly', (t) => {
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

test('forwarding that is off, and an interface that is not there', (t) => {
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

test('a service that flushes', (t) => {
  const enabled = { 'etc/systemd/system/sysinit.target.wants/nftables.service': '' };
  const conf = (text: string) => ({ 'etc/nftables.conf': text });
  assert.deepEqual(codes(look(t, { files: { ...enabled, ...conf('# x\nflush ruleset\n') } })), ['HF-NFTABLES-FLUSH']);
  assert.deepEqual(look(t, { files: { ...enabled, ...conf('# flush ruleset\n') } }), []);
  assert.deepEqual(look(t, { files: conf('flush ruleset\n') }), []);
});

test('interfaces that believe advertisements only as hosts', (t) => {
  const files = (value: string) => ({
    'proc/sys/net/ipv6/conf/all/forwarding': '1\n',
    'proc/sys/net/ipv6/conf/all/accept_ra': '1\n',
    'proc/sys/net/ipv6/conf/eth0/accept_ra': value,
  });
  const yaml = 'forwarding: { ipv6: true }\n';
  assert.deepEqual(codes(look(t, { yaml, files: files('1\n') })), ['HF-FORWARDING-RA']);
  assert.deepEqual(look(t, { yaml, files: files('2\n') }), []);
});

test('iptables-legacy: its tables, a policy, a rule that covers ours', (t) => {
  const iptables = [':FORWARD DROP [0:0]', '-A POSTROUTING -s 10.0.0.0/8 -o eth0 -j MASQUERADE'].join('\n');
  const seen = look(t, {
    files: { 'proc/net/ip_tables_names': 'nat\nfilter\n' },
    programs: { 'iptables-legacy-save': { stdout: iptables } },
  });
  assert.deepEqual(codes(seen), ['HF-IPTABLES-LEGACY', 'HF-FORWARD-DROP', 'HF-MASQUERADE-TWICE']);
});

test('a rule of iptables covers ours only without a further condition', () => {
  const ours = { out: 'eth0', from: '10.99.0.0/24', family: 'ipv4' } as const;
  for (const [line, covers] of [
    ['-A POSTROUTING -j MASQUERADE', true],
    ['-A POSTROUTING -o eth0 -j MASQUERADE', true],
    ['-A POSTROUTING -s 10.99.0.0/16 -o eth0 -j MASQUERADE', true],
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
