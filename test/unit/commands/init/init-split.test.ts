/** The split that `agent init` takes over from dnsmasq, and what it says of unbound's, systemd-resolved's and doubtful ones. */
import assert from 'node:assert/strict';
import type { TestContext } from 'node:test';
import { test } from 'node:test';
import { NO_RESOLVER } from '../../../../agent/commands/init/resolver-facts.ts';
import { dnsmasqSplitFacts } from '../../../../agent/commands/init/split/dnsmasq-split-facts.ts';
import { resolvedSplitFacts } from '../../../../agent/commands/init/split/resolved-split-facts.ts';
import { unboundSplitFacts } from '../../../../agent/commands/init/split/unbound-split-facts.ts';
import type { SplitFacts } from '../../../../agent/config/init/host-facts.ts';
import { renderInitial } from '../../../../agent/config/init/initial.ts';
import type { Process } from '../../../../agent/host/process/processes.ts';
import { command } from '../../../parts/command.ts';
import { load } from '../../../parts/config-memory.ts';
import { FolderHost } from '../../../parts/doctor-patient.ts';
import { scratch } from '../../../parts/scratch.ts';

/** Started after the files were written. `line`: its command line. */
const program = (line: string): Process => ({
  pid: 40,
  arguments: line.split(' '),
  started: Date.now() + 60_000,
  sinceBoot: 1e9,
});
const DNSMASQ = program('/usr/sbin/dnsmasq -x /run/dnsmasq/dnsmasq.pid -7 /etc/dnsmasq.d,.dpkg-dist,.dpkg-old');

function hostOf(t: TestContext, files: Record<string, string>, resolvectl = ''): FolderHost {
  return new FolderHost(scratch(t, files), { programs: { resolvectl: { stdout: resolvectl } } });
}

async function rendered(split: SplitFacts) {
  const text = renderInitial({ resolver: NO_RESOLVER, split, supersedes: [], sysctls: [], ipv6RouteMaxSize: null });
  const result = await load(text);
  assert.ok(result.ok, text);
  return { text, split: result.desired.dns?.split ?? null };
}

const DOUBTS = `# The office
server=8.8.8.8
server=/corp.example/10.0.0.2
server=/CORP.example/10.in-addr.arpa/10.0.0.3   # the second
server=/port.example/10.0.0.4#5353
server=/wg.example/10.0.0.5@wg0
server=/mixed.example/10.0.0.6
server=/mixed.example/10.0.0.7#5353
local=/lan/
server=/public.corp.example/#
rev-server=192.168.0.0/16,10.0.0.8
`;

test('init: dnsmasq: whole lines become dns.split with their places, and a doubtful domain stays', async (t) => {
  const host = hostOf(t, {
    'etc/dnsmasq.conf': 'bogus-priv\n#server=/no.example/10.0.0.9\n',
    'etc/dnsmasq.d/office.conf': DOUBTS,
    'etc/dnsmasq.d/office.conf.dpkg-old': 'server=/old.example/10.0.0.9\n',
    'etc/dnsmasq.d/holdfast-split.conf': 'servers-file=/etc/dnsmasq.d/.holdfast-split.servers\n',
  });
  const { text, split } = await rendered(dnsmasqSplitFacts(host, DNSMASQ));
  assert.deepEqual(split, [
    { domains: ['corp.example'], servers: ['10.0.0.2', '10.0.0.3'], verify: null },
    { domains: ['10.in-addr.arpa'], servers: ['10.0.0.3'], verify: null },
  ]);
  const place = '/etc/dnsmasq\\.d/office\\.conf';
  assert.match(text, new RegExp(`domains: \\[corp\\.example\\].* # ${place}:3, ${place}:4$`, 'm'));
  for (const left of [
    `${place}:5: port\\.example: .*port`,
    `${place}:6: wg\\.example: .*address or interface`,
    `${place}:7, ${place}:8: mixed\\.example: .*port`,
    `${place}:9: lan: dnsmasq answers these names itself`,
    `${place}:10: public\\.corp\\.example: dnsmasq asks the servers of every other name`,
    `${place}:11: 192\\.168\\.0\\.0/16,10\\.0\\.0\\.8: write the domain`,
  ])
    assert.match(text, new RegExp(`# not taken over from ${left}`));
});

test('init: dnsmasq: with files or options that init cannot see whole, dns.split is only a comment', async (t) => {
  const line = 'server=/corp.example/10.0.0.2\n';
  const cases: [string, Process | null, RegExp][] = [
    ['', null, /# dnsmasq does not run, so its command line is unknown/],
    [
      '',
      program('dnsmasq --server=/a.example/10.0.0.9 -7 /etc/dnsmasq.d'),
      /dnsmasq has --server=.* on its command line/,
    ],
    ['conf-file=more.conf\n', DNSMASQ, /office\.conf:2: conf-file names files that init does not follow/],
    ['servers-file=/run/vpn.servers\n', DNSMASQ, /office\.conf:2: init does not read a servers-file/],
    ['conf-script=/usr/local/bin/zones\n', DNSMASQ, /office\.conf:2: init does not run conf-script/],
  ];
  for (const [more, process, reason] of cases) {
    const host = hostOf(t, { 'etc/dnsmasq.d/office.conf': line + more });
    const { text, split } = await rendered(dnsmasqSplitFacts(host, process));
    assert.equal(split, null);
    assert.match(text, reason);
    assert.match(text, /#.*- \{ domains: \[corp\.example\], servers: \[10\.0\.0\.2\] \}/);
  }
  const host = hostOf(t, { 'etc/dnsmasq.d/office.conf': line });
  const { text } = await rendered(dnsmasqSplitFacts(host, { ...DNSMASQ, started: 0, sinceBoot: 0 }));
  assert.match(text, /corp\.example: the file changed after dnsmasq\[40\] started/);
});

test('init: unbound: forward-zones are a comment with the next step; TLS, ports and stub-zones stay', async (t) => {
  const host = hostOf(t, {
    'etc/unbound/unbound.conf': 'include-toplevel: "/etc/unbound/unbound.conf.d/*.conf"\n',
    'etc/unbound/unbound.conf.d/corp.conf': `server:
  local-zone: "10.in-addr.arpa." nodefault
forward-zone:
  name: "corp.example."   # the office
  forward-addr: 10.0.0.2
  forward-addr: fd00::2
  forward-first: no
forward-zone:
  name: "tls.example"
  forward-tls-upstream: yes
  forward-addr: 10.0.0.3@853#dns.example
forward-zone:
  name: "."
  forward-addr: 9.9.9.9
stub-zone: name: "stub.example"
  stub-addr: 10.0.0.4
`,
  });
  const { text, split } = await rendered(unboundSplitFacts(host, null));
  assert.equal(split, null);
  const place = '/etc/unbound/unbound\\.conf\\.d/corp\\.conf';
  assert.match(text, new RegExp(`#.*corp\\.example\\], servers: \\[10\\.0\\.0\\.2, .*fd00::2.* # ${place}:3$`, 'm'));
  assert.match(text, /unbound forwards these domains by its own files.*: take the clauses out there/);
  assert.match(text, new RegExp(`${place}:8: tls\\.example: dns\\.split has no forward-tls-upstream`));
  assert.match(text, new RegExp(`${place}:15: stub\\.example: a stub-zone asks authoritative servers`));
  assert.doesNotMatch(text, /9\.9\.9\.9/);
});

test('init: systemd-resolved: routing domains of its files are a comment, and those of a VPN stay', async (t) => {
  const files = {
    'etc/systemd/resolved.conf': '[Resolve]\n#DNS=\nDNS=10.9.9.9\n',
    'etc/systemd/resolved.conf.d/corp.conf':
      '[Resolve]\nDNS=\nDNS=10.0.0.2 10.0.0.3\nDomains=plain.example ~corp.example ~.\n',
    'usr/lib/systemd/resolved.conf.d/corp.conf': '[Resolve]\nDNS=10.8.8.8\n',
  };
  const shown = 'Global: 10.0.0.2\nLink 2 (eth0): ~.\nLink 5 (tun0): ~vpn.example\n';
  const { text, split } = await rendered(resolvedSplitFacts(hostOf(t, files, shown)));
  assert.equal(split, null);
  assert.match(
    text,
    /# .*corp\.example\], servers: \[10\.0\.0\.2, 10\.0\.0\.3\] \} # \/etc\/systemd\/resolved\.conf\.d\/corp\.conf:4$/m,
  );
  assert.match(text, /link tun0 asks ~vpn\.example for vpn\.example: this comes and goes with the link/);
  assert.doesNotMatch(text, /link eth0|plain\.example|10\.9\.9\.9|10\.8\.8\.8/);
  const tls = { 'etc/systemd/resolved.conf': '[Resolve]\nDNS=10.0.0.2\nDomains=~corp.example\nDNSOverTLS=yes\n' };
  const doubtful = await rendered(resolvedSplitFacts(hostOf(t, tls)));
  assert.match(doubtful.text, /resolved\.conf:3: corp\.example: dns\.split has no DNSOverTLS \(.*resolved\.conf:4\)/);
});

test('init: systemd-resolved: dns-delegate files are a comment since systemd 258, with their drop-ins', async (t) => {
  const folder = 'etc/systemd/dns-delegate.d';
  const files = {
    [`${folder}/corp.dns-delegate`]: '[Delegate]\nDNS=10.0.0.2\nDomains=corp.example ~10.in-addr.arpa\n',
    [`${folder}/corp.dns-delegate.d/more.conf`]: '[Delegate]\nDNS=10.0.0.3\n',
    [`${folder}/marked.dns-delegate`]: '[Delegate]\nDNS=10.0.0.4\nDomains=marked.example\nFirewallMark=42\n',
    [`${folder}/default.dns-delegate`]: '[Delegate]\nDNS=10.0.0.4\nDomains=default.example\nDefaultRoute=yes\n',
    [`${folder}/port.dns-delegate`]: '[Delegate]\nDNS=10.0.0.4:5353\nDomains=port.example\n',
    [`${folder}/holdfast-split-1.dns-delegate`]: '[Delegate]\nDNS=10.0.0.5\nDomains=~ours.example\n',
    'usr/lib/systemd/dns-delegate.d/corp.dns-delegate': '[Delegate]\nDNS=10.0.0.9\nDomains=hidden.example\n',
  };
  const shown = 'Global:\nLink 2 (eth0): 10.0.0.1\nDelegate corp: ~corp.example\n';
  const now = { ...files, 'usr/lib/x86_64-linux-gnu/systemd/libsystemd-shared-258.so': '' };
  const { text, split } = await rendered(resolvedSplitFacts(hostOf(t, now, shown)));
  assert.equal(split, null);
  for (const domain of ['corp.example', '"10.in-addr.arpa"'])
    assert.ok(
      text.includes(`{ domains: [${domain}], servers: [10.0.0.2, 10.0.0.3] } # /${folder}/corp.dns-delegate:3`),
      text,
    );
  assert.match(text, /marked\.example: dns\.split has no FirewallMark \(.*marked\.dns-delegate:4\)/);
  assert.match(text, /default\.example: dns\.split has no DefaultRoute/);
  assert.match(text, /port\.example: .*5353/);
  assert.doesNotMatch(text, /ours|hidden|link |delegate corp asks/);
  const before = { ...files, 'usr/lib/x86_64-linux-gnu/systemd/libsystemd-shared-257.so': '' };
  assert.doesNotMatch((await rendered(resolvedSplitFacts(hostOf(t, before, shown)))).text, /corp\.example/);
});

test('init: the command reads the forwarder that libc asks, and no other', async (t) => {
  const files = {
    'etc/dnsmasq.conf': 'server=/corp.example/10.0.0.2\n',
    'etc/systemd/system/multi-user.target.wants/dnsmasq.service': '',
  };
  const asking = scratch(t, { ...files, 'etc/resolv.conf': 'nameserver 127.0.0.1\n' });
  const { stdout } = await command('init', '--root', asking, '--output', '-');
  assert.match(stdout, /# +- \{ domains: \[corp\.example\].* # \/etc\/dnsmasq\.conf:1$/m);
  const elsewhere = scratch(t, { ...files, 'etc/resolv.conf': 'nameserver 10.0.0.1\n' });
  assert.doesNotMatch((await command('init', '--root', elsewhere, '--output', '-')).stdout, /corp\.example/);
});
