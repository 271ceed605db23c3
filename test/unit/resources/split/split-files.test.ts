/** The files of dns.split as dnsmasq and unbound read them, and where they are put. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { DesiredSplit } from '../../../../agent/config/desired.ts';
import { Host } from '../../../../agent/host/host.ts';
import type { Process } from '../../../../agent/host/process/processes.ts';
import { dnsmasqServersText, dnsmasqSplitFiles } from '../../../../agent/resources/split/dnsmasq-split.ts';
import { unboundSplitFile } from '../../../../agent/resources/split/unbound-conf.ts';
import { unboundSplitText } from '../../../../agent/resources/split/unbound-split.ts';
import { accepted } from '../../../parts/accepted.ts';
import { scratch } from '../../../parts/scratch.ts';

const SPLIT: DesiredSplit[] = accepted([
  { domains: ['corp.example', '1.10.in-addr.arpa'], servers: ['10.0.0.2', 'fe80::1%eth0'], verify: null },
  { domains: ['lab.example'], servers: ['2001:db8::2'], verify: null },
]);

const process = (...args: string[]): Process => ({ pid: 7, arguments: args, started: 0, sinceBoot: 0 });

test('dns.split: dnsmasq gets a line for each domain and server', () => {
  const lines = dnsmasqServersText(SPLIT).split('\n').slice(1, -1);
  assert.deepEqual(lines, [
    'server=/corp.example/10.0.0.2',
    'server=/corp.example/fe80::1%eth0',
    'server=/1.10.in-addr.arpa/10.0.0.2',
    'server=/1.10.in-addr.arpa/fe80::1%eth0',
    'server=/lab.example/2001:db8::2',
  ]);
});

test('dns.split: unbound answers no longer itself for a private network', () => {
  const text = unboundSplitText(SPLIT);
  assert.deepEqual(text.match(/local-zone: .*/g), ['local-zone: "1.10.in-addr.arpa." transparent']);
  assert.equal(text.match(/domain-insecure: /g)?.length, 3);
  assert.match(text, /forward-zone:\n {2}name: "lab\.example\."\n {2}forward-addr: 2001:db8::2\n$/);
});

test('dns.split: the folder is one whose files this dnsmasq reads', async (t) => {
  const root = scratch(t, { 'etc/dnsmasq.conf': 'conf-dir=/etc/more/,*.conf\n' });
  const host = new Host({ root });
  const folder = (...args: string[]) => dnsmasqSplitFiles(host, process('dnsmasq', ...args)).conf;
  assert.equal(folder(), '/etc/more/holdfast-split.conf');
  assert.equal(folder('-7', '/etc/a,.conf', '--conf-dir=/etc/b,.bak'), '/etc/b/holdfast-split.conf');
  assert.throws(() => folder('-C', '/dev/null', '-7', '/etc/a,*.txt'), /dnsmasq\[7\] reads no folder/);
  assert.equal(dnsmasqSplitFiles(new Host({ root: scratch(t, {}) }), null).conf, '/etc/dnsmasq.d/holdfast-split.conf');
});

test('dns.split: the folder is one that this unbound includes at its top', async (t) => {
  const root = scratch(t, {
    'etc/unbound/unbound.conf':
      'server:\n  include: /etc/unbound/local.d/*.conf\ninclude: "/etc/unbound/conf.d/*.conf"\n',
    'opt/u.conf': 'include-toplevel: "/opt/top/*.conf"\ninclude: "/opt/last/*.conf"\n',
    'opt/none.conf': 'server:\n',
  });
  const host = new Host({ root });
  assert.equal(unboundSplitFile(host, null), '/etc/unbound/conf.d/holdfast-split.conf');
  assert.equal(unboundSplitFile(host, process('unbound', '-d', '-c', '/opt/u.conf')), '/opt/top/holdfast-split.conf');
  assert.throws(() => unboundSplitFile(host, process('unbound', '-c/opt/none.conf')), /includes no folder/);
});
