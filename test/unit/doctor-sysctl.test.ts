import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import { routeLimit } from '../../agent/doctor/route-limit.ts';
import { sysctlBoot } from '../../agent/doctor/sysctl-boot.ts';
import { sysctlScopes } from '../../agent/doctor/sysctl-scopes.ts';
import { codes, seenBy } from './doctor-patient.ts';

const SYSTEMD = { 'usr/lib/systemd/systemd-sysctl': '' };
const FORWARD = 'sysctl: { net.ipv4.ip_forward: 1 }\n';

function boot(t: TestContext, files: Record<string, string>, yaml = FORWARD) {
  return seenBy(t, sysctlBoot, { files: { ...SYSTEMD, ...files }, yaml, live: false });
}

test('a later file that sets another value is a problem, with file and line', (t) => {
  const files = {
    'etc/sysctl.d/60-holdfast.conf': 'net.ipv4.ip_forward = 1\n',
    'etc/sysctl.d/99-local.conf': '# ours\n\nnet/ipv4/ip_forward=0\n',
  };
  assert.deepEqual(boot(t, files), [
    { code: 'HF-SYSCTL-OVERRIDDEN', seen: '/etc/sysctl.d/99-local.conf:3 sets net/ipv4/ip_forward to 0' },
  ]);
});

test('the same value, or a file that is hidden by one of its name, is nothing to speak of', (t) => {
  assert.deepEqual(boot(t, { 'etc/sysctl.d/99-a.conf': 'net.ipv4.ip_forward=1\n' }), []);
  const hidden = { 'usr/lib/sysctl.d/99-a.conf': 'net.ipv4.ip_forward=0\n', 'etc/sysctl.d/99-a.conf': '' };
  assert.deepEqual(boot(t, hidden), []);
});

test('an earlier file is a note; atLeast is heeded', (t) => {
  assert.deepEqual(codes(boot(t, { 'etc/sysctl.d/10-a.conf': 'net.ipv4.ip_forward=0\n' })), ['HF-SYSCTL-ELSEWHERE']);
  const yaml = 'sysctl: { net.ipv6.route.max_size: { atLeast: 5000 } }\n';
  assert.deepEqual(codes(boot(t, { 'etc/sysctl.d/90-a.conf': 'net.ipv6.route.max_size=9000\n' }, yaml)), []);
  const lower = { 'etc/sysctl.d/90-a.conf': 'net.ipv6.route.max_size=4096\n' };
  assert.deepEqual(codes(boot(t, lower, yaml)), ['HF-SYSCTL-OVERRIDDEN']);
});

test('a pattern that fits the key, in its own part of the path', (t) => {
  const yaml = 'sysctl: { net.ipv4.conf.eth0.rp_filter: 1 }\n';
  const seen = (key: string) => codes(boot(t, { 'etc/sysctl.d/50-a.conf': `${key} = 2\n` }, yaml));
  assert.deepEqual(seen('net.ipv4.conf.*.rp_filter'), ['HF-SYSCTL-GLOB']);
  assert.deepEqual(seen('net.ipv4.conf.eth?.rp_filter'), ['HF-SYSCTL-GLOB']);
  assert.deepEqual(seen('net.ipv4.*.rp_filter'), []);
  assert.deepEqual(seen('net.ipv4.conf.wl*.rp_filter'), []);
});

test('/etc/sysctl.conf: by procps alone, unless it is linked into sysctl.d', (t) => {
  const files = { 'etc/sysctl.conf': 'kernel.a=1\nnet.ipv4.ip_forward=0\n' };
  assert.deepEqual(boot(t, files), [
    { code: 'HF-SYSCTL-PROCPS', seen: '/etc/sysctl.conf:2 sets net/ipv4/ip_forward to 0' },
  ]);
  assert.deepEqual(boot(t, { 'etc/sysctl.conf': 'net.ipv4.ip_forward = 1\n' }), []);
});

test('ufw, only where it is enabled', (t) => {
  const files = {
    'etc/ufw/sysctl.conf': 'net/ipv4/ip_forward=0\n',
    'etc/default/ufw': 'IPT_SYSCTL=/etc/ufw/sysctl.conf\n',
  };
  assert.deepEqual(codes(boot(t, { ...files, 'etc/ufw/ufw.conf': 'ENABLED=yes\n' })), ['HF-SYSCTL-UFW']);
  assert.deepEqual(boot(t, { ...files, 'etc/ufw/ufw.conf': 'ENABLED=no\n' }), []);
});

test('nobody reads sysctl.d at boot', (t) => {
  assert.deepEqual(codes(seenBy(t, sysctlBoot, { yaml: FORWARD })), ['HF-SYSCTL-BOOT']);
  assert.deepEqual(seenBy(t, sysctlBoot, { files: { 'etc/init.d/procps': '' }, yaml: FORWARD }), []);
  assert.deepEqual(seenBy(t, sysctlBoot, { yaml: 'dns: { nameservers: [10.0.0.1] }' }), []);
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
  return seenBy(t, sysctlScopes, { files, yaml }).map(({ code, seen }) => `${code} ${seen}`);
}

test('conf.default: the interfaces that keep another value', (t) => {
  const files = kernel({ 'tag@all': 0, 'tag@default': 1, 'tag@lo': 0, 'tag@eth0': 0, 'tag@eth1': 1, 'tag@eth2.5': 0 });
  assert.deepEqual(scopes(t, files, 'net.ipv4.conf.default.tag: 1'), [
    'HF-SYSCTL-DEFAULT net.ipv4.conf.default.tag is to be 1, but it is not on eth0 (0), eth2.5 (0)',
  ]);
  const own = ['net.ipv4.conf.eth0.tag: 1', 'net/ipv4/conf/eth2.5/tag: 1'];
  assert.deepEqual(scopes(t, files, 'net.ipv4.conf.default.tag: 1', ...own), []);
});

test('a crowd of interfaces is named in part', (t) => {
  const many = Object.fromEntries(
    Array.from({ length: 40 }, (_, index) => [`tag@v${String(index).padStart(2, '0')}`, 0]),
  );
  const [found] = scopes(t, kernel({ ...many, 'tag@default': 1 }), 'net.ipv4.conf.default.tag: 1');
  assert.match(found ?? '', /v00 \(0\), .*v05 \(0\) and 34 more$/);
});

test('or: conf.all = 1 makes conf.default = 0 vain', (t) => {
  const files = kernel({ 'send_redirects@all': 1, 'send_redirects@default': 0, 'send_redirects@eth0': 0 });
  const setting = 'net.ipv4.conf.default.send_redirects: 0';
  assert.deepEqual(scopes(t, files, setting), [
    'HF-SYSCTL-ALL net.ipv4.conf.default.send_redirects is to be 0, but that is not what counts on new interfaces (conf.all.send_redirects is 1): conf.all or the interface’s own is enough',
  ]);
  assert.deepEqual(scopes(t, files, setting, 'net.ipv4.conf.all.send_redirects: 0'), []);
});

test('max: a larger conf.all wins over an interface, and an interface over conf.all', (t) => {
  const files = kernel({ 'rp_filter@all': 1, 'rp_filter@default': 0, 'rp_filter@eth0': 2 });
  assert.deepEqual(scopes(t, files, 'net.ipv4.conf.eth0.rp_filter: 2'), []);
  assert.match(scopes(t, files, 'net.ipv4.conf.eth0.rp_filter: 0')[0] ?? '', /^HF-SYSCTL-ALL .*on eth0 \(conf\.all/);
  assert.match(scopes(t, files, 'net.ipv4.conf.all.rp_filter: 1')[0] ?? '', /^HF-SYSCTL-ALL .*on eth0: the larger/);
});

test('accept_redirects: the rule depends on forwarding, as it will be', (t) => {
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

test('IPv6: conf.all changes no interface, but for a few keys', (t) => {
  const files = kernel(
    { 'accept_redirects@all': 0, 'accept_redirects@eth0': 1, 'forwarding@all': 0, 'forwarding@eth0': 1 },
    6,
  );
  const [found, ...more] = scopes(t, files, 'net.ipv6.conf.all.accept_redirects: 0', 'net.ipv6.conf.all.forwarding: 0');
  assert.match(found ?? '', /^HF-SYSCTL-ALL net\.ipv6\.conf\.all\.accept_redirects is to be 0, but eth0 keep/);
  assert.deepEqual(more, []);
});

test('a folder’s kernel is nobody’s: nothing is said of values', (t) => {
  const files = kernel({ 'tag@default': 1, 'tag@eth0': 0 });
  assert.deepEqual(
    seenBy(t, sysctlScopes, { files, yaml: 'sysctl: { net.ipv4.conf.default.tag: 1 }', live: false }),
    [],
  );
});

test('net.ipv6.route.max_size: the kernel is asked, and its version only for what is bounded', (t) => {
  const seen = (release: string, fresh: string, status = 0) => {
    const files = { 'proc/sys/net/ipv6/route/max_size': '9000\n', 'proc/sys/kernel/osrelease': `${release}\n` };
    const unshare = { stdout: `${fresh}\n`, status, stderr: 'unshare failed: Operation not permitted\n' };
    const [found, ...more] = seenBy(t, routeLimit, { files, programs: { unshare } });
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
  assert.deepEqual(seenBy(t, routeLimit, {}), []);
});
