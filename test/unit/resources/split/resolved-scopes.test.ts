/** What resolvectl prints of servers and domains, by link. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { scopeLines } from '../../../../agent/resources/split/resolved-scopes.ts';

test('resolvectl: the global scope, links without anything, and lists that go on in the next line', () => {
  const text = `Global: 10.0.0.2
Link 2 (eth0): 10.0.0.1 2001:db8::1
               10.0.0.3
Link 3 (wg0 a):
`;
  assert.deepEqual(scopeLines(text), [
    ['Global', ['10.0.0.2']],
    ['eth0', ['10.0.0.1', '2001:db8::1', '10.0.0.3']],
    ['wg0 a', []],
  ]);
});
