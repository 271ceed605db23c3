/** What resolvectl prints of servers and domains, by link, and how often it is asked. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { askScopes, resolvedScopes, scopeLines } from '../../../agent/clients/resolved-scopes.ts';
import type { RunResult } from '../../../agent/host/process/run-program.ts';
import { FolderHost } from '../../parts/doctor-patient.ts';
import { fill, scratch } from '../../parts/scratch.ts';

class CountingHost extends FolderHost {
  started = 0;
  status = 0;

  override run(): RunResult {
    this.started += 1;
    return { status: this.status, stdout: 'Global: 10.0.0.2\n', stderr: '', error: null };
  }
}

test('resolvectl: the global scope, links without anything, delegates, and lists that go on in the next line', () => {
  const text = `Global: 10.0.0.2
Link 2 (eth0): 10.0.0.1 2001:db8::1
               10.0.0.3
Link 3 (wg0 a):
Delegate corp: 10.0.0.4
`;
  assert.deepEqual(scopeLines(text), [
    { kind: 'global', name: 'Global', words: ['10.0.0.2'] },
    { kind: 'link', name: 'eth0', words: ['10.0.0.1', '2001:db8::1', '10.0.0.3'] },
    { kind: 'link', name: 'wg0 a', words: [] },
    { kind: 'delegate', name: 'corp', words: ['10.0.0.4'] },
  ]);
});

test('resolvectl: programs start only after a change of the files in /run, of the process, and after five minutes', (t) => {
  const resolved: Record<number, string> = { 31: '/lib/systemd/systemd-resolved' };
  const root = scratch(t, {
    'run/systemd/resolve/resolv.conf': 'nameserver 10.0.0.1\n',
    'run/systemd/netif/links/2': 'DNS=10.0.0.1\n',
  });
  const host = new CountingHost(root, { others: { 'systemd-resolve': resolved } });
  const started = () => {
    host.started = 0;
    assert.equal(resolvedScopes(host)?.[0]?.servers[0] ?? null, host.status === 0 ? '10.0.0.2' : null);
    return host.started;
  };
  const later = (milliseconds: number) => t.mock.timers.tick(milliseconds);
  const clock = t.mock.method(performance, 'now', () => Date.now());
  t.mock.timers.enable({ apis: ['Date'], now: Date.now() });
  assert.deepEqual([started(), started()], [2, 2], 'systemd-resolved may not have read the files yet');
  later(60_000);
  assert.deepEqual([started(), started(), started()], [2, 0, 0]);

  for (const file of ['run/systemd/resolve/resolv.conf', 'run/systemd/resolve/netif/4', 'run/systemd/netif/links/2']) {
    fill(root, { [file]: `changed ${file}\n` });
    assert.deepEqual([started(), started()], [2, 0], file);
  }
  delete resolved[31];
  resolved[32] = '/lib/systemd/systemd-resolved';
  assert.deepEqual([started(), started()], [2, 0], 'another process');
  later(300_000);
  assert.deepEqual([started(), started()], [2, 0], 'a reload that no file tells of');
  host.started = 0;
  askScopes(host);
  assert.equal(host.started, 2, 'asked without the kept answer');
  later(300_000);
  host.status = 1;
  assert.deepEqual([started(), started()], [2, 2], 'no answer is not kept');
  clock.mock.restore();
});
