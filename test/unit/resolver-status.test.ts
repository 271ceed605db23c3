/** What `status` says of resolv.conf: a line that the C library cannot use holds nothing. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { DesiredDns } from '../../agent/config/desired.ts';
import { Host } from '../../agent/host/host.ts';
import { Resolver } from '../../agent/resources/resolver.ts';
import { scratch } from './scratch.ts';

test('only what libc reads counts as held, and the reason names the line', async (t) => {
  const wanted: DesiredDns = {
    domain: null,
    search: null,
    nameservers: ['10.0.0.53'],
    sortlist: null,
    options: null,
    symlink: 'refuse',
    verify: null,
  };
  const seen = async (text: string) => {
    const host = new Host({ root: scratch(t, { 'etc/resolv.conf': text }) });
    const [finding] = await new Resolver(host, wanted).inspect();
    const [setting] = await finding!.settings();
    return [setting!.state, setting!.reason ?? null] as const;
  };
  assert.deepEqual(await seen('nameserver 10.0.0.53 # ours\n'), ['ok', null]);
  assert.deepEqual(await seen('nameserver\t012.0.0.065\n'), ['ok', null], 'the same address to inet_aton');
  for (const [text, why] of [
    ['nameserver 10.0.0.53\r\n', /resolv\.conf:1: it ends with a carriage return/],
    [' nameserver 10.0.0.53\n', /resolv\.conf:1: it begins with a blank/],
    ['# x\nNameserver 10.0.0.53\n', /resolv\.conf:2: libc knows "nameserver"/],
  ] as const) {
    const [state, reason] = await seen(text);
    assert.equal(state, 'drifted', text);
    assert.match(reason!, why);
  }
});
