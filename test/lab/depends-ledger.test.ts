/** `agent depends` says "nothing" only while the kernel really counted everybody for the whole time. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { DependsAnswer } from '../../agent/depends/dependence.ts';
import { Askers, askedOn, NOBODY, SERVER } from '../parts/lab/asker.ts';
import { RunningAgent } from '../parts/lab/daemon.ts';
import { LabHost, unavailable } from '../parts/lab/host.ts';

const skip = unavailable({ nft: 'nftables', perl: 'perl-base', setpriv: 'util-linux' });
const CONFIG = '/etc/holdfast/agent.yaml';
const DAYS = 2 * 86_400_000;

/** A host that depends on no server, with a ledger for SERVER. */
async function counting(host: LabHost): Promise<void> {
  await host.write('/etc/resolv.conf', `nameserver ${NOBODY}\n`);
  await host.write(CONFIG, `retire: [${SERVER}]\n`);
  await host.sh('agent apply');
}

/** Changes the record, so that the ledger seems to have counted for two days. */
async function age(host: LabHost): Promise<void> {
  const record = JSON.parse(await host.read('/run/holdfast/ledger'));
  for (const one of Object.values<{ since: number; addresses: Record<string, number> }>(record)) {
    one.since -= DAYS;
    for (const address of Object.keys(one.addresses)) one.addresses[address]! -= DAYS;
  }
  await host.write('/run/holdfast/ledger', JSON.stringify(record), 0o600);
}

async function depends(host: LabHost, address = SERVER): Promise<{ code: number | null; reasons: string[] }> {
  const { code, stdout } = await host.agent('depends', address, '--json');
  return { code, reasons: (JSON.parse(stdout) as DependsAnswer).unseen.map(({ reason }) => reason) };
}

test('depends and ledger: a host that counted for two days without an asker does not depend on the address under retire', {
  skip,
}, async () => {
  await using host = await LabHost.create();
  await using askers = await Askers.on(host);
  await counting(host);
  assert.match((await depends(host)).reasons.join(), /counts who asks 10\.77\.0\.1 only since/);
  await age(host);
  assert.deepEqual(await depends(host), { code: 0, reasons: [] });
  await askers.ask();
  assert.equal((await depends(host)).code, 2);
});

test('depends and ledger: a saved ruleset that is loaded again begins the count anew, although its text is the same', {
  skip,
}, async () => {
  await using host = await LabHost.create();
  await using askers = await Askers.on(host);
  await counting(host);
  await host.sh('(echo flush ruleset; nft list ruleset) >/run/lab/ruleset');
  await age(host);
  await askers.ask();
  // `systemctl reload nftables` does the same.
  await host.sh('nft -f /run/lab/ruleset');
  const { code, reasons } = await depends(host);
  assert.equal(code, 4, 'the asker is forgotten');
  assert.match(reasons.join(), /another program/);
  const { since, conditions } = await askedOn(host);
  assert.deepEqual([since.size, conditions.map((one) => one.code)], [0, ['ledger-gone']]);

  const before = Date.now();
  const agent = await RunningAgent.start(host);
  const { since: anew } = await askedOn(host);
  assert.ok(anew.get(SERVER)! * 1000 >= before - 1000, 'the daemon counts from now on');
  await age(host);
  await host.sh('nft -f /run/lab/ruleset');
  await agent.event('holdfast.heal');
  assert.match((await depends(host)).reasons.join(), /only since/);
  await agent.stop();
});

test('depends and ledger: a table that lost its rules, or whose change was refused, counts nobody', {
  skip,
}, async () => {
  await using host = await LabHost.create();
  await using _ = await Askers.on(host);
  await counting(host);
  await age(host);
  await host.sh('nft flush table inet holdfast_retire');
  const flushed = await depends(host);
  assert.equal(flushed.code, 4);
  assert.match(flushed.reasons.join(), /another program changed the ledger/);

  await host.sh(`rm -f /usr/sbin/nft; echo 'retire: [${SERVER}, 10.77.0.7]' >${CONFIG}`);
  assert.match((await host.agent('apply')).stdout, /nft is missing/);
  await age(host);
  assert.equal((await depends(host, '10.77.0.7')).code, 4);
  assert.equal((await depends(host)).code, 4);
});

test('depends and ledger: a clock that was set forward does not make the count older', { skip }, async () => {
  await using host = await LabHost.create();
  await using _ = await Askers.on(host);
  await counting(host);
  // The clock of this machine cannot be set for one host, so the record says that it was two days behind then.
  const record = JSON.parse(await host.read('/run/holdfast/ledger'));
  record.retire.clock -= DAYS;
  record.retire.since -= DAYS;
  record.retire.addresses[SERVER] -= DAYS;
  await host.write('/run/holdfast/ledger', JSON.stringify(record), 0o600);
  const { code, reasons } = await depends(host);
  assert.equal(code, 4);
  assert.match(reasons.join(), /only since .* \(\d+ s\)/);
});

test('depends and ledger: another user is told that root can read the ledger', { skip }, async () => {
  await using host = await LabHost.create();
  await using _ = await Askers.on(host);
  await counting(host);
  const { code, stdout } = await host.run(['setpriv', '--reuid', '1', '--clear-groups', 'agent', 'depends', SERVER]);
  assert.equal(code, 4);
  assert.match(stdout, /ledger: not seen: .*run it as root/);
  assert.doesNotMatch(stdout, /no ledger runs/);
});
