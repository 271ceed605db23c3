/** The identity of a reporting host, and the moments of its heartbeats. */
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { Host } from '../../../agent/host/host.ts';
import { appSpecificId, identify } from '../../../agent/report/identity.ts';
import { beatPhase, untilNextBeat } from '../../../agent/report/phase.ts';
import { REPOSITORY } from '../../parts/repository.ts';
import { noNamespaces, scratch } from '../../parts/scratch.ts';

const MACHINE = '0123456789abcdef0123456789abcdef';
const asked = { version: '1.2.3', configHash: 'c0ffee', labels: { role: 'edge', 'a.b': 'c' }, interval: 90_500 };

test("identity: host.id is systemd's app-specific id", () => {
  // systemd 252 prints it: `systemd-id128 --app-specific=fc62e28ccf5ed8e2c2e0f0968ad039e7 machine-id`.
  const application = Buffer.from('fc62e28ccf5ed8e2c2e0f0968ad039e7', 'hex');
  assert.equal(appSpecificId(MACHINE, application), '6b6ba974cef54e208ecf8e6d1af7073e');
});

test('identity: the resource has the attributes of the conventions, and the labels', (t) => {
  const release = `# comment\nNAME="Debian GNU/Linux"\nVERSION_ID='12'\nPRETTY_NAME="A \\"quoted\\" \\$name"\nEVIL=$(reboot)\n`;
  const root = scratch(t, { 'etc/machine-id': `${MACHINE}\n`, 'etc/os-release': release });
  const { hostId, resource } = identify({ host: new Host({ root }), ...asked });
  assert.equal(hostId, '6b6ba974cef54e208ecf8e6d1af7073e');
  assert.equal(resource['host.id'], hostId);
  assert.match(
    String(resource['service.instance.id']),
    /^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/,
  );
  assert.equal(resource['os.name'], 'Debian GNU/Linux');
  assert.equal(resource['os.version'], '12');
  assert.equal(resource['os.description'], 'A "quoted" $name');
  assert.equal(resource['service.version'], '1.2.3');
  assert.equal(resource['holdfast.config.hash'], 'c0ffee');
  assert.equal(resource['holdfast.report.interval'], 90.5, 'seconds');
  assert.equal(resource['holdfast.label.role'], 'edge');
  assert.equal(resource['holdfast.label.a.b'], 'c');
  assert.ok(!JSON.stringify(resource).includes(MACHINE), 'the machine-id itself is nobody else’s business');
});

test('identity: a new host name is reported from then on', { skip: noNamespaces('hostname') }, () => {
  const program = `
    import { execFileSync } from 'node:child_process';
    import { Host } from '${REPOSITORY}/agent/host/host.ts';
    import { identify } from '${REPOSITORY}/agent/report/identity.ts';
    const named = (name) => execFileSync('hostname', [name]);
    named('before');
    const asked = { version: '1', configHash: 'c', labels: {}, interval: 1000 };
    const identity = identify({ host: new Host(), ...asked });
    const told = [identity.resource['host.name']];
    named('after.example.com');
    told.push(identity.resource['host.name']);
    console.log(told.join());`;
  const argv = ['--user', '--map-root-user', '--uts', process.execPath, '--input-type=module', '-e', program];
  assert.equal(execFileSync('unshare', argv, { encoding: 'utf8' }), 'before,after.example.com\n');
});

for (const text of ['', 'uninitialized\n', 'zz'.repeat(16)]) {
  test(`identity: a machine-id of ${JSON.stringify(text)} is replaced by a lasting one`, (t) => {
    const root = scratch(t, { 'etc/machine-id': text });
    const identity = () => identify({ host: new Host({ root }), ...asked }).hostId;
    const first = identity();
    assert.match(first, /^[0-9a-f]{32}$/);
    assert.equal(identity(), first);
    assert.match(readFileSync(join(root, 'var/lib/holdfast/machine-id'), 'utf8'), /^[0-9a-f]{32}\n$/);
  });
}

test('identity: beats of a fleet are spread over the interval, and each host keeps its phase', () => {
  const phases = Array.from({ length: 3000 }, (_, n) =>
    beatPhase(appSpecificId(MACHINE, Buffer.from(`host ${n}`)), 30_000),
  );
  const seconds = Array.from({ length: 30 }, (_, s) => phases.filter((phase) => Math.floor(phase / 1000) === s).length);
  // 100 a second are expected; the odds of a second with fewer than 50 or more than 150 are below one in a million.
  assert.ok(
    seconds.every((count) => count > 50 && count < 150),
    String(seconds),
  );
});

test('identity: the next beat is ahead, by one interval at most, and at the phase', () => {
  for (const now of [0, 1, 29_999, 30_000, 1_790_000_000_001]) {
    const wait = untilNextBeat(now, 30_000, 12_345);
    assert.ok(wait > 0 && wait <= 30_000);
    assert.equal((now + wait) % 30_000, 12_345);
  }
  assert.equal(untilNextBeat(12_345, 30_000, 12_345), 30_000);
});

test('identity: clones of a machine, which have its machine-id, beat at moments of their own', (t) => {
  const clone = (address: string) => {
    const files = {
      'etc/machine-id': `${MACHINE}\n`,
      'sys/class/net/eth0/device/x': '',
      'sys/class/net/eth0/address': address,
    };
    return identify({ host: new Host({ root: scratch(t, files), live: true }), ...asked });
  };
  const clones = Array.from({ length: 300 }, (_, n) => clone(`52:54:00:00:${Math.floor(n / 99)}1:${10 + (n % 99)}\n`));
  assert.equal(new Set(clones.map(({ hostId }) => hostId)).size, 1);
  const phases = clones.map(({ beatSeed }) => beatPhase(beatSeed, 30_000));
  const thirds = [0, 1, 2].map((third) => phases.filter((phase) => Math.floor(phase / 10_000) === third).length);
  assert.ok(
    thirds.every((count) => count > 50),
    String(thirds),
  );
  assert.equal(clone('52:54:00:00:01:10').beatSeed, clone('52:54:00:00:01:10').beatSeed);
});
