/**
 * The outage behind Holdfast, replayed as a fleet of real hosts: one whose dhclient still brings the old server, one with
 * a program that keeps it, one that falls silent, one that nobody has ever seen. The verdict names exactly these.
 */
import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import type { RetireAnswer } from '../../agent/collector/api.ts';
import { collector } from '../parts/collector-wire.ts';
import { Member } from '../parts/lab/fleet.ts';
import { LabHost, unavailable } from '../parts/lab/host.ts';
import { NEW, nameEverywhere, OLD, prepare, start } from '../parts/lab/keepers.ts';
import { AGENT_YAML, staleHost } from '../parts/lab/scene.ts';
import { scratch } from '../parts/scratch.ts';

const skip = unavailable({ nft: 'nftables', perl: 'perl-base' });
const WELL = `dns: { nameservers: [${NEW}] }\n`;
/** Milliseconds: each host looks at everything, on a machine that may be busy. */
const PATIENCE = 180_000;

test('fleet: not safe with exactly the hosts that keep the server, then unknown, then safe', { skip }, async (t) => {
  const writers = join(scratch(t), 'writers');
  writeFileSync(writers, 'may-write\n');
  const { url } = await collector(t, { writeTokenFile: writers });
  const headers = { authorization: 'Bearer may-write' };
  await fetch(`${url}/api/v1/expected`, { method: 'PUT', headers, body: '["never-seen"]' });

  await using well = await Member.join(await LabHost.create(), 'well', url);
  await using silent = await Member.join(await LabHost.create(), 'silent', url);
  const scene = await staleHost();
  await using stale = await Member.join(scene.host, 'stale', url);
  await using keeper = await Member.join(await LabHost.create(), 'keeper', url);

  await prepare(keeper.host);
  const history = { 'resolv.conf': [{ since: 0, until: Date.now() + 60_000, addresses: [OLD] }] };
  await keeper.host.write('/var/lib/holdfast/nameserver-history', JSON.stringify(history));
  await start(keeper.host, 'node');
  await nameEverywhere(keeper.host, NEW);

  for (const member of [well, silent, keeper]) await member.run(WELL);
  await stale.run(AGENT_YAML, { enforce: false });
  // Each has told what it depends on, before one falls silent. One that only observes has no ledger.
  await until(url, ({ unseen }) => names(unseen.hosts) === 'never-seen stale');
  await silent.kill();
  const first = await until(url, ({ unseen }) => names(unseen.hosts) === 'never-seen silent stale');
  assert.equal(first.verdict, 'not-safe');
  assert.equal(names(first.dependents.hosts), 'keeper stale');
  const [one, other] = first.dependents.hosts.toSorted((a, b) => (a.name < b.name ? -1 : 1));
  assert.deepEqual(tenses(one!), ['holder']);
  assert.ok(tenses(other!).includes('lease'), JSON.stringify(other));

  await stale.stop();
  await stale.run(AGENT_YAML);
  await start(keeper.host, 'node');
  // A daemon looks every five minutes, and at its start.
  await keeper.stop();
  await keeper.run(WELL);
  const second = await until(url, (answer) => {
    return answer.dependents.total === 0 && names(answer.unseen.hosts) === 'never-seen silent';
  });
  assert.equal(second.verdict, 'unknown');

  await silent.run(WELL);
  await fetch(`${url}/api/v1/hosts/never-seen`, { method: 'DELETE', headers });
  const last = await until(url, ({ verdict }) => verdict === 'safe');
  assert.equal(last.hosts, 4);
});

const names = (hosts: readonly { readonly name: string }[]) =>
  hosts
    .map(({ name }) => name)
    .sort()
    .join(' ');

function tenses({ dependences }: RetireAnswer['dependents']['hosts'][number]): string[] {
  return [...new Set(dependences.map(({ tense }) => tense))];
}

/** The verdict as soon as it is as wanted. Fails with the last one. */
async function until(url: string, wanted: (answer: RetireAnswer) => boolean): Promise<RetireAnswer> {
  const end = Date.now() + PATIENCE;
  for (;;) {
    const response = await fetch(`${url}/api/v1/retire?address=${OLD}`);
    const answer = (await response.json()) as RetireAnswer;
    if (wanted(answer)) return answer;
    if (Date.now() > end) assert.fail(JSON.stringify(answer, null, 2));
    await new Promise((resolve) => setTimeout(resolve, 500));
  }
}
