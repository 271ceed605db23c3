/**
 * The outage behind Holdfast, replayed as a fleet of 20 real hosts. On one, dhclient brings the old name server back; on
 * one, a daemon with c-ares keeps it; one falls silent; one has never been seen. The verdict names exactly these four.
 * The old server is stopped only when all are cured, and then no look-up fails. Stopped earlier, the four lose their DNS.
 */
import assert from 'node:assert/strict';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import type { RetireAnswer } from '../../agent/collector/api.ts';
import { CARES_DAEMON, CaresDaemon, caresProgram } from '../parts/lab/cares-daemon.ts';
import { Dhclient } from '../parts/lab/dhcp.ts';
import { FleetHub, holding, type Member, NAME, NEW, OLD, SWITCH_OFF } from '../parts/lab/fleet.ts';
import { unavailable } from '../parts/lab/host.ts';
import { CARES_LIBRARY } from '../parts/lab/keepers.ts';
import type { Log } from '../parts/lab/log.ts';
import { REPOSITORY } from '../parts/repository.ts';
import { scratch } from '../parts/scratch.ts';

const skip =
  unavailable({ nft: 'nftables', openssl: 'openssl', python3: 'python3' }) ||
  (existsSync(CARES_LIBRARY) ? false : 'needs libc-ares2');
const WELL = Array.from({ length: 16 }, (_, n) => `web-${n + 1}`);
const FOUR = ['stale', 'keeper', 'silent', 'never-seen'] as const;
/** The guide's case is this fleet: it shows what is printed here. */
const GUIDE = join(REPOSITORY, 'docs/guide-retire.md');
/** Hosts that start at a time: a daemon's start is work for one processor. */
const AT_ONCE = 3;

test('fleet: not safe with exactly four hosts, then unknown, then safe; then the old server stops, and no look-up fails', {
  skip,
}, async (t) => {
  const program = caresProgram(scratch(t));
  await using hub = await FleetHub.create([...WELL, ...FOUR]);
  const { members, client, daemon } = await change(hub, program);
  const [stale, keeper, silent, never] = FOUR.map((name) => members.get(name)!) as [Member, Member, Member, Member];

  await hub.until((answer) => isAbout(answer, 'keeper stale', 'never-seen'));
  await fallSilent(silent);
  const first = await hub.until((answer) => isAbout(answer, 'keeper stale', 'never-seen silent'));
  assert.equal(first.verdict, 'not-safe');
  assert.equal(first.hosts, 20);
  const [ofKeeper, ofStale] = first.dependents.hosts.toSorted((a, b) => (a.name < b.name ? -1 : 1));
  const [kept, ...more] = ofKeeper!.dependences;
  assert.deepEqual([kept?.tense, more.length], ['holder', 0]);
  assert.ok(kept!.who.startsWith(`${CARES_DAEMON}[`) && /c-ares .* never reads resolv\.conf again/.test(kept!.reason));
  const lease = ofStale!.dependences.find(({ tense }) => tense === 'lease');
  assert.match(lease?.who ?? '', /^dhclient\[\d+\] on eth0/);
  const reasons = new Map(first.unseen.hosts.map((host) => [host.name, host.reasons.join(' ')]));
  assert.match(reasons.get('silent')!, /^It is silent/);
  assert.match(reasons.get('never-seen')!, /never reported/);
  assert.equal(
    steady(await refused(hub, 2, /^Not safe: 2 of 20 hosts depend on 10\.77\.0\.11/)),
    steady(shownIn(GUIDE, 1)),
  );

  await daemon.stop();
  const cured = await CaresDaemon.start(keeper.host, program);
  await restart(keeper);
  const second = await hub.until((answer) => isAbout(answer, 'stale', 'never-seen silent'));
  assert.equal(second.verdict, 'not-safe');
  await restart(stale);
  const third = await hub.until((answer) => isAbout(answer, '', 'never-seen silent'));
  assert.equal(third.verdict, 'unknown');
  assert.equal(steady(await refused(hub, 4, /^Unknown: .* 2 hosts could not be seen/)), steady(shownIn(GUIDE, 2)));
  await silent.run(holding(NEW));
  const fourth = await hub.until((answer) => isAbout(answer, '', 'never-seen'));
  assert.equal(fourth.verdict, 'unknown');
  await refused(hub, 4, /^Unknown: .* 1 host could not be seen \(never-seen\)/);
  await never.run(holding(NEW));
  const last = await hub.until(({ verdict }) => verdict === 'safe');
  assert.equal(last.hosts, 20);

  // Every host looks names up all the time, before the end of the old server and after it.
  const all = [...members.values()].map((member) => member.lookUps());
  await each(all, (log) => log.indexOf(/./, 3));
  const { code, stdout } = await hub.switchOff();
  assert.match(stdout, /^Safe: none of 20 hosts depends on 10\.77\.0\.11/);
  assert.deepEqual([code, hub.oldRuns], [0, false]);
  assert.equal(steady(stdout), steady(shownIn(GUIDE, 3)));
  const before = all.map(({ lines }) => lines.length);
  await client.leased(2);
  let asked = 0;
  for (; asked < 10; asked += 1) assert.ok(await cured.finds(NAME), `question ${asked} of the c-ares daemon`);
  await each(all, (log, n) => log.indexOf(/./, before[n]! + 20));
  const lost = [...members.keys()].filter((_, n) => all[n]!.count(/lost/) > 0);
  assert.deepEqual(lost, []);
  const count = all.reduce((sum, log, n) => sum + log.count(/found/) - before[n]!, 0);
  t.diagnostic(`${count} look-ups by 20 hosts and ${asked} by c-ares after the end of the old server, none failed`);
});

test('fleet: the control: the old server stops in spite of the verdict, and the same four lose their look-ups', {
  skip,
}, async (t) => {
  await using hub = await FleetHub.create([...WELL, ...FOUR]);
  const { members, daemon } = await change(hub, caresProgram(scratch(t)));
  await fallSilent(members.get('silent')!);
  await refused(hub, 2, /^Not safe/);
  await hub.stopOld();
  const names = [...members.keys()];
  const all = [...members.values()].map((member) => member.lookUps());
  await each(all, (log) => log.indexOf(/./, 4));
  const lost = names.filter((_, n) => all[n]!.count(/found/) === 0);
  const found = names.filter((_, n) => all[n]!.count(/lost/) === 0);
  assert.deepEqual(lost.toSorted(), ['never-seen', 'silent', 'stale']);
  assert.deepEqual(found.toSorted(), [...WELL, 'keeper'].sort());
  // On `keeper` only the daemon that keeps the old server is lost.
  assert.equal(await daemon.finds(NAME), false);
});

/** A fleet that depends on the old server, and then the change to the new one, as far as it went in the outage. */
async function change(hub: FleetHub, program: Buffer | string) {
  const members = new Map<string, Member>();
  for (const [n, name] of [...WELL, ...FOUR].entries()) {
    members.set(name, await hub.join(name, name === 'stale' ? null : `10.77.0.${40 + n}`));
  }
  const [stale, keeper] = FOUR.map((name) => members.get(name)!) as [Member, Member, Member, Member];
  const client = Dhclient.start(stale.host);
  await client.leased();
  // On `stale` nobody has told Holdfast which name servers to hold.
  const seen = [...members.values()].filter(({ name }) => name !== 'never-seen');
  await eachOf(seen, (member) => member.run(member === stale ? '' : holding(OLD)));
  const all = seen.map(({ name }) => name);
  await hub.until((answer) => isAbout(answer, all.sort().join(' '), 'never-seen'));

  const daemon = await CaresDaemon.start(keeper.host, program);
  const changed = seen.filter((member) => member !== stale);
  for (const member of changed) await member.change(holding(NEW));
  await stale.editResolvConf(NEW);
  for (const { host } of changed) while (!(await host.read('/etc/resolv.conf')).includes(NEW)) await pause();
  await client.leased();
  assert.match(await stale.host.read('/etc/resolv.conf'), new RegExp(`nameserver ${OLD}`));
  return { members, client, daemon };
}

/** The agent dies, and another program writes the old server into resolv.conf: nobody hears of that. */
async function fallSilent(member: Member): Promise<void> {
  await member.kill();
  await member.editResolvConf(OLD);
}

/** `agent retire … && stop`: the exit status is this, the command says so, and the old server runs on. */
async function refused(hub: FleetHub, status: number, words: RegExp): Promise<string> {
  const { code, stdout } = await hub.switchOff();
  assert.match(stdout, words);
  assert.deepEqual([code, hub.oldRuns], [status, true]);
  return stdout;
}

/** What the guide shows below its `nth` run of SWITCH_OFF. */
function shownIn(guide: string, nth: number): string {
  const [, ...runs] = readFileSync(guide, 'utf8').split(`$ ${SWITCH_OFF}\n`);
  return runs[nth - 1]!.split('```')[0]!;
}

/** Without process ids, times and durations, which differ from run to run. */
function steady(text: string): string {
  return text
    .trimEnd()
    .replace(/\[\d+\]/g, '[PID]')
    .replace(/\d{4}-\d\d-\d\dT[\d:]+Z/g, 'TIME')
    .replace(/\d+ (s|min|h|days?)(?= ago)/g, 'DURATION');
}

/** Makes a host hold the new name server. A daemon looks at its start, and otherwise every five minutes. */
async function restart(member: Member): Promise<void> {
  await member.stop();
  await member.run(holding(NEW));
}

function isAbout({ dependents, unseen }: RetireAnswer, depend: string, notSeen: string): boolean {
  return names(dependents.hosts) === depend && names(unseen.hosts) === notSeen;
}

const names = (hosts: readonly { readonly name: string }[]) =>
  hosts
    .map(({ name }) => name)
    .sort()
    .join(' ');

/** Some at a time. */
async function eachOf<T>(all: readonly T[], work: (one: T) => Promise<void>): Promise<void> {
  const left = [...all];
  const worker = async () => {
    for (let one = left.shift(); one !== undefined; one = left.shift()) await work(one);
  };
  await Promise.all(Array.from({ length: AT_ONCE }, worker));
}

async function each(logs: readonly Log[], work: (log: Log, index: number) => Promise<unknown>): Promise<void> {
  await Promise.all(logs.map(work));
}

const pause = () => new Promise((resolve) => setTimeout(resolve, 50));
