/** What a hook in place holds is read back from its text as it was configured, whichever client runs the hook. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { renderEnterHook } from '../../../agent/clients/dhclient/hooks/hook-texts.ts';
import { renderDhcpcdHook } from '../../../agent/clients/dhcpcd/hook.ts';
import { composedValues } from '../../../agent/resolver/composed-values.ts';
import { desired, dns, WHOLE } from '../../parts/desired.ts';

const HELD = {
  'dns.domain': ['example.com'],
  'dns.search': ['dev.example.com', 'example.com'],
  'dns.nameservers': ['10.34.56.78', '10.34.56.79', '2001:db8::53'],
};

test('composed values: the hooks of dhclient and of dhcpcd hold what was configured', () => {
  assert.deepEqual(Object.fromEntries(composedValues(renderEnterHook(WHOLE))), HELD);
  assert.deepEqual(Object.fromEntries(composedValues(renderDhcpcdHook(WHOLE.dns, WHOLE.dhcp) ?? '')), HELD);
});

test('composed values: what a hook takes from the lease, and a text of another author, are no values', () => {
  const some = desired({ dns: dns({ nameservers: ['10.0.0.1'] }) });
  assert.deepEqual(Object.fromEntries(composedValues(renderEnterHook(some))), { 'dns.nameservers': ['10.0.0.1'] });
  assert.equal(composedValues("#!/bin/sh\nholdfast_names='search x'\n").size, 0);
});
