/** Doctor on resolv.conf: links, lines that libc ignores, and programs that rewrite the file. */
import assert from 'node:assert/strict';
import { symlinkSync } from 'node:fs';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { libcCheck } from '../../../agent/doctor/checks/libc-check.ts';
import { nameServiceCheck } from '../../../agent/doctor/checks/name-service-check.ts';
import { resolvConfCopiesCheck } from '../../../agent/doctor/checks/resolv-conf-copies-check.ts';
import { resolvConfFileCheck } from '../../../agent/doctor/checks/resolv-conf-file-check.ts';
import { resolvConfOwnerCheck } from '../../../agent/doctor/checks/resolv-conf-owner-check.ts';
import { Host } from '../../../agent/host/host.ts';
import { seeing } from '../../parts/depends-scene.ts';
import { codes, type Patient, patientHost, seenBy, seenOn } from '../../parts/doctor-patient.ts';
import { noNamespaces } from '../../parts/scratch.ts';

const DNS = 'dns: { nameservers: [10.0.0.1] }\n';
const FILE = { 'etc/resolv.conf': 'nameserver 10.0.0.1\n' };

function linked(t: TestContext, target: string, patient: Patient) {
  const host = patientHost(t, { files: { 'etc/hosts': '' }, ...patient });
  symlinkSync(target, join(host.root, 'etc/resolv.conf'));
  return seenOn(host, resolvConfFileCheck, patient);
}

test('doctor, resolv.conf: an ordinary file with a few servers has no finding', (t) => {
  assert.deepEqual(seenBy(t, resolvConfFileCheck, { files: FILE, yaml: DNS }), []);
  assert.deepEqual(seenBy(t, resolvConfOwnerCheck, { files: FILE, yaml: DNS }), []);
});

test('doctor, resolv.conf: a link names its owner, and is a problem where it is refused', (t) => {
  const [found] = linked(t, '../run/systemd/resolve/stub-resolv.conf', { yaml: DNS });
  assert.equal(found?.code, 'HF-RESOLV-LINK');
  assert.equal(found?.severity, 'problem');
  assert.match(found?.seen ?? '', /link to \/run\/systemd\/resolve\/stub-resolv\.conf, which systemd-resolved makes/);
});

test('doctor, resolv.conf: a link that is followed is a warning, one that is to be replaced a note', (t) => {
  const severity = (policy: string) => {
    return linked(t, '/run/resolvconf/resolv.conf', { yaml: `${DNS}`.replace('}', `, symlink: ${policy} }`) })[0]
      ?.severity;
  };
  assert.equal(severity('follow'), 'warning');
  assert.equal(severity('replace'), 'note');
});

test('doctor, resolv.conf: without a configured dns there is no finding', (t) => {
  assert.deepEqual(linked(t, '/run/resolvconf/resolv.conf', { yaml: 'sysctl: { net.ipv4.ip_forward: 1 }' }), []);
});

test('doctor, resolv.conf: a bind mount is found by mountinfo, octal escapes and all', (t) => {
  const mountinfo = '22 1 0:21 / /proc rw - proc proc rw\n701 22 8:1 /x /etc/resolv.conf ro - ext4 /dev/sda1 rw\n';
  const seen = seenBy(t, resolvConfFileCheck, { files: { ...FILE, 'proc/self/mountinfo': mountinfo }, yaml: DNS });
  assert.deepEqual(codes(seen), ['HF-RESOLV-MOUNT']);
  const other = mountinfo.replace('/etc/resolv.conf', '/etc/resolv.conf\\040old');
  assert.deepEqual(seenBy(t, resolvConfFileCheck, { files: { ...FILE, 'proc/self/mountinfo': other }, yaml: DNS }), []);
});

test('doctor, resolv.conf: the attributes i and a of lsattr are reported, and a failing lsattr makes no finding', (t) => {
  const seen = (stdout: string, status = 0) => {
    return seenBy(t, resolvConfFileCheck, { files: FILE, yaml: DNS, programs: { lsattr: { stdout, status } } });
  };
  assert.match(seen('----i---------e------- /etc/resolv.conf')[0]?.seen ?? '', /immutable/);
  assert.match(seen('-----a--------e------- /etc/resolv.conf')[0]?.seen ?? '', /append-only/);
  assert.deepEqual(seen('--------------e------- /etc/iii.conf'), []);
  assert.deepEqual(seen('----i', 1), []);
});

test('doctor, resolv.conf: servers and sortlist pairs beyond those that libc reads are reported', (t) => {
  const text = `${'nameserver 10.0.0.1\n'.repeat(4)}sortlist ${'10.0.0.0 '.repeat(11)}\n`;
  const seen = seenBy(t, resolvConfFileCheck, { files: { 'etc/resolv.conf': text } });
  assert.deepEqual(
    seen.map(({ seen }) => seen),
    [
      '/etc/resolv.conf has 4 nameserver values, and 3 are read',
      '/etc/resolv.conf has 11 sortlist values, and 10 are read',
    ],
  );
});

test('doctor, resolv.conf: NetworkManager is a warning, unless the last of its files says dns=none', (t) => {
  const seen = (files: Record<string, string>) => {
    return codes(
      seenBy(t, resolvConfOwnerCheck, { files: { ...FILE, ...files }, yaml: DNS, daemons: { NetworkManager: 700 } }),
    );
  };
  assert.deepEqual(seen({}), ['HF-RESOLV-DAEMON']);
  assert.deepEqual(seen({ 'etc/NetworkManager/NetworkManager.conf': '[main]\ndns=none\n' }), []);
  assert.deepEqual(seen({ 'etc/NetworkManager/conf.d/9.conf': '[main]\nplugins=x\nrc-manager = unmanaged\n' }), []);
  assert.deepEqual(seen({ 'etc/NetworkManager/conf.d/9.conf': '[logging]\ndns=none\n' }), ['HF-RESOLV-DAEMON']);
  const none = { 'etc/NetworkManager/NetworkManager.conf': '[main]\ndns=none\n' };
  assert.deepEqual(seen({ ...none, 'etc/NetworkManager/conf.d/a.conf': '[main]\ndns=default' }), ['HF-RESOLV-DAEMON']);
  assert.deepEqual(seen({ ...none, 'usr/lib/NetworkManager/conf.d/a.conf': '[main]\ndns=default' }), []);
  const masked = { 'usr/lib/NetworkManager/conf.d/a.conf': '[main]\ndns=none', 'etc/NetworkManager/conf.d/a.conf': '' };
  assert.deepEqual(seen(masked), ['HF-RESOLV-DAEMON']);
});

test('doctor, resolv.conf: a daemon whose name stands in the file’s head is a problem', (t) => {
  const files = { 'etc/resolv.conf': '# Generated by NetworkManager\nnameserver 10.0.0.9\n' };
  const [found] = seenBy(t, resolvConfOwnerCheck, { files, yaml: DNS, daemons: { NetworkManager: 700 } });
  assert.equal(found?.severity, 'problem');
  assert.match(found?.seen ?? '', /NetworkManager\[700\] runs.*resolv\.conf:1 says/);
  const [unconfigured] = seenBy(t, resolvConfOwnerCheck, { files, daemons: { NetworkManager: 700 } });
  assert.deepEqual(
    [unconfigured?.code, unconfigured?.severity],
    ['HF-RESOLV-DAEMON', undefined],
    'nothing is lost yet',
  );
});

test('doctor, resolv.conf: dhcpcd and openresolv are reported', (t) => {
  const seen = (files: Record<string, string>, daemons = {}) => {
    return codes(seenBy(t, resolvConfOwnerCheck, { files: { ...FILE, ...files }, yaml: DNS, daemons }));
  };
  assert.deepEqual(seen({}, { dhcpcd: 7 }), ['HF-RESOLV-DAEMON']);
  assert.deepEqual(seen({ 'etc/dhcpcd.conf': 'nohook lookup-hostname, resolv.conf\n' }, { dhcpcd: 7 }), []);
  assert.deepEqual(seen({ 'etc/dhcpcd.conf': '#nohook resolv.conf\n' }, { dhcpcd: 7 }), ['HF-RESOLV-DAEMON']);
  assert.deepEqual(seen({ 'sbin/resolvconf': '', 'etc/resolvconf.conf': '' }), ['HF-RESOLV-DAEMON']);
  assert.deepEqual(seen({ 'sbin/resolvconf': '', 'etc/resolvconf.conf': 'resolvconf=NO\n' }), []);
  assert.deepEqual(seen({ 'sbin/resolvconf': '', 'etc/resolvconf.conf': 'resolv_conf=/run/other\n' }), []);
});

test('doctor, resolv.conf: systemd-resolved beside a regular file is a note', (t) => {
  const seen = seenBy(t, resolvConfOwnerCheck, { files: FILE, yaml: DNS, daemons: { 'systemd-resolve': 9 } });
  assert.deepEqual(codes(seen), ['HF-RESOLV-RESOLVED']);
});

test('doctor, resolv.conf: services before dns in nsswitch.conf are reported', (t) => {
  const seen = (line: string) => {
    const found = seenBy(t, nameServiceCheck, {
      files: { 'etc/nsswitch.conf': `passwd: files\n${line}\n` },
      yaml: DNS,
    });
    return found.map(({ code, severity }) => [code, severity].filter((part) => part !== undefined).join(' '));
  };
  assert.deepEqual(seen('hosts:          files dns'), []);
  assert.deepEqual(seen('hosts: files dns resolve'), []);
  assert.deepEqual(seen('hosts: files resolve [!UNAVAIL=return] dns'), ['HF-NSS-ORDER']);
  assert.deepEqual(seen('hosts: files mdns4_minimal [NOTFOUND=return] dns'), ['HF-NSS-ORDER note']);
  assert.deepEqual(seen('hosts: files constructor'), ['HF-NSS-NO-DNS']);
  assert.deepEqual(seen('hosts: files # dns'), ['HF-NSS-NO-DNS']);
  assert.deepEqual(seen('networks: files'), []);
  assert.deepEqual(codes(seenBy(t, nameServiceCheck, { yaml: DNS, daemons: { nscd: 5 } })), ['HF-NSCD']);
});

test('doctor, resolv.conf: sortlist is explained where it is configured, musl only then; c-ares where it is installed', (t) => {
  const files = { 'lib/ld-musl-x86_64.so.1': '', 'usr/lib/x86_64-linux-gnu/libcares.so.2': '' };
  assert.deepEqual(codes(seenBy(t, libcCheck, { files, yaml: DNS })), ['HF-LIBC-CARES']);
  const yaml = 'dns: { sortlist: [10.0.0.0/8] }\n';
  assert.deepEqual(codes(seenBy(t, libcCheck, { files, yaml })), ['HF-LIBC-SORTLIST', 'HF-LIBC-MUSL', 'HF-LIBC-CARES']);
});

test('doctor, resolv.conf: who obeys the sortlist on this host, and who runs with a library that does not', (t) => {
  const yaml = 'dns: { sortlist: [{ nearest: { name: a.example, port: 1 } }, 10.0.0.0/8] }\n';
  const look = (nsswitch: string, patient: Patient = {}) =>
    seenBy(t, libcCheck, { yaml, ...patient, files: { 'etc/nsswitch.conf': nsswitch, ...patient.files } });
  assert.deepEqual(look('hosts: files dns\n'), [
    {
      code: 'HF-LIBC-SORTLIST',
      seen: 'dns.sortlist has 2 entries; on this host gethostbyname and `getent hosts` obey it',
    },
  ]);
  const [resolved] = look('hosts: files resolve [!UNAVAIL=return] dns\n');
  assert.equal(resolved?.severity, 'warning');
  assert.match(
    resolved?.seen ?? '',
    /nobody obeys it: \/etc\/nsswitch\.conf:1 has systemd-resolved \(resolve\) answer/,
  );
  assert.match(look('hosts: files dns resolve\n')[0]?.seen ?? '', /gethostbyname/);
  assert.match(look('hosts: files\n')[0]?.seen ?? '', /nobody obeys it: .* has no dns/);

  const MUSL = '/lib/ld-musl-x86_64.so.1';
  const users = Array.from({ length: 7 }, (_, i) => `app[${i}]`);
  const [, idle] = look('', { files: { [MUSL.slice(1)]: '' } });
  assert.equal(idle?.seen, `${MUSL} is installed`);
  const [, used] = look('', { files: { [MUSL.slice(1)]: '' }, users: { [MUSL]: users } });
  assert.equal(used?.seen, `${MUSL} is installed; app[0], app[1], app[2], app[3], app[4] and 2 more run with it`);
});

test('doctor, resolv.conf: a running program is found by a file that it has mapped', () => {
  const users = new Host().usersOf(process.execPath);
  assert.ok(
    users.some((user) => user.endsWith(`[${process.pid}]`)),
    users.join(),
  );
  assert.deepEqual(new Host().usersOf('/etc/hosts'), []);
  assert.deepEqual(new Host({ root: '/', live: false }).usersOf(process.execPath), []);
});

test('doctor, resolv.conf: each line that libc does not use is named; it is a problem where no server is left, or look-ups hang', (t) => {
  const seen = (text: string) => {
    const found = seenBy(t, resolvConfFileCheck, { files: { 'etc/resolv.conf': text }, yaml: DNS });
    assert.deepEqual(new Set(codes(found)), new Set(['HF-RESOLV-UNUSED']), text);
    return found.map(({ seen, severity }) => `${severity ?? 'warning'} ${seen.split(': ')[0]}`);
  };
  assert.deepEqual(seen('# x\nnameserver 10.0.0.53\r\n'), ['problem /etc/resolv.conf:2']);
  assert.deepEqual(seen('nameserver 10.0.0.1\n nameserver 10.0.0.2\nsearch a\r\n'), [
    'warning /etc/resolv.conf:2',
    'warning /etc/resolv.conf:3',
  ]);
  assert.deepEqual(seen('\0nameserver 10.0.0.1\n'), ['problem /etc/resolv.conf:1']);
  const wide = [...'nameserver 10.0.0.1\n'].map((letter) => `${letter}\0`).join('');
  assert.deepEqual(seen(`\xff\xfe${wide}${wide}`), ['problem /etc/resolv.conf:1', 'problem /etc/resolv.conf:2']);
  assert.deepEqual(seen('nameserver 10.0.0.1\nsortlist 10.0.0.0/255.0.0.0\r\n'), ['problem /etc/resolv.conf:2']);
});

test('doctor, resolv.conf: any header that says who made the file is quoted, once', (t) => {
  const seen = (first: string) => {
    const files = { 'etc/resolv.conf': `# x\n${first}\nnameserver 10.0.0.9\n` };
    return seenBy(t, resolvConfOwnerCheck, { files, yaml: DNS }).map(({ code, seen }) => `${code} ${seen}`);
  };
  for (const text of [
    'Created by cloud-init on boot',
    'file generated by tailscale',
    'Made and managed by acme-vpn 3.1',
    '--- BEGIN PVE ---',
    'Mullvad VPN',
    'created by frob',
  ]) {
    assert.deepEqual(seen(`# ${text}`), [`HF-RESOLV-HEADER /etc/resolv.conf:2 says "${text}"`]);
  }
  for (const comment of ['# by hand', '# generated by hand', '# managed by the network team'])
    assert.deepEqual(seen(comment), []);
});

test('doctor, resolv.conf: copies of resolv.conf in chroots and containers that name other servers are one finding', {
  skip: noNamespaces('unshare'),
}, async (t) => {
  const old = 'nameserver 10.0.0.9\n';
  const files = {
    ...FILE,
    'var/spool/postfix/etc/resolv.conf': old,
    'var/spool/postfix-out/etc/resolv.conf': FILE['etc/resolv.conf'],
    'var/lib/docker/containers/abc/resolv.conf': 'nameserver 127.0.0.11\n',
  };
  const box = await seeing(t, 'nameserver 10.0.0.8\nnameserver 127.0.0.11\n');
  const [found] = seenBy(t, resolvConfCopiesCheck, { files, yaml: DNS, running: [box, { ...box, parent: 1 }] });
  assert.equal(found?.code, 'HF-RESOLV-COPIES');
  assert.match(
    found?.seen ?? '',
    /^other name servers than 10\.0\.0\.1 are in copies: \/var\/spool\/postfix\/etc\/resolv\.conf \(10\.0\.0\.9\), \/etc\/resolv\.conf of .*sleep\[\d+\].* \(10\.0\.0\.8\)$/,
  );
  assert.deepEqual(seenBy(t, resolvConfCopiesCheck, { files: FILE, yaml: DNS }), []);
});

test('options no-reload is a warning with its line: running programs never read the file again', (t) => {
  const seen = (text: string) => seenBy(t, libcCheck, { files: { 'etc/resolv.conf': text }, yaml: DNS });
  const [found] = seen('nameserver 10.0.0.1\noptions timeout:1 no-reload\n');
  assert.equal(found?.code, 'HF-LIBC-NO-RELOAD');
  assert.equal(found?.seen, '/etc/resolv.conf:2: options timeout:1 no-reload');
  assert.deepEqual(seen('nameserver 10.0.0.1\n# options no-reload\n'), []);
});
