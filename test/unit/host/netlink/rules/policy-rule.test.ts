/** The bytes of policy rules: what is written is read back, and a rule with further parts is never taken for a plain one. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { attribute, message, uint32 } from '../../../../../agent/host/netlink/message-layout.ts';
import {
  describeRule,
  type PolicyRule,
  readRule,
  ruleBody,
  sameRule,
} from '../../../../../agent/host/netlink/rules/policy-rule.ts';
import { deleteOurRule, isOurRule } from '../../../../../agent/host/netlink/rules/rule-list.ts';
import { accepted } from '../../../../parts/accepted.ts';

const RULE: PolicyRule = {
  family: 'ipv4',
  priority: 100,
  from: accepted('10.0.2.0/24'),
  to: accepted('10.72.0.0/16'),
  mark: { value: 16, mask: 255 },
  iif: accepted('eth0'),
  oif: accepted('a123456789.1234'),
  table: 10002,
};
const PLAIN = { ...RULE, to: null, mark: null, iif: null, oif: null };
/** FRA_SUPPRESS_PREFIXLEN, FRA_IP_PROTO. */
const [SUPPRESS, PROTOCOL] = [14, 22];

function read(
  rule: PolicyRule,
  { more = [], change = () => {} }: { more?: Buffer[]; change?: (header: Buffer) => void } = {},
) {
  const body = Buffer.concat([...ruleBody(rule, 72), ...more]);
  change(body);
  const whole = message(32, 0, 1, body);
  return readRule(whole, 0, whole.length);
}

test('policy rule: each part is read as it was written', () => {
  const six: PolicyRule = { ...RULE, family: 'ipv6', from: accepted('2001:db8::5/128'), to: accepted('2001:db8::/32') };
  for (const rule of [RULE, PLAIN, six, { ...PLAIN, from: null, mark: { value: 0, mask: 1 } }]) {
    const seen = read(rule)!;
    assert.ok(sameRule(rule, seen), JSON.stringify(seen));
    assert.deepEqual([seen.protocol, seen.further], [72, false]);
  }
  const text = 'from 10.0.2.0/24 to 10.72.0.0/16 fwmark 0x10/0xff iif eth0 oif a123456789.1234 table 10002';
  assert.equal(describeRule(RULE), text);
  assert.equal(describeRule({ ...PLAIN, from: null, table: 254 }), 'from all table main');
});

test('policy rule: a rule that differs in any part is another one', () => {
  const others: Partial<PolicyRule>[] = [
    { priority: 101 },
    { from: accepted('10.0.2.0/25') },
    { to: null },
    { mark: { value: 16, mask: 511 } },
    { mark: null },
    { iif: null },
    { oif: accepted('eth1') },
    { table: 10003 },
  ];
  for (const other of others) assert.ok(!sameRule({ ...RULE, ...other }, read(RULE)!), JSON.stringify(other));
});

test('policy rule: parts that we do not write make another rule', () => {
  const mores = [attribute(SUPPRESS, uint32(0)), attribute(PROTOCOL, Buffer.of(6)), attribute(99, Buffer.of(1))];
  for (const more of mores) assert.ok(read(PLAIN, { more: [more] })!.further);
  assert.ok(!read(PLAIN, { more: [attribute(SUPPRESS, uint32(0xffff_ffff))] })!.further);
  for (const [offset, value] of [
    [3, 8], // the type of service
    [7, 6], // blackhole
    [8, 2], // not
  ] as const) {
    assert.ok(read(PLAIN, { change: (header) => (header[offset] = value) })!.further);
  }
  // The kernel says by flags that an interface is missing: the rule is the same.
  const detached = read(RULE, { change: (header) => (header[8] = 8 | 16) })!;
  assert.ok(sameRule(RULE, detached));
  assert.deepEqual(detached.body, read(RULE)!.body);
});

test('policy rule: a damaged message is none, and what is too short is left out', () => {
  const whole = message(32, 0, 1, ...ruleBody(RULE, 72));
  for (let end = 0; end < whole.length; end += 1) {
    const seen = readRule(whole.subarray(0, end), 0, end);
    assert.ok(seen === null || !sameRule(RULE, seen), String(end));
  }
  assert.equal(readRule(message(32, 0, 1, Buffer.alloc(12)), 0, 28), null);
});

test('policy rule: the kernel’s own priorities are never ours, and a rule of another program is not deleted', async () => {
  assert.ok(isOurRule(read(PLAIN)!));
  for (const priority of [0, 32766, 32767]) assert.ok(!isOurRule(read({ ...PLAIN, priority })!));
  const foreign = { ...read(PLAIN)!, protocol: 3 };
  await assert.rejects(deleteOurRule(null as never, foreign, AbortSignal.timeout(1)), TypeError);
});
