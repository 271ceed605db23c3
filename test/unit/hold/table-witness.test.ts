/** Who changed an nftables table is named by the look that sees the change, whenever the kernel tells it. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { setImmediate } from 'node:timers/promises';
import type { Finding, State } from '../../../agent/hold/resource.ts';
import { TableWitness } from '../../../agent/hold/table-witness.ts';

const finding = (state: State): Finding => ({
  ...{ resource: 'masquerade', kind: 'table', key: 'inet holdfast', moment: 'now', state, wanted: '', actual: '' },
  settings: async () => [],
});

/** A witness that hears what the test says. */
async function listening() {
  const told: string[] = [];
  const witness = new TableWitness();
  const takeNames = () => told.splice(0);
  witness.follow(
    () => {},
    assert.fail,
    async () => () => ({ takeNames, close() {} }),
  );
  await setImmediate();
  assert.equal(witness.listens, true);
  return { witness, tell: (name: string) => void told.push(name) };
}

async function culprit(witness: TableWitness, look: () => State | Promise<State>): Promise<string | null | undefined> {
  const [only] = await witness.named(async () => [finding(await look())]);
  return only?.by;
}

test('table witness: a change that comes too late for a look is named by the next look', async () => {
  const { witness, tell } = await listening();
  const first = await culprit(witness, () => {
    tell('nft[2]');
    return 'ok';
  });
  assert.equal(first, undefined);
  assert.equal(await culprit(witness, () => 'drifted'), 'nft[2]');
});

test('table witness: a program that changed other tables before a look is not blamed for a later change', async () => {
  const { witness, tell } = await listening();
  tell('docker[1]');
  await culprit(witness, () => 'ok');
  tell('nft[2]');
  assert.equal(await culprit(witness, () => 'drifted'), 'nft[2]');
});

test('table witness: a name that the kernel tells after the look is waited for', async () => {
  const { witness, tell } = await listening();
  const named = culprit(witness, () => {
    setTimeout(() => tell('nft[3]'), 5);
    return 'drifted';
  });
  assert.equal(await named, 'nft[3]');
});

test('table witness: names are joined, four at most, and nobody is named where the kernel tells nothing', async () => {
  const { witness, tell } = await listening();
  for (let pid = 1; pid <= 6; pid += 1) tell(`nft[${pid}]`);
  const named = await culprit(witness, () => {
    tell('nft[1]');
    return 'drifted';
  });
  assert.equal(named, 'nft[1] or nft[2] or nft[3] or nft[4]');
  assert.equal(await culprit(witness, () => 'drifted'), null);
  assert.equal(await culprit(new TableWitness(), () => 'drifted'), null);
});
