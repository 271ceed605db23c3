/** Which changes may explain that a witness falls silent although the kernel's way to it is as before. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { touchesNames, touchesPath } from '../../../agent/confirm/trial/touches-path.ts';
import type { Finding } from '../../../agent/hold/resource.ts';

function sysctl(key: string, actual: string, wanted: string): Finding {
  const place = { resource: 'sysctl', key, kind: 'sysctl', moment: 'now' } as const;
  return { ...place, state: 'drifted', wanted, actual, settings: async () => [] };
}

const TOUCHES: readonly (readonly [string, string, string, boolean])[] = [
  ['net.ipv4.conf.all.rp_filter', '0', '1', true],
  ['net.ipv4.ip_forward', '1', '0', true],
  ['net.netfilter.nf_conntrack_max', '262144', '524288', false],
  ['net.netfilter.nf_conntrack_max', '262144', '26', true],
  ['net.ipv4.neigh.default.gc_thresh3', '1024', '8192', false],
  ['net.ipv4.neigh.default.gc_thresh3', '1024', '1', true],
  ['net.ipv4.tcp_rmem', '4096\t131072\t6291456', '4096 131072 16777216', false],
  ['net.ipv4.tcp_rmem', '4096\t131072\t6291456', '4096 1310 16777216', true],
  ['net.ipv4.tcp_keepalive_time', '7200', '600', false],
  ['net.ipv4.conf.all.log_martians', '0', '1', false],
  ['vm.swappiness', '60', '1', false],
];

for (const [key, actual, wanted, touches] of TOUCHES) {
  test(`touches path: ${key} from ${actual.replaceAll('\t', ' ')} to ${wanted} ${touches ? 'does' : 'does not'}`, () => {
    assert.equal(touchesPath([sysctl(key, actual, wanted)]), touches);
  });
}

test('touches path: name servers in a file change what names mean, and routes and sysctls do not', () => {
  const file = (actual: string, wanted: string): Finding => ({ ...sysctl('/etc/x', actual, wanted), kind: 'file' });
  assert.equal(touchesNames([file('a\nnameserver 10.0.0.1', 'a\nnameserver 10.0.0.2')]), true);
  assert.equal(touchesNames([file('nameserver 10.0.0.1\nmtu 9000', 'nameserver 10.0.0.1\nmtu 1500')]), false);
  assert.equal(touchesNames([{ ...sysctl('eth0', 'a', 'b'), kind: 'link' }]), true);
  assert.equal(touchesNames([sysctl('net.ipv4.conf.all.rp_filter', '0', '1')]), false);
});
