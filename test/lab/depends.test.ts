/** Real programs that keep an old name server: `agent depends` names each, and each goes with its restart. */
import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import { test } from 'node:test';
import type { DependsAnswer } from '../../agent/depends/dependence.ts';
import { LabHost, unavailable } from '../parts/lab/host.ts';
import {
  askedFor,
  CARES_LIBRARY,
  NEEDED,
  NEW,
  nameEverywhere,
  OLD,
  prepare,
  STARTS,
  start,
} from '../parts/lab/keepers.ts';

const skip = unavailable(NEEDED) || (existsSync(CARES_LIBRARY) ? false : 'needs libc-ares2');

interface Answer extends DependsAnswer {
  readonly verdict: string;
}

async function depends(host: LabHost, ...args: string[]): Promise<Answer & { code: number | null }> {
  const { code, stdout } = await host.agent('depends', '--json', ...args);
  return { code, ...(JSON.parse(stdout) as Answer) };
}

/** `tense program` of each, without process ids. */
function told({ found }: DependsAnswer): string[] {
  const lines = found.map(({ tense, who }) => {
    return `${tense} ${who.replace(/\[\d+\].*/, '').replace(/^(pickup|qmgr)$/, 'Postfix in its chroot')}`;
  });
  return [...new Set(lines)].sort();
}

const EVERYBODY = [
  'boot HAProxy, at its next start',
  'boot Postfix in its chroot',
  ...['dnsmasq', 'nginx', 'unbound'].map((name) => `boot ${name}, at its next start`),
  'now Postfix in its chroot',
  'now dnsmasq',
  'now every program of this host that uses libc',
  'now haproxy',
  'now nginx',
  'now sleep',
  'now unbound',
];

/** What names each program when every file of the host names the new server, and no program was restarted. */
const KEEPERS: Readonly<Record<string, readonly string[]>> = {
  node: ['holder node'],
  'c-ares': ['holder python3'],
  nginx: ['holder nginx'],
  haproxy: ['holder haproxy'],
  dnsmasq: ['holder dnsmasq'],
  unbound: ['holder unbound'],
  postfix: ['now Postfix in its chroot', 'boot Postfix in its chroot'],
  container: ['now sleep'],
};

test('depends: eight real programs that keep an old server are named, and each goes with its restart', {
  skip,
}, async () => {
  await using host = await LabHost.create();
  await prepare(host);
  for (const program of Object.keys(STARTS)) await start(host, program);
  const before = await depends(host, OLD);
  assert.deepEqual([before.code, told(before)], [2, EVERYBODY]);

  await nameEverywhere(host, NEW);
  // The control: these two really ask the old server now, although no file names it.
  for (const program of ['node', 'cares']) await ask(host, program, `${program}.old.example`);
  assert.deepEqual(await askedFor(host, 'node.old.example'), [OLD]);
  assert.deepEqual(await askedFor(host, 'cares.old.example'), [OLD]);

  const left = new Map(Object.entries(KEEPERS));
  const expected = () => [...left.values()].flat().sort();
  assert.deepEqual(told(await depends(host, OLD)), expected());
  for (const program of Object.keys(STARTS)) {
    await start(host, program);
    left.delete(program);
    assert.deepEqual(told(await depends(host, OLD)), expected(), `${program} was restarted`);
  }
  for (const program of ['node', 'cares']) await ask(host, program, `${program}.new.example`);
  assert.deepEqual(await askedFor(host, 'node.new.example'), [NEW]);
  assert.deepEqual(await askedFor(host, 'cares.new.example'), [NEW]);

  // Nothing is left, and nothing counts who asks: that is unknown, not "no".
  const after = await depends(host, OLD);
  assert.deepEqual([after.code, after.verdict, after.found], [4, 'unknown', []]);
  assert.deepEqual(
    after.unseen.map(({ tense, source }) => `${tense} ${source}`),
    ['asked ledger'],
  );
});

test('depends: with the daemon’s record, a program is known to hold the list of its start, and no other', {
  skip,
}, async () => {
  await using host = await LabHost.create();
  await prepare(host);
  await host.write(
    '/var/lib/holdfast/nameserver-history',
    JSON.stringify({ 'resolv.conf': [{ since: 0, until: Date.now() + 60_000, addresses: [OLD] }] }),
  );
  await start(host, 'node');
  await nameEverywhere(host, NEW);
  assert.deepEqual(told(await depends(host, OLD)), ['holder node']);
  assert.deepEqual(told(await depends(host, '10.77.0.13')), []);
  const all = await depends(host);
  assert.deepEqual(
    all.found.filter(({ tense }) => tense === 'holder').map(({ address }) => address),
    [OLD],
  );
});

test('depends: a route through the address is named, in every table, also through a nexthop object', {
  skip,
}, async () => {
  await using host = await LabHost.create();
  await prepare(host);
  await host.sh(`
    ip route add 10.80.0.0/16 via ${OLD}
    ip route add 10.81.0.0/16 via ${OLD} table 77
    ip nexthop add id 5 via ${OLD} dev eth0 && ip route add 10.82.0.0/16 nhid 5
    ip route add 10.83.0.0/16 nexthop via ${NEW} nexthop via ${OLD}
    ip route add 10.84.0.0/16 via ${NEW}`);
  const { found } = await depends(host, OLD);
  const routes = found.filter(({ source }) => source === 'routes').map(({ where }) => where);
  assert.deepEqual(routes.sort(), [
    `10.80.0.0/16 via ${OLD} dev eth0`,
    `10.81.0.0/16 via ${OLD} dev eth0 table 77`,
    `10.82.0.0/16 via ${OLD} dev eth0`,
    `10.83.0.0/16 via ${OLD} dev eth0`,
  ]);
});

/** Has a program look a name up, and waits until a server was asked. */
async function ask(host: LabHost, program: string, name: string): Promise<void> {
  await host.sh(`echo ${name} >/run/lab/${program}.in
    until grep -qs ' ${name} ' /run/lab/${OLD}.log /run/lab/${NEW}.log; do sleep 0.02; done`);
}
