/** The probe of leases reports age, expiry, server and superseded options. */
import assert from 'node:assert/strict';
import { utimesSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import type { DesiredDhcp } from '../../../agent/config/desired.ts';
import { Host } from '../../../agent/host/host.ts';
import type { Process } from '../../../agent/host/process/processes.ts';
import { leasesProbe } from '../../../probes/leases-probe.ts';
import { accepted } from '../../parts/accepted.ts';
import { scratch } from '../../parts/scratch.ts';

/** A host whose processes are made up. */
class Made extends Host {
  readonly clients: Process[];
  constructor(root: string, clients: Process[]) {
    super({ root });
    this.clients = clients;
  }
  override processes(): Process[] {
    return this.clients;
  }
}

const WANTED: DesiredDhcp = accepted({
  global: {
    supersede: new Map([
      ['domain-name-servers', ['10.0.0.1', '10.0.0.2']],
      ['ntp-servers', ['10.0.0.9']],
      ['domain-name', ['example.com']],
    ]),
    request: null,
    ignore: [],
  },
  interfaces: new Map([['eth0', { supersede: new Map([['ntp-servers', ['10.0.0.8']]]), request: null, ignore: [] }]]),
});

const in10Minutes = new Date(Date.now() + 600_000);
const utc = (date: Date) => date.toISOString().replace(/-/g, '/').replace('T', ' ').slice(0, 19);
const LEASES = (expire: Date) => `lease {
  interface "eth0";
  fixed-address 10.77.0.100;
  option domain-name-servers 10.9.9.9;
  renew 4 ${utc(in10Minutes)};
  expire 4 ${utc(expire)};
}
`;
const RECORD =
  'reason=BOUND\tinterface=eth0\tpid=812\tdomain_name_servers=10.9.9.9\tntp_servers=10.0.0.8\tdhcp_server_identifier=10.77.0.1\n';

async function read(root: string, started: number) {
  const client = { pid: 812, arguments: ['dhclient', '-4', '-lf', '/var/lib/dhcp/l', 'eth0'], started, sinceBoot: 0 };
  const readings = await leasesProbe(new Made(root, [client]), WANTED).read(AbortSignal.timeout(60_000));
  const value = (metric: string, option?: string) =>
    readings.find((one) => one.kind === 'sample' && one.metric === metric && one.attributes.option === option);
  return { readings, value, codes: readings.flatMap((one) => (one.kind === 'condition' ? [one.code] : [])) };
}

function host(t: Parameters<typeof scratch>[0], expire = in10Minutes) {
  const root = scratch(t, {
    'etc/dhcp/dhclient.conf': '',
    'var/lib/dhcp/l': LEASES(expire),
    'run/holdfast/lease.eth0': RECORD,
  });
  utimesSync(join(root, 'run/holdfast/lease.eth0'), Date.now() / 1000 - 100, Date.now() / 1000 - 100);
  return root;
}

test('leases probe: it reports age, renewal, expiry, server and what the hook holds', async (t) => {
  const { value, codes, readings } = await read(host(t), Date.now() + 1000);
  const about = { interface: 'eth0', 'network.type': 'ipv4' };
  const age = value('holdfast.lease.age');
  assert.ok(age?.kind === 'sample' && age.value >= 100 && age.value < 1000);
  assert.deepEqual(age.attributes, { ...about, 'server.address': '10.77.0.1' });
  for (const metric of ['holdfast.lease.renew', 'holdfast.lease.expire']) {
    const left = value(metric);
    assert.ok(left?.kind === 'sample' && left.value > 0 && left.value <= 600, metric);
    assert.deepEqual(left.attributes, about);
  }
  const superseded = readings.flatMap((one) =>
    one.kind === 'sample' && one.metric === 'holdfast.lease.superseded' ? [[one.attributes.option, one.value]] : [],
  );
  assert.deepEqual(superseded, [
    ['domain-name-servers', 1],
    ['ntp-servers', 0],
  ]);
  assert.deepEqual(codes, []);
});

test('leases probe: a client with an older configuration is stale', async (t) => {
  const { value, codes } = await read(host(t), Date.now() - 60_000);
  const stale = value('holdfast.dhclient.stale');
  assert.ok(stale?.kind === 'sample' && stale.value === 1);
  assert.deepEqual(codes, ['stale-dhclient']);
});

test('leases probe: an expired lease is reported', async (t) => {
  const { codes } = await read(host(t, new Date(Date.now() - 5_000)), Date.now() + 1000);
  assert.deepEqual(codes, ['lease-expired']);
});

test('leases probe: without a client there is no sample', async (t) => {
  const probe = leasesProbe(new Made(host(t), []), WANTED);
  assert.deepEqual(await probe.read(AbortSignal.timeout(60_000)), []);
});
