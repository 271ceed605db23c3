/** One reason that refuses many artifacts is said once, with the artifacts that it refuses. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { onceEach, refusalNotes } from '../../../agent/commands/output/refusal-notes.ts';
import type { Finding } from '../../../agent/hold/resource.ts';

const finding = (key: string, refusal?: string): Finding => ({
  resource: 'hooks',
  kind: 'file',
  key,
  moment: 'lease',
  state: 'drifted',
  wanted: '',
  actual: null,
  settings: async () => [],
  ...(refusal === undefined ? {} : { refusal }),
});

test('refusals: artifacts with one reason share a note, and a long list of artifacts is counted', () => {
  const two = 'eth0 is served by dhclient[1] and dhcpcd[2]';
  const keys = ['/etc/a', '/etc/b', '/etc/c', '/etc/d', '/etc/e'];
  const notes = refusalNotes([...keys.map((key) => finding(key, two)), finding('/etc/x'), finding('/etc/y', 'a link')]);
  assert.deepEqual(notes, [`/etc/a, /etc/b, /etc/c and 2 more: ${two}`, '/etc/y: a link']);
});

test('refusals: in a list of changes a reason is said once, and later ones refer to it', () => {
  const once = onceEach();
  assert.deepEqual(
    ['a', 'a', 'b', 'a'].map((reason) => once(reason)),
    ['a', 'for the same reason', 'b', 'for the same reason'],
  );
});
