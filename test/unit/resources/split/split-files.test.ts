/** The files of dns.split as dnsmasq and unbound read them, and where they are put. */
import assert from 'node:assert/strict';
import { chmodSync, chownSync, symlinkSync, writeFileSync } from 'node:fs';
import { test } from 'node:test';
import type { DesiredSplit } from '../../../../agent/config/desired.ts';
import { Host } from '../../../../agent/host/host.ts';
import type { Process } from '../../../../agent/host/process/processes.ts';
import { dnsmasqServersText, dnsmasqSplitFiles } from '../../../../agent/resources/split/dnsmasq-split.ts';
import { dnsmasqComplaint } from '../../../../agent/resources/split/dnsmasq-split-check.ts';
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

test('dns.split: a path that others than root may change is not gone by, whoever names it', (t) => {
  const root = scratch(t, {
    'srv/open/d.conf': 'conf-dir=/etc/a\n',
    'srv/open/u.conf': 'include-toplevel: "/opt/top/*.conf"\n',
    'etc/a/x.conf': '',
    'etc/conf.d/x.conf': '',
    'etc/own.conf': 'conf-dir=/etc/a\n',
    'etc/to-open.conf': 'conf-dir=/srv/open\n',
    'etc/shared.conf': 'conf-dir=/etc/a\n',
    'etc/unbound.conf': 'include-toplevel: "/etc/conf.d/*.conf"\n',
  });
  chmodSync(`${root}/srv/open`, 0o777);
  chmodSync(`${root}/etc/shared.conf`, 0o664);
  chmodSync(`${root}/etc/conf.d`, 0o775);
  symlinkSync('../srv/open/d.conf', `${root}/etc/link.conf`);
  const host = new Host({ root });
  const dnsmasq = (...args: string[]) => dnsmasqSplitFiles(host, process('dnsmasq', ...args)).conf;
  const unbound = (file: string) => unboundSplitFile(host, process('unbound', '-c', file));
  assert.equal(dnsmasq('-C', '/etc/own.conf'), '/etc/a/holdfast-split.conf', 'control');
  assert.throws(() => dnsmasq('-C', '/srv/open/d.conf'), /dnsmasq\[7\] reads .* and \/srv\/open on the way there may/);
  assert.throws(() => dnsmasq('-C/etc/link.conf'), /\/srv\/open on the way there may be written/);
  assert.throws(() => dnsmasq('--conf-file=/etc/shared.conf'), /which may be written by other users than root/);
  assert.throws(() => dnsmasq('-7', '/srv/open,*.conf', '-7', '/etc/a'), /reads \/srv\/open, which may be written/);
  assert.throws(() => dnsmasq('-C', '/etc/to-open.conf'), /reads \/srv\/open, which may be written/);
  assert.throws(() => dnsmasq('-7', '/etc/a\nconf-script=x'), /"\/etc\/a\\nconf-script=x", which is no plain path/);
  assert.throws(() => dnsmasq('-C', 'own.conf'), /no plain path/);
  assert.throws(() => unbound('/srv/open/u.conf'), /unbound\[7\] reads .* and \/srv\/open on the way there may/);
  assert.throws(() => unbound('/etc/unbound.conf'), /reads \/etc\/conf\.d, which may be written/);
  if (globalThis.process.geteuid?.() !== 0) return;
  chownSync(`${root}/etc/own.conf`, 12345, 0);
  assert.throws(() => dnsmasq('-C', '/etc/own.conf'), /which belongs to user 12345/);
});

test('dns.split: dnsmasq checks our text alone, and a second servers-file is found without it', (t) => {
  const root = scratch(t, {
    'etc/own.conf': '# theirs\nconf-dir=/etc/a,.bak\n',
    'etc/a/x.conf': 'conf-file=/etc/more.conf\n',
    'etc/a/old.bak': 'servers-file=/etc/s\n',
    'etc/a/.y.conf': 'servers-file=/etc/s\n',
    'etc/more.conf': 'port=53\n',
    'etc/rival.conf': 'conf-dir=/etc/a\n servers-file = /etc/s\n',
    'etc/script.conf': 'conf-dir=/etc/a,.bak\nconf-script=/bin/touch /run/ran\n',
    'etc/glob.conf': 'conf-file=/etc/*.conf\n',
  });
  const runs: (readonly string[])[] = [];
  class Quiet extends Host {
    override run(program: string, args: readonly string[]) {
      runs.push([program, ...args]);
      return { status: 0, stdout: '', stderr: '' } as ReturnType<Host['run']>;
    }
  }
  const ours = '/etc/a/holdfast-split.conf';
  const complaint = (...args: string[]) => dnsmasqComplaint(new Quiet({ root }), ours, '', process('dnsmasq', ...args));
  assert.equal(complaint('-C', '/etc/own.conf'), null, 'control');
  assert.match(complaint('-C', '/etc/rival.conf') ?? '', /one servers-file only, and \/etc\/rival\.conf names one/);
  assert.match(complaint('-C', '/etc/own.conf', '-7', '/etc/a') ?? '', /old\.bak names one/);
  assert.match(complaint('-C', '/etc/own.conf', '--servers-file=/etc/s') ?? '', /its command line names one/);
  assert.match(complaint('-C', '/etc/script.conf') ?? '', /script\.conf has conf-script, and Holdfast does not run it/);
  assert.match(complaint('-C', '/etc/own.conf', '--conf-script=x') ?? '', /its command line has conf-script/);
  assert.match(complaint('-C', '/etc/glob.conf') ?? '', /cannot follow/);
  writeFileSync(`${root}/etc/more.conf`, 'servers-file=/etc/s\n');
  assert.match(complaint('-C', '/etc/own.conf') ?? '', /more\.conf names one/);
  assert.deepEqual([...new Set(runs.map((run) => run.join(' ')))], ['dnsmasq --test --conf-file=-']);
});
