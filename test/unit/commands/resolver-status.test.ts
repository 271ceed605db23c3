/** What `status` says of resolv.conf: a line that the C library cannot use holds nothing. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { DesiredDns } from '../../../agent/config/desired.ts';
import { Host } from '../../../agent/host/host.ts';
import { Resolver } from '../../../agent/resources/resolver/resolver.ts';
import { accepted } from '../../parts/accepted.ts';
import { scratch } from '../../parts/scratch.ts';

test('status: only what libc reads counts as held, and the reason names the line', async (t) => {
  const wanted: DesiredDns = accepted({
    domain: null,
    search: null,
    nameservers: ['10.0.0.53'],
    sortlist: null,
    options: null,
    symlink: 'refuse',
    split: null,
    verify: null,
  });
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

test('status: of domain and search, libc obeys the last line', async (t) => {
  const none = {
    domain: null,
    search: null,
    nameservers: null,
    sortlist: null,
    options: null,
    split: null,
    verify: null,
  };
  const seen = async (dns: Partial<DesiredDns>, text: string) => {
    const host = new Host({ root: scratch(t, { 'etc/resolv.conf': text }) });
    const [finding] = await new Resolver(host, { ...none, symlink: 'refuse', ...dns }).inspect();
    const settings = await finding!.settings();
    return settings
      .filter(({ moment }) => moment === 'now')
      .map(({ state, reason }) => [state, reason ?? null] as const);
  };
  const search = { search: ['a.example', 'b.example'] };
  assert.deepEqual(await seen(search, 'domain c.example\nsearch a.example b.example\n'), [['ok', null]]);
  for (const text of [
    'search a.example b.example\ndomain c.example\n',
    'search a.example b.example\ndomain a.example\n',
  ]) {
    const [[state, reason]] = (await seen(search, text)) as [['drifted', string]];
    assert.equal(state, 'drifted', text);
    assert.match(reason, /resolv\.conf:1: the "domain" of line 2 overrules it/);
  }
  const domain = { domain: 'a.example' };
  assert.deepEqual(await seen(domain, 'search c.example\ndomain a.example\n'), [['ok', null]]);
  const [[state, reason]] = (await seen(domain, 'domain a.example\nsearch c.example\n')) as [['drifted', string]];
  assert.deepEqual([state, reason], ['drifted', 'the line "search c.example" of /etc/resolv.conf overrules it']);
  const both = await seen({ ...domain, ...search }, 'domain a.example\nsearch a.example b.example\n');
  assert.deepEqual(both, [
    ['ok', null],
    ['ok', null],
  ]);
});
