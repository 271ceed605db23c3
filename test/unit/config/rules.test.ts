/** Each entry of `rules` means what was written, and each mistake is refused with its place and a remedy. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { DesiredRule } from '../../../agent/config/desired.ts';
import type { Plain } from '../../parts/accepted.ts';
import { errorsOf, load } from '../../parts/config-memory.ts';

const PLAIN: Plain<DesiredRule> = {
  family: 'ipv4',
  priority: 100,
  from: '10.0.2.10/32',
  to: null,
  mark: null,
  iif: null,
  oif: null,
  table: 10002,
};
const ALL = 0xffff_ffff;

/** Each entry, with its meaning. */
const MEANINGS: [yaml: string, ...meaning: Plain<DesiredRule>[]][] = [
  ['{ from: 10.0.2.10, table: 10002, priority: 100 }', PLAIN],
  ['{ from: 10.0.2.10/32, family: ipv4, table: 10002, priority: 100 }', PLAIN],
  ['{ from: 0.0.0.0/0, table: main, priority: 100 }', { ...PLAIN, from: null, table: 254 }],
  [
    '{ from: "::/0", to: "2001:DB8::/32", table: 4294967295, priority: 4294967295 }',
    { ...PLAIN, family: 'ipv6', from: null, to: '2001:db8::/32', table: 4294967295, priority: 4294967295 },
  ],
  [
    '{ fwmark: 0x10/0xff, table: 10002, priority: 100 }',
    { ...PLAIN, from: null, mark: { value: 16, mask: 255 } },
    { ...PLAIN, family: 'ipv6', from: null, mark: { value: 16, mask: 255 } },
  ],
  [
    '{ fwmark: 16, family: ipv6, table: 10002, priority: 100 }',
    { ...PLAIN, family: 'ipv6', from: null, mark: { value: 16, mask: ALL } },
  ],
  [
    '{ fwmark: "0xFFFFFFFF", from: 10.0.2.10, table: 10002, priority: 100 }',
    { ...PLAIN, mark: { value: ALL, mask: ALL } },
  ],
  [
    '{ iif: lo, oif: eth1, family: ipv4, table: default, priority: 100 }',
    { ...PLAIN, from: null, iif: 'lo', oif: 'eth1', table: 253 },
  ],
];

for (const [yaml, ...meaning] of MEANINGS) {
  test(`rules: the rule means what was written: ${yaml}`, async () => {
    const result = await load(`rules: [${yaml}]`);
    assert.ok(result.ok, JSON.stringify(result));
    assert.deepEqual(result.desired.rules, meaning);
  });
}

test('rules: a rule of each family may have the same priority', async () => {
  const result = await load(
    'rules: [{ from: 10.0.2.10, table: 7, priority: 9 }, { iif: eth1, family: ipv6, table: 7, priority: 9 }]',
  );
  assert.ok(result.ok, JSON.stringify(result));
});

/** Each entry with all its errors; `agent.yaml:` is left out of them. */
const ERRORS: [yaml: string, ...errors: string[]][] = [
  ['{ from: 10.0.2.10, table: 7 }', '1:9: rules[0].priority: is missing; write it'],
  ['{ from: 10.0.2.10, priority: 7 }', '1:9: rules[0].table: is missing; write it'],
  [
    '{ table: 7, priority: 7 }',
    '1:9: rules[0]: matches every packet; write from, to, fwmark, iif or oif (if it should, from: 0.0.0.0/0 or "::/0")',
  ],
  ['{ from: 10.0.2.10, table: 7, priority: 0 }', '1:48: rules[0].priority: write a whole number from 1 to 4294967295'],
  [
    '{ from: 10.0.2.10, table: 7, priority: 32766 }',
    "1:48: rules[0].priority: 32766 is the priority of a rule of the kernel's own; write a lower one",
  ],
  [
    '{ from: 10.0.2.10, table: local, priority: 7 }',
    '1:35: rules[0].table: the table local belongs to the kernel; write another table',
  ],
  [
    '{ from: 10.0.2.10/24, table: 7, priority: 7 }',
    '1:17: rules[0].from: "10.0.2.10/24" has host bits set; write 10.0.2.0/24, or 10.0.2.10 for this one address',
  ],
  [
    '{ from: 10.0.2.10, to: "2001:db8::/32", table: 7, priority: 7 }',
    '1:32: rules[0].to: is of another family than 10.0.2.10',
  ],
  [
    '{ from: 10.0.2.10, family: both, table: 7, priority: 7 }',
    '1:36: rules[0].family: is not the family of 10.0.2.10/32; leave family out, and write a rule for each family',
  ],
  [
    '{ fwmark: 0x1ff/0xff, table: 7, priority: 7 }',
    '1:19: rules[0].fwmark: "0x1ff/0xff" has bits outside its mask, which the kernel ignores; write 0xff/0xff',
  ],
  [
    '{ fwmark: 0/0, table: 7, priority: 7 }',
    '1:19: rules[0].fwmark: "0/0" has a mask without bits, so it matches every packet; write another',
  ],
  [
    '{ fwmark: 0x100000000/1, table: 7, priority: 7 }',
    '1:19: rules[0].fwmark: "0x100000000/1" is no mark; write a number up to 0xffffffff, and a mask: 0x10/0xff',
  ],
  [
    '{ fwmark: -1, table: 7, priority: 7 }',
    '1:19: rules[0].fwmark: -1 is no mark; write a number up to 0xffffffff, and a mask: 0x10/0xff',
  ],
  [
    '{ iif: "eth0 x", table: 7, priority: 7 }',
    '1:16: rules[0].iif: "eth0 x" is not an interface name; write 1 to 15 letters, digits and . _ - + @, such as eth0.100',
  ],
  [
    '{ fwmark: 1, table: 7, priority: 7 }, { from: "2001:db8::/32", table: 7, priority: 7 }',
    '1:92: rules[1].priority: 7 is the priority of the rule at agent.yaml:1; give each rule of a family its own',
  ],
];

for (const [yaml, ...errors] of ERRORS) {
  test(`rules: the mistake is refused with place and remedy: ${yaml}`, async () => {
    const found = await errorsOf(`rules: [${yaml}]`);
    assert.deepEqual(
      found,
      errors.map((error) => `agent.yaml:${error}`),
    );
  });
}
