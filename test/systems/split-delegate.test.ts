/**
 * dns.split where systemd-resolved is 258 or newer: dns-delegate files. No release of Debian has that systemd yet, so this
 * runs only if it is asked for: `HOLDFAST_SID=1 sh test/run.sh test/systems/split-delegate.test.ts`.
 */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { startCountingServer } from '../parts/lab/counting-dns.ts';
import { CORP, EVERY, FROM_CORP, FROM_EVERY, found, RESOLVED_MACHINE, splitMoments } from '../parts/lab/split.ts';
import { Machine, unavailable } from './machine.ts';
import { installService } from './service.ts';

const skip = process.env.HOLDFAST_SID ? unavailable() : 'Debian sid changes every day: HOLDFAST_SID=1';
const LAB = '10.77.0.13';
const FROM_LAB = '10.72.0.13';
const FILES = '/etc/systemd/dns-delegate.d';
const THEIRS = `${FILES}/theirs.dns-delegate`;
const PENDING = /pending: .* systemctl reload systemd-resolved/;

const yaml = (corp = 'corp.example') => `dns:
  split:
    - { domains: [${corp}, 10.in-addr.arpa], servers: [${CORP}] }
    - { domains: [lab.example], servers: [${LAB}] }
`;

test('sid: control, init, held through a reboot, renamed by a reload, revert', { skip }, async () => {
  await using machine = await Machine.boot({
    ...RESOLVED_MACHINE,
    release: 'sid',
    files: { ...RESOLVED_MACHINE.files, [THEIRS]: `[Delegate]\nDNS=${CORP}\nDomains=corp.example\n` },
  });
  await installService(machine);
  const every = await startCountingServer(machine.outside, EVERY, FROM_EVERY);
  const corp = await startCountingServer(machine.outside, CORP, FROM_CORP);
  const lab = await startCountingServer(machine.outside, LAB, FROM_LAB);
  const readAgain = (verb = 'reload') =>
    machine.sh(`systemctl ${verb} systemd-resolved
      until getent ahostsv4 ready.other.example. >/dev/null; do :; done`);
  /** Each name only at its own server. */
  const splits = async (when: string, corpName = 'corp.example') => {
    await machine.sh('resolvectl flush-caches');
    for (const server of [every, corp, lab]) await server.asked();
    const names = [`${when}.${corpName}`, `${when}.lab.example`, `${when}.other.example`];
    const answers = await Promise.all(names.map((name) => found(machine, name)));
    assert.deepEqual(answers, [FROM_CORP, FROM_LAB, FROM_EVERY], when);
    await machine.run(['getent', 'hosts', '10.1.2.3']);
    const asked = await Promise.all(
      [every, corp, lab].map(async (server) => [...new Set(await server.asked())].sort()),
    );
    assert.deepEqual(asked, [[names[2]], ['3.2.1.10.in-addr.arpa', names[0]].sort(), [names[1]]], when);
  };

  assert.equal(await found(machine, 'control.corp.example'), FROM_CORP);
  assert.equal(await found(machine, 'control.lab.example'), FROM_EVERY);
  const init = await machine.run(['agent', 'init', '--output', '-']);
  assert.match(init.stdout, /#.*corp\.example.*10\.77\.0\.12.*theirs\.dns-delegate:3/, init.stdout + init.stderr);

  await machine.write('/etc/holdfast/agent.yaml', yaml());
  const refused = await machine.run(['agent', 'apply']);
  assert.equal(refused.code, 4, refused.stdout + refused.stderr);
  assert.match(
    refused.stdout + refused.stderr,
    /theirs\.dns-delegate:3 gives systemd-resolved servers for corp\.example/,
  );
  assert.equal(machine.exists(`${FILES}/holdfast-split-1.dns-delegate`), false);
  await machine.sh(`rm ${THEIRS}`);

  assert.match(await machine.sh('agent apply'), PENDING);
  assert.equal((await splitMoments(machine)).now?.state, 'drifted');
  await readAgain();
  await splits('told');
  assert.equal((await splitMoments(machine)).now?.state, 'ok');
  assert.doesNotMatch(await machine.sh('cat /run/systemd/resolve/resolv.conf'), /10\.77\.0\.1[23]/);
  const depends = JSON.parse((await machine.run(['agent', 'depends', '--json', LAB])).stdout);
  const seen = JSON.stringify(depends);
  assert.match(seen, /delegate holdfast-split-2/, seen);
  assert.match(seen, /holdfast-split-2\.dns-delegate:3/, seen);
  await machine.sh('systemctl enable holdfast-apply');
  await machine.reboot();
  await splits('booted');
  assert.equal((await machine.run(['agent', 'plan'])).code, 0);

  await machine.write('/etc/holdfast/agent.yaml', yaml('new.example'));
  assert.match(await machine.sh('agent apply'), PENDING);
  await readAgain();
  await splits('renamed', 'new.example');
  assert.equal(await found(machine, 'renamed.corp.example'), FROM_EVERY);

  await machine.write('/etc/holdfast/agent.yaml', yaml('new.example').replace(/.*lab\.example.*\n/, ''));
  assert.match(await machine.sh('agent apply'), PENDING);
  await readAgain();
  assert.equal(await found(machine, 'left.lab.example'), FROM_EVERY);
  assert.equal((await splitMoments(machine)).now?.state, 'ok');

  assert.match((await machine.run(['agent', 'revert'])).stdout, PENDING);
  assert.equal(machine.exists(`${FILES}/holdfast-split-1.dns-delegate`), false);
  await readAgain();
  assert.equal(await found(machine, 'reverted.new.example'), FROM_EVERY);
});
