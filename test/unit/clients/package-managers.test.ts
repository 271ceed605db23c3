/** Whether packages are being installed now: by programs that only run meanwhile, and by locks that are really held. */
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { installsNow } from '../../../agent/clients/package-managers.ts';
import { patientHost } from '../../parts/doctor-patient.ts';
import { missing } from '../../parts/scratch.ts';

const LOCK = 'var/lib/dpkg/lock-frontend';
/** Takes the lock as dpkg does (fcntl(2)), says so, and keeps it until its input ends. */
const HOLD = `use Fcntl; open(my $f, "+<", $ARGV[0]) or die;
  my $lock = pack("s s x4 q q i x4", F_WRLCK, 0, 0, 0, 0); fcntl($f, F_SETLK, $lock) or die;
  $| = 1; print "held\\n"; <STDIN>`;

test('package managers: a held lock of dpkg counts, and a waiting unattended-upgrades does not', {
  skip: missing('perl'),
}, async (t) => {
  const waiting = { others: { 'unattended-upgr': { 7: 'unattended-upgrade-shutdown --wait-for-signal' } } };
  const host = patientHost(t, { files: { [LOCK]: '', 'proc/locks': '' }, ...waiting });
  const showLocks = () => writeFileSync(join(host.root, 'proc/locks'), readFileSync('/proc/locks'));
  assert.equal(installsNow(host), false);

  const holder = spawn('perl', ['-e', HOLD, join(host.root, LOCK)]);
  t.after(() => holder.kill());
  const [said] = await Promise.race([once(holder.stdout, 'data'), once(holder, 'exit')]);
  assert.equal(String(said), 'held\n');
  showLocks();
  assert.equal(installsNow(host), true);

  const gone = once(holder, 'exit');
  holder.stdin.end();
  await gone;
  showLocks();
  assert.equal(installsNow(host), false);
});

test('package managers: a program that only runs while it works counts, and so does a host without /proc/locks', (t) => {
  assert.equal(installsNow(patientHost(t, { others: { dpkg: { 7: 'dpkg -i x.deb' } } })), true);
  assert.equal(installsNow(patientHost(t, { files: { [LOCK]: '' } })), true);
  assert.equal(installsNow(patientHost(t, { files: {} })), false);
});
