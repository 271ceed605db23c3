/** dns.split as dns-delegate files of systemd-resolved 258: their text, what is refused, and what the running one asks. */
import assert from 'node:assert/strict';
import { symlinkSync } from 'node:fs';
import { type TestContext, test } from 'node:test';
import type { DesiredDns } from '../../../../agent/config/desired.ts';
import type { Finding } from '../../../../agent/hold/resource.ts';
import type { RunResult } from '../../../../agent/host/process/run-program.ts';
import { inspectSplit } from '../../../../agent/resources/split/inspect-split.ts';
import { resolvedFindings } from '../../../../agent/resources/split/resolved-split.ts';
import { accepted } from '../../../parts/accepted.ts';
import { FolderHost } from '../../../parts/doctor-patient.ts';
import { scratch } from '../../../parts/scratch.ts';

const SYSTEMD = { 'usr/lib/x86_64-linux-gnu/systemd/libsystemd-shared-258.so': '' };
const FOLDER = '/etc/systemd/dns-delegate.d';
const DNS: DesiredDns = accepted({
  domain: null,
  search: null,
  nameservers: null,
  sortlist: null,
  options: null,
  verify: null,
  symlink: 'refuse',
  split: [
    { domains: ['corp.example', '10.in-addr.arpa'], servers: ['10.0.0.2', '10.0.0.3'], verify: null },
    { domains: ['lab.example'], servers: ['10.0.0.4'], verify: null },
    { domains: ['more.example'], servers: ['10.0.0.3', '10.0.0.2'], verify: null },
  ],
});

/** The running systemd-resolved, as `resolvectl dns` and `resolvectl domain` show it. */
class ResolvedHost extends FolderHost {
  servers = 'Global:\n';
  domains = 'Global:\n';

  override run(_: string, [verb]: readonly string[]): RunResult {
    return { status: 0, stdout: verb === 'dns' ? this.servers : this.domains, stderr: '', error: null };
  }
}

async function findings(t: TestContext, files: Record<string, string> = {}, dns = DNS): Promise<Finding[]> {
  return resolvedFindings(new ResolvedHost(scratch(t, { ...SYSTEMD, ...files }), {}), dns, dns.split!);
}

async function refusal(t: TestContext, files: Record<string, string>, dns = DNS): Promise<string | undefined> {
  return (await findings(t, files, dns)).find(({ kind }) => kind === 'file')?.refusal;
}

test('dns.split: systemd-resolved 258 gets a dns-delegate file for each list of servers', async (t) => {
  const files = (await findings(t)).filter(({ kind }) => kind === 'file');
  assert.deepEqual(
    files.map(({ key, wanted, refusal }) => [key, wanted?.split('\n').slice(1), refusal]),
    [
      [
        `${FOLDER}/holdfast-split-1.dns-delegate`,
        ['[Delegate]', 'DNS=10.0.0.2 10.0.0.3', 'Domains=~corp.example ~10.in-addr.arpa ~more.example', ''],
        undefined,
      ],
      [
        `${FOLDER}/holdfast-split-2.dns-delegate`,
        ['[Delegate]', 'DNS=10.0.0.4', 'Domains=~lab.example', ''],
        undefined,
      ],
    ],
  );
});

test('dns.split: a domain that another file of systemd-resolved has is refused, with its place', async (t) => {
  const theirs = (domains: string, servers = 'DNS=10.9.9.9') => ({
    [`${FOLDER.slice(1)}/theirs.dns-delegate`]: `[Delegate]\n${servers}\nDomains=${domains}\n`,
  });
  assert.match(
    (await refusal(t, theirs('a.CORP.example.')))!,
    /theirs\.dns-delegate:3 gives .* for a\.CORP\.example\./,
  );
  assert.equal(await refusal(t, theirs('example')), undefined, 'the longer domain counts');
  assert.equal(await refusal(t, theirs('~corp.example', '')), undefined, 'without servers');
  const global = { 'etc/systemd/resolved.conf': '[Resolve]\nDNS=10.9.9.9\nDomains=~lab.example\n' };
  assert.match((await refusal(t, global))!, /resolved\.conf:3 gives .* for lab\.example/);
  const past = { 'etc/resolv.conf': 'nameserver 10.0.0.1\n' };
  assert.match((await refusal(t, past))!, /ask 10\.0\.0\.1 past systemd-resolved/);
});

test('dns.split: the running systemd-resolved has the delegates, and no other scope has their domains', async (t) => {
  const root = scratch(t, SYSTEMD);
  const reason = async (shown: { readonly servers?: string; readonly domains?: string }) => {
    // A host keeps the answers of resolvectl.
    const host = Object.assign(new ResolvedHost(root, {}), shown);
    const found = (await resolvedFindings(host, DNS, DNS.split!)).find(({ kind }) => kind === 'forwarder');
    return found?.state === 'ok' ? 'ok' : found!.reason!;
  };
  const [servers, domains] = [
    'Global:\nLink 2 (eth0): 10.0.0.1\nDelegate holdfast-split-2: 10.0.0.4\nDelegate holdfast-split-1: 10.0.0.3 10.0.0.2\n',
    'Global:\nLink 2 (eth0): dev.example\nDelegate holdfast-split-2: ~lab.example\nDelegate holdfast-split-1: ~corp.example ~more.example\n    ~10.in-addr.arpa\n',
  ];
  assert.match(await reason({}), /^pending: .* systemctl reload systemd-resolved$/);
  assert.equal(await reason({ servers, domains }), 'ok');
  assert.match(await reason({ servers, domains: domains.replace('~lab.example', '~old.example') }), /^pending: /);
  const gone = {
    servers: `${servers}Delegate holdfast-split-3: 10.0.0.5\n`,
    domains: `${domains}Delegate holdfast-split-3: ~old.example\n`,
  };
  assert.match(await reason(gone), /^pending: /);
  assert.match(
    await reason({ servers, domains: domains.replace('dev.example', 'lab.example') }),
    /^link eth0 has the domain lab\.example, so systemd-resolved asks 10\.0\.0\.1 for it/,
  );
  const global = {
    servers: servers.replace('Global:', 'Global: 10.0.0.9'),
    domains: domains.replace('Global:', 'Global: ~a.corp.example'),
  };
  assert.match(await reason(global), /^systemd-resolved itself has the domain ~a\.corp\.example.*systemctl restart/);
});

test('dns.split: a domain that dns.search has as well is refused', async (t) => {
  const dns = { ...DNS, search: accepted(['corp.example']) } as DesiredDns;
  assert.match((await refusal(t, {}, dns))!, /dns\.search has corp\.example/);
});

test('dns.split: the file of global servers stays while systemd-resolved of the earlier systemd runs', async (t) => {
  const old = '/etc/systemd/resolved.conf.d/holdfast-split.conf';
  const files = {
    [old.slice(1)]: '[Resolve]\nDNS=10.0.0.2\nDomains=~corp.example\n',
    'etc/resolv.conf': 'nameserver 127.0.0.53\n',
  };
  const root = scratch(t, { ...SYSTEMD, ...files });
  const look = async (shown: { readonly servers: string; readonly domains: string }) => {
    const others = { 'systemd-resolve': { 7: '/usr/lib/systemd/systemd-resolved' } };
    const found = await inspectSplit(Object.assign(new ResolvedHost(root, { others }), shown), DNS, [old]);
    return { removed: found.some(({ key }) => key === old), reason: found.at(-1)?.reason ?? '' };
  };
  const global = { servers: 'Global: 10.0.0.2\n', domains: 'Global: ~corp.example\n' };
  const before = await look(global);
  assert.equal(before.removed, false);
  assert.match(before.reason, /^pending: .* at its next start.* systemctl restart systemd-resolved$/);
  const after = await look({
    servers: `${global.servers}Delegate holdfast-split-1: 10.0.0.2 10.0.0.3\nDelegate holdfast-split-2: 10.0.0.4\n`,
    domains: `${global.domains}Delegate holdfast-split-1: ~corp.example ~10.in-addr.arpa ~more.example\nDelegate holdfast-split-2: ~lab.example\n`,
  });
  assert.equal(after.removed, true);
  assert.match(after.reason, /^systemd-resolved itself has the domain ~corp\.example/);
});

test('dns.split: after an upgrade to systemd 258 the file of global servers is left behind', async (t) => {
  const old = '/etc/systemd/resolved.conf.d/holdfast-split.conf';
  const files = {
    [old.slice(1)]: '[Resolve]\nDNS=10.0.0.2\nDomains=~corp.example\n',
    'etc/resolv.conf': 'nameserver 127.0.0.53\n',
  };
  const found = await inspectSplit(new ResolvedHost(scratch(t, { ...SYSTEMD, ...files }), {}), DNS, [old]);
  assert.deepEqual(
    found.map(({ key, wanted, refusal }) => [key.split('/').at(-1), wanted === null, refusal]),
    [
      ['holdfast-split.conf', true, undefined],
      ['holdfast-split-1.dns-delegate', false, undefined],
      ['holdfast-split-2.dns-delegate', false, undefined],
      ['systemd-resolved', false, undefined],
    ],
  );
});

test('dns.split: before systemd 258, the pending step is a reload only where systemd-resolved has one and it is enough', async (t) => {
  const unit = 'usr/lib/systemd/system/systemd-resolved.service';
  const reason = async (service: string, shown: { readonly servers: string; readonly domains: string }) => {
    const root = scratch(t, {
      'usr/lib/x86_64-linux-gnu/systemd/libsystemd-shared-257.so': '',
      'etc/systemd/system/multi-user.target.wants/systemd-networkd.service': '',
      'run/systemd/resolve/stub-resolv.conf': 'nameserver 127.0.0.53\n',
      [unit]: `[Service]\n${service}\n`,
    });
    symlinkSync('../run/systemd/resolve/stub-resolv.conf', `${root}/etc/resolv.conf`);
    const others = { 'systemd-resolve': { 7: '/usr/lib/systemd/systemd-resolved' } };
    const host = Object.assign(new ResolvedHost(root, { others }), shown);
    const dns = { ...DNS, nameservers: ['10.0.0.1'], search: ['.'], split: DNS.split!.slice(0, 1) };
    const found = await resolvedFindings(host, accepted(dns) as DesiredDns, dns.split);
    return found.find(({ kind }) => kind === 'forwarder')!.reason!;
  };
  const nothing = { servers: 'Global:\n', domains: 'Global:\n' };
  const old = { servers: 'Global: 10.0.0.2 10.0.0.3\n', domains: 'Global: ~old.example\n' };
  const [with257, before] = ['Type=notify-reload', 'Type=notify'];
  assert.match(await reason(with257, nothing), /at its next reload, .* systemctl reload systemd-resolved$/);
  assert.match(await reason(before, nothing), /at its next start, .* systemctl restart systemd-resolved$/);
  assert.match(
    await reason(with257, old),
    /at its next start, .* old\.example as well, also after a reload\. .* restart/,
  );
  assert.match(await reason(before, old), /at its next start, .* old\.example as well\. .* systemctl restart/);
});
