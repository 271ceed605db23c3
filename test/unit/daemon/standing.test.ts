/** The file in which the daemon tells `agent status` about itself. */
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { HealRecord } from '../../../agent/daemon/heal/heal-record.ts';
import { daemonStanding, StandingFile } from '../../../agent/daemon/standing.ts';
import type { Finding } from '../../../agent/hold/resource.ts';
import { Host } from '../../../agent/host/host.ts';
import { scratch } from '../../parts/scratch.ts';

/** A process whose command line is that of a daemon. */
async function daemonLike(t: TestContext, ...args: string[]) {
  const child = spawn('sh', ['-c', 'read -r _', 'agent', ...args], { stdio: ['pipe', 'ignore', 'ignore'] });
  t.after(() => child.kill());
  await once(child, 'spawn');
  return child;
}

test('standing: every user can read it until the daemon ends', async (t) => {
  const root = scratch(t);
  const host = new Host({ root });
  assert.equal(daemonStanding(host), null);
  const child = await daemonLike(t, 'run');
  const standing = { pid: child.pid!, enforce: true, fought: ['/etc/resolv.conf'] };
  const file = new StandingFile(host);
  file.update(standing);
  assert.deepEqual(daemonStanding(host), standing);
  assert.equal(statSync(join(root, 'run/holdfast/standing')).mode & 0o777, 0o644);
  file.update({ ...standing, fought: [] });
  assert.deepEqual(daemonStanding(host)?.fought, []);
  file.remove();
  assert.equal(daemonStanding(host), null);
  assert.ok(!existsSync(join(root, 'run/holdfast/standing')));
});

test('standing: a killed daemon, a reused process id and a damaged file give none', async (t) => {
  const root = scratch(t);
  const host = new Host({ root });
  const file = join(root, 'run/holdfast/standing');
  const gone = await daemonLike(t, 'run');
  new StandingFile(host).update({ pid: gone.pid!, enforce: true, fought: [] });
  assert.notEqual(daemonStanding(host), null);
  gone.kill();
  await once(gone, 'exit');
  assert.equal(daemonStanding(host), null);
  const other = await daemonLike(t, 'apply');
  for (const text of [JSON.stringify({ pid: other.pid, enforce: true, fought: [] }), '', '{', 'null']) {
    writeFileSync(file, text);
    assert.equal(daemonStanding(host), null, text);
  }
});

test('standing: a setting is fought over while another program changes it again and again', () => {
  const record = new HealRecord();
  const finding = (key: string): Finding =>
    ({ resource: 'sysctl', key, moment: 'now', kind: 'sysctl', state: 'drifted', wanted: '1', actual: '0' }) as Finding;
  const [fought, calm] = [finding('net.ipv4.ip_forward'), finding('net.ipv4.tcp_ecn')];
  for (let heal = 0; heal < 12; heal++) {
    record.limit(fought).wait(heal);
    record.limit(fought).note(heal);
  }
  record.limit(calm).note(0);
  assert.deepEqual(record.fought(12), ['net.ipv4.ip_forward']);
  assert.deepEqual(record.fought(120_000), []);
});
