/** A right file of ours that a later file overrules is reported as failed. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { converge } from '../../../../agent/hold/converge.ts';
import { Host } from '../../../../agent/host/host.ts';
import { Sysctl } from '../../../../agent/resources/sysctl/sysctl.ts';
import { fill, scratch } from '../../../parts/scratch.ts';

test('sysctl: a file of ours that a later one overrules is both changed and failed', async (t) => {
  const root = scratch(t);
  fill(root, { 'etc/sysctl.d/99-site.conf': 'net.ipv4.ip_forward = 0\n' });
  const setting = { path: 'net/ipv4/ip_forward', key: 'net.ipv4.ip_forward', want: { value: '1' }, optional: false };
  const host = new Host({ root });
  const first = (await converge(host, [new Sysctl(host, [setting])])).find(({ moment }) => moment === 'boot');
  assert.equal(first?.result, 'failed');
  assert.equal(first?.changed, true);
  assert.match(first?.reason ?? '', /99-site\.conf:1 sets net\.ipv4\.ip_forward to 0 after ours/);
  const second = (await converge(host, [new Sysctl(host, [setting])])).find(({ moment }) => moment === 'boot');
  assert.equal(second?.result, 'failed');
  assert.equal(second?.changed, undefined, 'nothing is written a second time');
});
