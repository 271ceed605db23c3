/** Doctor says what keeps an expected multicast group from the host. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { multicastCheck } from '../../../agent/doctor/checks/multicast-check.ts';
import { codes, seenBy } from '../../parts/doctor-patient.ts';

const yaml = 'expect: { groups: [{ group: 224.1.2.3, dev: eth1 }, { group: "ff15::1", dev: eth1 }] }\n';
const FILES = {
  'usr/bin/perl': '',
  'proc/net/igmp': 'Idx\n2\teth1      :     2      V3\n\t\t\t\t030201E0     1 0:00000000\t\t0\n',
  'proc/net/igmp6': '2    eth1            ff150000000000000000000000000001     1 00000004 0\n',
};
const RP_FILTER = 'proc/sys/net/ipv4/conf/';

test('doctor, multicast: joined groups have no finding', (t) => {
  assert.deepEqual(seenBy(t, multicastCheck, { yaml, files: FILES }), []);
  assert.deepEqual(seenBy(t, multicastCheck, { yaml: '{}\n' }), []);
});

test('doctor, multicast: each obstacle to an expected group is reported', (t) => {
  assert.deepEqual(seenBy(t, multicastCheck, { yaml, files: { ...FILES, 'proc/net/igmp': 'Idx\n' } }), [
    { code: 'HF-MULTICAST-NOT-JOINED', seen: '224.1.2.3 is not joined on eth1' },
  ]);
  const bridge = (on: string) => ({
    'sys/class/net/eth1/master/bridge/multicast_snooping': '1\n',
    'sys/class/net/eth1/master/bridge/multicast_querier': `${on}\n`,
  });
  assert.deepEqual(seenBy(t, multicastCheck, { yaml, files: { ...FILES, ...bridge('0') } }), [
    { code: 'HF-MULTICAST-BRIDGE', seen: 'the bridge that eth1 is a port of snoops, and is not a querier' },
  ]);
  assert.deepEqual(seenBy(t, multicastCheck, { yaml, files: { ...FILES, ...bridge('1') } }), []);
});

test('doctor, multicast: the higher one of two rp_filters counts', (t) => {
  const seen = (all: number, own: number) =>
    codes(
      seenBy(t, multicastCheck, {
        yaml,
        files: { ...FILES, [`${RP_FILTER}all/rp_filter`]: `${all}\n`, [`${RP_FILTER}eth1/rp_filter`]: `${own}\n` },
      }),
    );
  assert.deepEqual(seen(0, 1), ['HF-MULTICAST-RP-FILTER']);
  assert.deepEqual(seen(1, 0), ['HF-MULTICAST-RP-FILTER']);
  assert.deepEqual(seen(1, 2), []);
  assert.deepEqual(seen(0, 0), []);
});

test('doctor, multicast: without perl it says that IGMP queries cannot be heard', (t) => {
  const { 'usr/bin/perl': _, ...without } = FILES;
  assert.deepEqual(codes(seenBy(t, multicastCheck, { yaml, files: without })), ['HF-MULTICAST-UNHEARD']);
});
