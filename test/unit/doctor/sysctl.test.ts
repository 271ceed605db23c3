/** Doctor names the files and programs that overrule a kernel setting at boot. */
import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import { routeLimitCheck } from '../../../agent/doctor/checks/route-limit-check.ts';
import { sysctlBootCheck } from '../../../agent/doctor/checks/sysctl-boot-check.ts';
import { sysctlScopesCheck } from '../../../agent/doctor/checks/sysctl-scopes-check.ts';
import { codes, seenBy } from '../../parts/doctor-patient.ts';

const SYSTEMD = { 'usr/lib/systemd/systemd-sysctl': '' };
const FORWARD = 'sysctl: { net.ipv4.ip_forward: 1 }\n';

function boot(t: TestContext, files: Record<string, string>, yaml = FORWARD) {
  return seenBy(t, sysctlBootCheck, { files: { ...SYSTEMD, ...files }, yaml, live: false });
}

test('doctor, sysctl: a later file that sets another value is a problem, with file and line', (t) => {
  const files = {
    'etc/sysctl.d/60-holdfast.conf': 'net.ipv4.ip_forward = 1\n',
    'etc/sysctl.d/99-local.conf': '# ours\n\nnet/ipv4/ip_forward=0\n',
  };
  assert.deepEqual(boot(t, files), [
    { code: 'HF-SYSCTL-OVERRIDDEN', seen: '/etc/sysctl.d/99-local.conf:3 sets net.ipv4.ip_forward to 0 after ours' },
  ]);
});

test('doctor, sysctl: the same value, or a file hidden by another of its name, is no finding', (t) => {
  assert.deepEqual(boot(t, { 'etc/sysctl.d/99-a.conf': 'net.ipv4.ip_forward=1\n' }), []);
  const hidden = { 'usr/lib/sysctl.d/99-a.conf': 'net.ipv4.ip_forward=0\n', 'etc/sysctl.d/99-a.conf': '' };
  assert.deepEqual(boot(t, hidden), []);
});

test('doctor, sysctl: an earlier file is a note; atLeast is heeded', (t) => {
  assert.deepEqual(codes(boot(t, { 'etc/sysctl.d/10-a.conf': 'net.ipv4.ip_forward=0\n' })), ['HF-SYSCTL-ELSEWHERE']);
  const yaml = 'sysctl: { net.ipv6.route.max_size: { atLeast: 5000 } }\n';
  assert.deepEqual(codes(boot(t, { 'etc/sysctl.d/90-a.conf': 'net.ipv6.route.max_size=9000\n' }, yaml)), []);
  const lower = { 'etc/sysctl.d/90-a.conf': 'net.ipv6.route.max_size=4096\n' };
  assert.deepEqual(codes(boot(t, lower, yaml)), ['HF-SYSCTL-OVERRIDDEN']);
});

test('doctor, sysctl: a pattern is reported if it fits the key, and its "*" stays within one part of the path', (t) => {
  const yaml = 'sysctl: { net.ipv4.conf.eth0.rp_filter: 1 }\n';
  const seen = (key: string) => codes(boot(t, { 'etc/sysctl.d/50-a.conf': `${key} = 2\n` }, yaml));
  assert.deepEqual(seen('net.ipv4.conf.*.rp_filter'), ['HF-SYSCTL-GLOB']);
  assert.deepEqual(seen('net.ipv4.conf.eth?.rp_filter'), ['HF-SYSCTL-GLOB']);
  assert.deepEqual(seen('net.ipv4.*.rp_filter'), []);
  assert.deepEqual(seen('net.ipv4.conf.wl*.rp_filter'), []);
});

test('doctor, sysctl: /etc/sysctl.conf is read only by procps, unless it is linked into sysctl.d', (t) => {
  const files = { 'etc/sysctl.conf': 'kernel.a=1\nnet.ipv4.ip_forward=0\n' };
  assert.deepEqual(boot(t, files), [
    { code: 'HF-SYSCTL-PROCPS', seen: '/etc/sysctl.conf:2 sets net.ipv4.ip_forward to 0' },
  ]);
  assert.deepEqual(boot(t, { 'etc/sysctl.conf': 'net.ipv4.ip_forward = 1\n' }), []);
});

test('doctor, sysctl: ufw is reported only if it is enabled', (t) => {
  const files = {
    'etc/ufw/sysctl.conf': 'net/ipv4/ip_forward=0\n',
    'etc/default/ufw': 'IPT_SYSCTL=/etc/ufw/sysctl.conf\n',
  };
  assert.deepEqual(codes(boot(t, { ...files, 'etc/ufw/ufw.conf': 'ENABLED=yes\n' })), ['HF-SYSCTL-UFW']);
  assert.deepEqual(boot(t, { ...files, 'etc/ufw/ufw.conf': 'ENABLED=no\n' }), []);
});

test('doctor, sysctl: it is reported if no program reads sysctl.d at boot', (t) => {
  assert.deepEqual(codes(seenBy(t, sysctlBootCheck, { yaml: FORWARD })), ['HF-SYSCTL-BOOT']);
  assert.deepEqual(seenBy(t, sysctlBootCheck, { files: { 'etc/init.d/procps': '' }, yaml: FORWARD }), []);
  assert.deepEqual(seenBy(t, sysctlBootCheck, { yaml: 'dns: { nameservers: [10.0.0.1] }' }), []);
});

/** The kernel's conf folders: `key@scope: value`. */
function kernel(values: Record<string, number>, family = 4): Record<string, string> {
  return Object.fromEntries(
    Object.entries(values).map(([place, value]) => {
      const [name, scope] = place.split('@');
      return [`proc/sys/net/ipv${family}/conf/${scope}/${name}`, `${value}\n`];
    }),
  );
}

function scopes(t: TestContext, files: Record<string, string>, ...settings: string[]): string[] {
  const yaml = `sysctl: { ${settings.join(', ')} }\n`;
  return seenBy(t, sysctlScopesCheck, { files, yaml }).map(({ code, seen }) => `${code} ${seen}`);
}

test('doctor, sysctl: for conf.default, the interfaces with another value are named', (t) => {
  const files = kernel({ 'tag@all': 0, 'tag@default': 1, 'tag@lo': 0, 'tag@eth0': 0, 'tag@eth1': 1, 'tag@eth2.5': 0 });
  assert.deepEqual(scopes(t, files, 'net.ipv4.conf.default.tag: 1'), [
    'HF-SYSCTL-DEFAULT net.ipv4.conf.default.tag is to be 1, but it is not on eth0 (0), eth2.5 (0)',
  ]);
  const own = ['net.ipv4.conf.eth0.tag: 1', 'net/ipv4/conf/eth2.5/tag: 1'];
  assert.deepEqual(scopes(t, files, 'net.ipv4.conf.default.tag: 1', ...own), []);
});

test('doctor, sysctl: a crowd of interfaces is named in part', (t) => {
  const many = Object.fromEntries(
    Array.from({ length: 40 }, (_, index) => [`tag@v${String(index).padStart(2, '0')}`, 0]),
  );
  const [found] = scopes(t, kernel({ ...many, 'tag@default': 1 }), 'net.ipv4.conf.default.tag: 1');
  assert.match(found ?? '', /v00 \(0\), .*v05 \(0\) and 34 more$/);
});

test('doctor, sysctl: conf.all = 1 makes conf.default = 0 vain for keys that the kernel joins by "or"', (t) => {
  const files = kernel({ 'send_redirects@all': 1, 'send_redirects@default': 0, 'send_redirects@eth0': 0 });
  const setting = 'net.ipv4.conf.default.send_redirects: 0';
  assert.deepEqual(scopes(t, files, setting), [
    'HF-SYSCTL-ALL net.ipv4.conf.default.send_redirects is to be 0, but that is not what counts on new interfaces (conf.all.send_redirects is 1): conf.all or the interface’s own is enough',
  ]);
  assert.deepEqual(scopes(t, files, setting, 'net.ipv4.conf.all.send_redirects: 0'), []);
});

test('doctor, sysctl: the larger of conf.all and the interface counts for keys that the kernel joins by "max"', (t) => {
  const files = kernel({ 'rp_filter@all': 1, 'rp_filter@default': 0, 'rp_filter@eth0': 2 });
  assert.deepEqual(scopes(t, files, 'net.ipv4.conf.eth0.rp_filter: 2'), []);
  assert.match(scopes(t, files, 'net.ipv4.conf.eth0.rp_filter: 0')[0] ?? '', /^HF-SYSCTL-ALL .*on eth0 \(conf\.all/);
  assert.match(scopes(t, files, 'net.ipv4.conf.all.rp_filter: 1')[0] ?? '', /^HF-SYSCTL-ALL .*on eth0: the larger/);
});

test('doctor, sysctl: the rule for accept_redirects follows the configured forwarding', (t) => {
  const files = kernel({
    'accept_redirects@all': 0,
    'accept_redirects@default': 1,
    'accept_redirects@eth0': 1,
    'forwarding@all': 0,
    'forwarding@eth0': 0,
  });
  const ip = { 'proc/sys/net/ipv4/ip_forward': '0\n' };
  const all = 'net.ipv4.conf.all.accept_redirects: 0';
  const withoutForwarding = scopes(t, { ...files, ...ip }, all);
  assert.equal(withoutForwarding.length, 1);
  assert.match(withoutForwarding[0] ?? '', /^HF-SYSCTL-ALL .*on eth0/);
  const withIt = scopes(t, { ...files, ...ip }, all, 'net.ipv4.ip_forward: 1');
  assert.deepEqual(
    withIt.map((line) => line.split(' ')[0]),
    ['HF-SYSCTL-FORWARD'],
  );
});

test('doctor, sysctl: for IPv6, conf.all changes interfaces only for a few keys', (t) => {
  const files = kernel(
    { 'accept_redirects@all': 0, 'accept_redirects@eth0': 1, 'forwarding@all': 0, 'forwarding@eth0': 1 },
    6,
  );
  const [found, ...more] = scopes(t, files, 'net.ipv6.conf.all.accept_redirects: 0', 'net.ipv6.conf.all.forwarding: 0');
  assert.match(found ?? '', /^HF-SYSCTL-ALL net\.ipv6\.conf\.all\.accept_redirects is to be 0, but eth0 keep/);
  assert.deepEqual(more, []);
});

test('doctor, sysctl: with --root no value of a running kernel is reported', (t) => {
  const files = kernel({ 'tag@default': 1, 'tag@eth0': 0 });
  assert.deepEqual(
    seenBy(t, sysctlScopesCheck, { files, yaml: 'sysctl: { net.ipv4.conf.default.tag: 1 }', live: false }),
    [],
  );
});

test('doctor, sysctl: for net.ipv6.route.max_size the kernel is asked, and its version only for the bound', (t) => {
  const seen = (release: string, fresh: string, status = 0) => {
    const files = { 'proc/sys/net/ipv6/route/max_size': '9000\n', 'proc/sys/kernel/osrelease': `${release}\n` };
    const unshare = { stdout: `${fresh}\n`, status, stderr: 'unshare failed: Operation not permitted\n' };
    const [found, ...more] = seenBy(t, routeLimitCheck, { files, programs: { unshare } });
    assert.deepEqual(more, []);
    return `${found?.code} ${found?.seen}`;
  };
  assert.match(seen('6.18.1', '2147483647'), /^HF-MAX-SIZE-IGNORED .*is 9000 here and has no effect/);
  assert.match(
    seen('5.10.0-8-amd64', '4096'),
    /^HF-MAX-SIZE-ENFORCED .*exceptions .*5\.10; a vendor’s kernel may differ$/,
  );
  assert.match(seen('4.19.0-20-amd64', '4096'), /^HF-MAX-SIZE-ENFORCED .*cache of destinations/);
  assert.match(seen('5.8.0', '4096'), /exceptions/);
  assert.match(seen('4.17.0', '4096'), /ENOMEM/);
  assert.match(seen('4.18.0', '4096'), /Network is unreachable/);
  assert.match(seen('5.10.0', '2147483647'), /^HF-MAX-SIZE-IGNORED/);
  assert.match(seen('5.10.0', '16384'), /^HF-UNSEEN .*a new network namespace has 16384$/);
  assert.match(seen('5.10.0', '', 1), /^HF-UNSEEN .*Operation not permitted$/);
  assert.deepEqual(seenBy(t, routeLimitCheck, {}), []);
});

const TUNED = {
  'etc/tuned/active_profile': 'router\n',
  'etc/tuned/router/tuned.conf':
    '[main]\ninclude=base\n[sysctl]\nnet.ipv4.tcp_fin_timeout = 20\nnet.core.somaxconn = >2048\n',
  'usr/lib/tuned/profiles/base/tuned.conf':
    '# base\n[mine]\ntype=sysctl\nnet.ipv4.ip_forward=0\n[off]\ntype=sysctl\nenabled=0\nnet.ipv4.tcp_sack=0\n',
};

test('doctor: tuned, whose profile includes another one, counts only where it does not read sysctl.d again', (t) => {
  const yaml = 'sysctl: { net.ipv4.ip_forward: 1, net.ipv4.tcp_sack: 1, net.core.somaxconn: 4096 }\n';
  const at = '/usr/lib/tuned/profiles/base/tuned.conf:4';
  assert.deepEqual(boot(t, TUNED, yaml), [{ code: 'HF-SYSCTL-TUNED', seen: `${at} sets net.ipv4.ip_forward to 0` }]);
  const alone = { ...TUNED, 'etc/tuned/tuned-main.conf': 'daemon = 1\nreapply_sysctl = 0\n' };
  assert.deepEqual(boot(t, alone, yaml), [
    { code: 'HF-SYSCTL-PROGRAM', seen: `tuned sets net.ipv4.ip_forward to 0 after every boot (${at})` },
  ]);
});

test('doctor: tuned puts its variables in; what a function of tuned gives is not known', (t) => {
  const files = (value: string) => ({
    'etc/tuned/active_profile': 'router\n',
    'etc/tuned/tuned-main.conf': 'reapply_sysctl = 0\n',
    'etc/tuned/router-variables.conf': 'on=0\n',
    'etc/tuned/router/tuned.conf': `[variables]\ninclude=/etc/tuned/router-variables.conf\nforward=\${on}\n[sysctl]\nnet.ipv4.ip_forward=${value}\n`,
  });
  const at = '(/etc/tuned/router/tuned.conf:5)';
  const seen = boot(t, files('${forward}'), FORWARD);
  assert.deepEqual(seen, [
    { code: 'HF-SYSCTL-PROGRAM', seen: `tuned sets net.ipv4.ip_forward to 0 after every boot ${at}` },
  ]);
  const unknown = {
    code: 'HF-SYSCTL-PROGRAM',
    seen: `tuned may set net.ipv4.ip_forward to \${f:exec:x} after every boot ${at}`,
  };
  assert.deepEqual(boot(t, files('${f:exec:x}'), FORWARD), [{ ...unknown, severity: 'warning' }]);
});

test('doctor: a script that sets a configured key at boot is named, and one in a condition is a warning', (t) => {
  const rc = (text: string) => ({ 'etc/network/interfaces': `auto eth0\niface eth0 inet dhcp\n  ${text}\n` });
  const at = '/etc/network/interfaces:3';
  assert.deepEqual(boot(t, rc('up sysctl -w net.ipv4.ip_forward=0'), FORWARD), [
    { code: 'HF-SYSCTL-PROGRAM', seen: `ifupdown sets net.ipv4.ip_forward to 0 after every boot (${at})` },
  ]);
  const [seen] = boot(t, rc('up [ -e /x ] && sysctl -w net.ipv4.ip_forward=0'), FORWARD);
  assert.equal(seen?.severity, 'warning');
  assert.deepEqual(boot(t, rc('up sysctl -w net.ipv4.ip_forward=1'), FORWARD), []);
});

test('doctor: what ifupdown writes for an inet6 stanza, also where the stanza does not name it', (t) => {
  const yaml = 'sysctl: { net.ipv6.conf.eth0.accept_ra: 0, net.ipv6.conf.eth0.autoconf: 1 }\n';
  const seen = (stanza: string) =>
    boot(t, { 'etc/network/interfaces': `auto eth0\niface eth0 inet6 ${stanza}\n` }, yaml).map((one) =>
      one.seen.replace(/ after every boot .*:(\d)\)/, ' $1'),
    );
  const sets = (key: string, value: number, line: number) =>
    `ifupdown sets net.ipv6.conf.eth0.${key} to ${value} ${line}`;
  assert.deepEqual(seen('auto'), [sets('accept_ra', 2, 2)]);
  assert.deepEqual(seen('auto\n  accept_ra 0'), []);
  assert.deepEqual(seen('dhcp'), [sets('accept_ra', 1, 2)]);
  assert.deepEqual(seen('static\n  address 2001:db8::5/64'), [sets('autoconf', 0, 2)]);
  assert.deepEqual(seen('static\n  autoconf 1\n  accept_ra 2'), [sets('accept_ra', 2, 4)]);
  assert.deepEqual(seen('manual\n  accept_ra 2'), []);
  const other = { 'etc/network/interfaces': 'auto eth1\niface eth0 inet6 auto\niface eth1 inet dhcp\n' };
  assert.deepEqual(boot(t, other, yaml), []);
});

const LINKS = {
  'run/systemd/netif/links/2': 'NETWORK_FILE=/etc/systemd/network/10-wan.network\n',
  'sys/class/net/eth0/ifindex': '2\n',
  'etc/systemd/network/10-wan.network': '[Match]\nName=eth0\n[Network]\nDHCP=yes\nIPv6PrivacyExtensions=yes\n',
};

test('doctor: what systemd-networkd writes for its links, also where its files do not name it', (t) => {
  const seen = (files: Record<string, string>, ...settings: string[]) =>
    boot(t, { ...LINKS, ...files }, `sysctl: { ${settings.join(', ')} }\n`).map((one) => `${one.code} ${one.seen}`);
  const file = '/etc/systemd/network/10-wan.network';
  assert.deepEqual(seen({}, 'net.ipv6.conf.eth0.accept_ra: 2', 'net.ipv6.conf.eth0.use_tempaddr: 0'), [
    `HF-SYSCTL-PROGRAM systemd-networkd sets net.ipv6.conf.eth0.accept_ra to 0 after every boot (${file}:1)`,
    `HF-SYSCTL-PROGRAM systemd-networkd sets net.ipv6.conf.eth0.use_tempaddr to 2 after every boot (${file}:5)`,
  ]);
  assert.deepEqual(seen({}, 'net.ipv6.conf.eth1.accept_ra: 2', 'net.ipv6.conf.eth0.accept_ra: 0'), []);
  assert.equal(seen({}, 'net.ipv6.conf.eth0.disable_ipv6: 1').length, 1);
  assert.equal(seen({}, 'net.ipv6.conf.eth0.addr_gen_mode: 1').length, 1);
  const mode = {
    'etc/systemd/network/10-wan.network.d/m.conf': '[Network]\nIPv6LinkLocalAddressGenerationMode=random\n',
  };
  assert.deepEqual(seen(mode, 'net.ipv6.conf.eth0.addr_gen_mode: 3'), []);
  const dropIn = {
    'run/systemd/network/10-wan.network.d/x.conf': '[Network]\nLinkLocalAddressing=no\nIPv4ReversePathFilter=loose\n',
  };
  assert.deepEqual(seen(dropIn, 'net.ipv6.conf.eth0.disable_ipv6: 1', 'net.ipv4.conf.eth0.rp_filter: 1'), [
    'HF-SYSCTL-PROGRAM systemd-networkd sets net.ipv4.conf.eth0.rp_filter to 2 after every boot (/run/systemd/network/10-wan.network.d/x.conf:3)',
  ]);
});

test('doctor: what NetworkManager writes for one interface counts where every interface is to forward', (t) => {
  const files = {
    'run/NetworkManager/devices/2': '[device]\nmanaged=true\nconnection-uuid=4f-1\n',
    'sys/class/net/eth0/ifindex': '2\n',
    'etc/NetworkManager/system-connections/wan.nmconnection': '[connection]\nuuid=4f-1\n[ipv6]\nmethod=auto\n',
  };
  const seen = boot(t, files, 'forwarding: { ipv6: true }\n').filter(({ code }) => code === 'HF-SYSCTL-PROGRAM');
  assert.deepEqual(
    seen.map((one) => one.seen),
    [
      'NetworkManager sets net.ipv6.conf.eth0.forwarding to 0 after every boot (/etc/NetworkManager/system-connections/wan.nmconnection:4)',
    ],
  );
});

test('doctor: NetworkManager acts on router advertisements itself, unless its connection leaves IPv6 alone', (t) => {
  const files = (method: string) => ({
    'run/NetworkManager/devices/2': '[device]\nmanaged=full\nconnection-uuid=4f-1\n',
    'sys/class/net/eth0/ifindex': '2\n',
    'etc/NetworkManager/system-connections/wan.nmconnection': `[connection]\nid=wan\nuuid=4f-1\n[ipv6]\nmethod=${method}\n`,
  });
  const yaml = 'sysctl: { net.ipv6.conf.eth0.accept_ra: 2 }\n';
  assert.deepEqual(codes(boot(t, files('auto'), yaml)), ['HF-SYSCTL-PROGRAM']);
  assert.deepEqual(codes(boot(t, files('disabled'), yaml)), ['HF-SYSCTL-PROGRAM']);
  assert.deepEqual(codes(boot(t, files('ignore'), yaml)), []);
  assert.deepEqual(codes(boot(t, files('auto\n[.nmmeta]\nexternal=true'), yaml)), []);
  const other = 'sysctl: { net.ipv6.conf.eth0.use_tempaddr: 2, net.ipv6.conf.eth0.addr_gen_mode: 1 }\n';
  assert.deepEqual(boot(t, files('auto\nip6-privacy=2'), other), []);
  assert.match(
    boot(t, files('ignore\nip6-privacy=0'), other)
      .map(({ seen }) => seen)
      .join(),
    /use_tempaddr to 0 .*addr_gen_mode to 0/,
  );
});

test('doctor: NetworkManager may loosen a strict rp_filter of its device, and leaves other values alone', (t) => {
  const files = (ipv4: string) => ({
    'run/NetworkManager/devices/2': '[device]\nmanaged=full\nconnection-uuid=4f-1\n',
    'sys/class/net/eth0/ifindex': '2\n',
    'etc/NetworkManager/system-connections/wan.nmconnection': `[connection]\nuuid=4f-1\n[ipv4]\nmethod=${ipv4}\n`,
  });
  const seen = (ipv4: string, setting: string) =>
    boot(t, files(ipv4), `sysctl: { ${setting} }\n`).map((one) => `${one.code} ${one.seen}`);
  assert.match(
    seen('auto', 'net.ipv4.conf.eth0.rp_filter: 1').join(),
    /NetworkManager may set net\.ipv4\.conf\.eth0\.rp_filter to 2 after every boot \(.*wan\.nmconnection:\d\)/,
  );
  for (const value of [0, 2]) assert.deepEqual(seen('auto', `net.ipv4.conf.eth0.rp_filter: ${value}`), []);
  assert.deepEqual(seen('auto', 'net.ipv4.conf.eth1.rp_filter: 1'), []);
  assert.deepEqual(seen('disabled', 'net.ipv4.conf.eth0.rp_filter: 1'), []);
});

test('doctor: another name of the variable, conf.all and a key without a value are named with their lines', (t) => {
  for (const [line, yaml, reason] of [
    ['net.ipv4.conf.all.forwarding=0', FORWARD, 'and that is net.ipv4.ip_forward by another name'],
    [
      'net.ipv6.conf.all.disable_ipv6=1',
      'sysctl: { net.ipv6.conf.eth0.disable_ipv6: 0 }\n',
      'sets net.ipv6.conf.eth0.disable_ipv6 with it',
    ],
    ['-net.ipv4.ip_forward', FORWARD, 'takes net.ipv4.ip_forward out of all files before it'],
  ] as const) {
    const [found] = boot(t, { 'etc/sysctl.d/99-z.conf': `\n${line}\n` }, yaml);
    assert.equal(found?.code, 'HF-SYSCTL-OVERRIDDEN');
    assert.ok(found?.seen.startsWith('/etc/sysctl.d/99-z.conf:2 ') && found.seen.includes(reason), found?.seen);
  }
});

test('doctor: a file of sysctl.d that cannot be read is named', (t) => {
  const huge = { 'etc/sysctl.d/99-huge.conf': '#'.repeat(17 * 1024 * 1024) };
  assert.deepEqual(codes(boot(t, huge)), ['HF-SYSCTL-UNREADABLE']);
});
