/** The probe of the kernel's limits: what it counts against which limit, and when it warns. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { limitsProbe } from '../../../probes/limits-probe.ts';
import type { Reading } from '../../../probes/probe.ts';

const ARP = `entries  allocs   destroys hash_grows table_fulls
00000338  00000001 00000000 00000000 00000002
00000338  00000001 00000000 00000000 00000003
`;
const SOCKETS = `sockets: used 5
TCP: inuse 2 orphan 0 tw 0 alloc 17 mem 143
UDP: inuse 1 mem 950
UDPLITE: inuse 0
`;
const FILES = { '/proc/net/stat/arp_cache': ARP, '/proc/net/sockstat': SOCKETS };
const SYSCTLS = {
  'net/ipv4/neigh/default/gc_thresh3': '1024',
  'net/netfilter/nf_conntrack_count': '300',
  'net/netfilter/nf_conntrack_max': '1000',
  'net/ipv4/tcp_mem': '100\t200\t300',
  'net/ipv4/udp_mem': '500\t800\t1000',
};

async function look(
  files: Record<string, string>,
  sysctls: Record<string, string>,
  { spared = 0, version = '6.1.0-18-amd64' } = {},
): Promise<Reading[]> {
  const host = {
    readText: (path: string) => files[path] ?? null,
    sysctl: (path: string) => sysctls[path] ?? null,
  };
  return limitsProbe(host, { spared: async () => spared, version }).read(AbortSignal.timeout(1_000));
}

function told(readings: readonly Reading[]) {
  const used = readings.flatMap((reading) =>
    reading.kind === 'sample'
      ? [`${reading.metric.split('.').at(-1)} ${reading.attributes.resource} ${reading.value}`]
      : [],
  );
  const bodies = readings.flatMap((reading) =>
    reading.kind === 'condition' ? [`${reading.code}: ${reading.body}`] : [],
  );
  return { used: used.filter((text) => !text.startsWith('utilization')), bodies };
}

test('limits: neighbours, tracked connections and memory of sockets are compared with their limits', async () => {
  const { used, bodies } = told(await look(FILES, SYSCTLS));
  assert.deepEqual(used, [
    'used neighbors 824',
    'value neighbors 1024',
    'used conntrack 300',
    'value conntrack 1000',
    'used tcp-memory 143',
    'value tcp-memory 300',
    'used udp-memory 950',
    'value udp-memory 1000',
  ]);
  assert.deepEqual(bodies, [
    'kernel-limit-near: 824 of 1024 IPv4 neighbours that net.ipv4.neigh.default.gc_thresh3 allows are in use. ' +
      'At the limit new neighbours cannot be reached (ENOBUFS). Raise net.ipv4.neigh.default.gc_thresh3 in the configuration',
    "kernel-limit-near: 950 of 1000 pages of UDP's memory that net.ipv4.udp_mem allows are in use. " +
      'At the limit UDP drops data and refuses to send (ENOBUFS, ENOMEM). Raise net.ipv4.udp_mem in the configuration',
  ]);
});

test('limits: neighbours that a control plane made count against no limit, except before Linux 5.0', async () => {
  const files = { '/proc/net/stat/arp_cache': ARP };
  const { used, bodies } = told(await look(files, SYSCTLS, { spared: 800 }));
  assert.equal(used[0], 'used neighbors 24');
  assert.deepEqual(bodies, []);
  const old = told(await look(files, SYSCTLS, { spared: 800, version: '4.19.0-27-amd64' }));
  assert.equal(old.used[0], 'used neighbors 824');
  assert.equal(old.bodies.length, 1);
});

test('limits: what this kernel or namespace does not show is left out, and 0 is no limit', async () => {
  assert.deepEqual(await look({}, {}), []);
  assert.deepEqual(await look(FILES, {}), []);
  assert.deepEqual(await look({}, SYSCTLS).then((readings) => told(readings).used), [
    'used conntrack 300',
    'value conntrack 1000',
  ]);
  const unlimited = { ...SYSCTLS, 'net/netfilter/nf_conntrack_max': '0' };
  assert.deepEqual(await look({}, unlimited), []);
  const damaged = {
    '/proc/net/stat/arp_cache': 'entries\nzz\n',
    '/proc/net/sockstat': 'TCP: mem\nUDP: inuse 1 mem -4\n',
  };
  assert.deepEqual(told(await look(damaged, { ...SYSCTLS, 'net/ipv4/tcp_mem': 'x' })).used, [
    'used conntrack 300',
    'value conntrack 1000',
  ]);
});
