/** What the next lease event of udhcpc brings, without Holdfast and with it, by the offer that our lines recorded. */
import assert from 'node:assert/strict';
import { utimesSync } from 'node:fs';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { knownLeases, leaseForecasts } from '../../../../agent/clients/holders.ts';
import { placeInShell } from '../../../../agent/resolver/marked-block.ts';
import { desiredOf, patientHost, START_2001 } from '../../../parts/doctor-patient.ts';

const RECORD = 'run/holdfast/udhcpc.eth1';
const CONF = 'etc/udhcpc/udhcpc.conf';
const OFFER =
  'ip=10.0.0.5\nlease=600\nserverid=10.0.0.1\nrouter=10.0.0.1 10.0.0.2\ndns=10.0.0.53 x\ndomain=old.example\nntpsrv=10.0.0.3\n';
const DESIRED = desiredOf('dns: { nameservers: [10.0.0.21] }\ndhcp: { interfaces: { eth1: { ignore: [routers] } } }\n');

interface Recorded {
  readonly offer?: string;
  readonly conf?: string;
  /** Seconds after udhcpc's start. */
  readonly written?: number;
}

function hostWith(t: TestContext, { offer = OFFER, conf = placeInShell('', ':\n'), written = 60 }: Recorded = {}) {
  const files = { [RECORD]: offer, [CONF]: conf };
  const host = patientHost(t, { files, others: { udhcpc: { 7: 'udhcpc -i eth1' } } });
  const time = START_2001 / 1000 + written;
  utimesSync(join(host.root, RECORD), time, time);
  return host;
}

test('forecast of udhcpc: the recorded offer comes, and ours where they are held', async (t) => {
  const [one, ...more] = await leaseForecasts(hostWith(t), DESIRED, () => true);
  assert.deepEqual(more, []);
  const without = {
    nameservers: ['10.0.0.53'],
    search: ['old.example'],
    routers: ['10.0.0.1', '10.0.0.2'],
    ntp: ['10.0.0.3'],
  };
  assert.deepEqual(one?.without, without);
  assert.deepEqual(one?.with, { ...without, nameservers: ['10.0.0.21'], routers: [] });
  assert.deepEqual(
    [one?.program, one?.pid, one?.interface, one?.family, one?.address, one?.stale],
    ['udhcpc', 7, 'eth1', 4, '10.0.0.5', null],
  );
  assert.equal(one?.renews, START_2001 + 360_000, 'half of the lease after the record');
  const [unheld] = await leaseForecasts(hostWith(t), DESIRED, () => false);
  assert.deepEqual(unheld?.with, without);
});

test('forecast of udhcpc: a search list, classless routes, a short, endless or unknown lease, another RESOLV_CONF=no', async (t) => {
  const offer = `${OFFER}search=b.example c.example\nstaticroutes=10.1.0.0/16 10.0.0.7 0.0.0.0/0 10.0.0.8\n`;
  const seen = async (recorded: Recorded) => (await leaseForecasts(hostWith(t, recorded), DESIRED, () => false))[0];
  const { without } = (await seen({ offer }))!;
  assert.deepEqual([without.search, without.routers], [['b.example', 'c.example'], ['10.0.0.8']]);
  const renews = async (lease: string) => (await seen({ offer: OFFER.replace('lease=600\n', lease) }))?.renews;
  assert.equal(await renews('lease=4\n'), START_2001 + 68_000);
  assert.deepEqual(
    [await renews('lease=4294967295\n'), await renews(''), await renews('lease=x\n')],
    [null, null, null],
  );
  const left = await seen({ conf: placeInShell('RESOLV_CONF="no"\n', ':\n') });
  assert.deepEqual([left?.without.nameservers, left?.without.search], [null, null]);
});

test('leases of udhcpc: what is recorded; unknown without a record, with an earlier one, or without our lines', async (t) => {
  const { leases, unknown } = await knownLeases(hostWith(t));
  assert.deepEqual(unknown, []);
  assert.deepEqual(leases, [
    {
      program: 'udhcpc',
      who: 'udhcpc[7] on eth1',
      where: `/${RECORD}`,
      nameservers: ['10.0.0.53'],
      gateways: ['10.0.0.1', '10.0.0.2'],
      timeServers: ['10.0.0.3'],
      server: '10.0.0.1',
      duration: 600,
    },
  ]);
  for (const recorded of [{ offer: 'dns=10.0.0.1\n' }, { written: -60 }, { conf: '' }]) {
    const host = hostWith(t, recorded);
    assert.deepEqual((await knownLeases(host)).unknown, ['udhcpc[7] on eth1 runs, and no lease of it is recorded']);
    assert.deepEqual(await leaseForecasts(host, DESIRED, () => true), []);
  }
});
