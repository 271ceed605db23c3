/** Doctor names the neighbouring hooks that undo or break ours, with file and line. */
import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import { apparmorCheck } from '../../../agent/doctor/checks/apparmor-check.ts';
import { hooksCheck } from '../../../agent/doctor/checks/hooks-check.ts';
import { programsCheck } from '../../../agent/doctor/checks/programs-check.ts';
import { codes, type Patient, seenBy } from '../../parts/doctor-patient.ts';

const SCRIPT = '#!/bin/sh\nrun_hookdir /etc/dhcp/dhclient-enter-hooks.d\n';
const ENTER = 'etc/dhcp/dhclient-enter-hooks.d';
const EXIT = 'etc/dhcp/dhclient-exit-hooks.d';

function look(t: TestContext, files: Record<string, string>) {
  return seenBy(t, hooksCheck, { files: { 'sbin/dhclient-script': SCRIPT, ...files } });
}

function told(t: TestContext, files: Record<string, string>): string[] {
  return look(t, files).map(({ code, severity }) => (severity === undefined ? code : `${code} ${severity}`));
}

test('doctor, hooks: our own hooks and harmless neighbours have no finding', (t) => {
  const files = {
    [`${ENTER}/zz-holdfast`]: 'make_resolv_conf() { :; }\n',
    [`${EXIT}/zz-holdfast`]: 'exit 1\n',
    [`${ENTER}/debug`]: 'RUN=no\nif [ "$RUN" = yes ]; then\n  cat /etc/resolv.conf >>/tmp/debug\nfi\n',
    [`${EXIT}/ntp`]: 'f() {\n  return 1\n}\ncase $reason in\nBOUND | RENEW) f ;;\nesac\n',
  };
  assert.deepEqual(look(t, files), []);
});

test('doctor, hooks: a hook of a dhclient that never runs here is no concern, and certain faults are notes', (t) => {
  const files = {
    'sbin/dhclient-script': SCRIPT,
    [`${EXIT}/resolved`]: 'resolvectl dns "$interface" $new_domain_name_servers\n',
    [`${EXIT}/broken`]: 'exit 1\n',
    'sys/class/net/eth0/ifindex': '2\n',
    'run/systemd/netif/leases/2': '',
  };
  const others = { 'systemd-network': { 4: '/lib/systemd/systemd-networkd' } };
  const told = (patient: Patient) => {
    return seenBy(t, hooksCheck, { files, ...patient }).map(({ code, severity }) => `${code} ${severity}`);
  };
  assert.deepEqual(told({ others }), ['HF-HOOK-EXIT note']);
  assert.deepEqual(told({}), ['HF-HOOK-EXIT undefined', 'HF-HOOK-UNKNOWN undefined']);
});

test('doctor, hooks: without dhclient there is no finding', (t) => {
  assert.deepEqual(seenBy(t, hooksCheck, { files: { 'etc/other/a': 'exit' } }), []);
});

test('doctor, hooks: another make_resolv_conf is a problem after ours, and none before ours or at exit', (t) => {
  const text = 'make_resolv_conf() {\n  :\n}\n';
  assert.deepEqual(told(t, { [`${ENTER}/resolvconf`]: text }), []);
  assert.deepEqual(told(t, { [`${ENTER}/zzz`]: text }), ['HF-HOOK-AFTER', 'HF-HOOK-REDEFINES']);
  assert.deepEqual(told(t, { [`${EXIT}/zzz`]: text }), []);
  assert.deepEqual(told(t, { 'etc/dhcp/dhclient-enter-hooks': text }), []);
});

test('doctor, hooks: a line that writes resolv.conf is reported with its place', (t) => {
  const [found, ...more] = look(t, { [`${EXIT}/old`]: '# resolvers\necho "nameserver 10.0.0.1" > /etc/resolv.conf\n' });
  assert.deepEqual(more, []);
  assert.equal(found?.code, 'HF-HOOK-WRITES');
  assert.equal(found?.severity, 'problem');
  assert.equal(found?.seen, '/etc/dhcp/dhclient-exit-hooks.d/old:2: echo "nameserver 10.0.0.1" > /etc/resolv.conf');
});

test('doctor, hooks: commands that write resolv.conf are told from those that only read it', (t) => {
  const writes = (line: string) => codes(look(t, { [`${ENTER}/a`]: `${line}\n` })).includes('HF-HOOK-WRITES');
  for (const line of [
    'echo a >>/etc/resolv.conf',
    'cat a >| "/etc/resolv.conf"',
    'cp /run/a /etc/resolv.conf',
    'mv -f a /etc/resolv.conf || :',
    "sed -i 's/a/b/' /etc/resolv.conf",
    'echo a | tee -a /etc/resolv.conf >/dev/null',
    'ln -sf /run/a /etc/resolv.conf; b',
  ]) {
    assert.ok(writes(line), line);
  }
  for (const line of [
    'grep a /etc/resolv.conf >b',
    'cp /etc/resolv.conf /run/copy',
    'while read a; do b; done </etc/resolv.conf',
    'echo a >/etc/resolv.conf.bak',
    '# echo a >/etc/resolv.conf',
  ]) {
    assert.ok(!writes(line), line);
  }
});

test('doctor, hooks: a hook with a syntax error is reported', (t) => {
  const [found, ...more] = look(t, { [`${ENTER}/broken`]: 'if then (\n' });
  assert.deepEqual(more, []);
  assert.equal(found?.code, 'HF-HOOK-SYNTAX');
  assert.match(found?.seen ?? '', /^\/etc\/dhcp\/dhclient-enter-hooks\.d\/broken: sh -n says: .*syntax error/i);
});

test('doctor, hooks: the shell of dhclient-script decides what is a syntax error', (t) => {
  const files = { [`${ENTER}/a`]: 'a=(b c)\n' };
  assert.deepEqual(told(t, files), ['HF-HOOK-SYNTAX']);
  assert.deepEqual(told(t, { ...files, 'sbin/dhclient-script': SCRIPT.replace('/bin/sh', '/bin/bash') }), []);
});

test('doctor, hooks: `exit` ends the script, and in a function it may', (t) => {
  assert.deepEqual(told(t, { [`${ENTER}/a`]: '[ -x /b ] || exit 0\n' }), ['HF-HOOK-EXIT']);
  assert.deepEqual(told(t, { [`${ENTER}/a`]: 'die() {\n  exit 1\n}\n' }), ['HF-HOOK-EXIT warning']);
  assert.deepEqual(told(t, { [`${ENTER}/a`]: '( exit 1 )\n' }), []);
  for (const text of ['exec /opt/hook "$reason"', '[ -x /b ] && exec /b', 'kill -9 $$', 'kill "${$}"'])
    assert.deepEqual(told(t, { [`${ENTER}/a`]: `${text}\n` }), ['HF-HOOK-EXIT'], text);
  for (const text of ['exec 3>/run/log', '( exec /b )', 'kill "$pid"'])
    assert.deepEqual(told(t, { [`${ENTER}/a`]: `${text}\n` }), [], text);
});

test('doctor, hooks: `set -e` and `set -u` are reported unless the hook takes them back', (t) => {
  const of = (text: string) => told(t, { [`${ENTER}/a`]: text });
  for (const text of ['set -e', 'set -u', 'set -xe', 'set -o errexit', 'set -x -o nounset', 'set +e\nset -e']) {
    assert.deepEqual(of(`${text}\n`), ['HF-HOOK-SHELL-OPTION'], text);
  }
  for (const text of ['set -x', 'set -- -e', 'set +e', 'set -e\na\nset +e', 'set -u\nset +o nounset', '(set -e; a)']) {
    assert.deepEqual(of(`${text}\n`), [], text);
  }
  assert.deepEqual(of('set -e\nset +u\n'), ['HF-HOOK-SHELL-OPTION']);
});

test('doctor, hooks: a name that run-parts skips is reported, except leftovers of editors and packages', (t) => {
  const found = look(t, {
    [`${ENTER}/resolv.sh`]: 'exit 1\n',
    [`${EXIT}/a.dpkg-old`]: '',
    [`${EXIT}/a~`]: '',
    [`${EXIT}/.b`]: '',
  });
  assert.deepEqual(found, [{ code: 'HF-HOOK-IGNORED', seen: '/etc/dhcp/dhclient-enter-hooks.d/resolv.sh' }]);
});

test('doctor, hooks: in RHEL’s shared hook our block is skipped, and other lines keep their numbers', (t) => {
  const files = {
    'sbin/dhclient-script': '#!/bin/bash\nETCDIR="/etc/dhcp"\n. ${ETCDIR}/dhclient-enter-hooks\n',
    'etc/dhcp/dhclient-enter-hooks':
      '#!/bin/sh\n# BEGIN holdfast\nmake_resolv_conf() { exit 1; }\n# END holdfast\nexit 2\n',
  };
  const found = seenBy(t, hooksCheck, { files });
  assert.deepEqual(found, [{ code: 'HF-HOOK-EXIT', seen: '/etc/dhcp/dhclient-enter-hooks:5: exit 2' }]);
});

test('doctor, hooks: an AppArmor profile is reported only if it confines the script', (t) => {
  const of = (mode: string, more = {}) => {
    const profile = `/{,usr/}sbin/dhclient {\n  /etc/dhcp/dhclient-script Uxr,\n  /{,usr/}sbin/dhclient-script   ${mode},\n}\n`;
    return seenBy(t, apparmorCheck, { files: { 'etc/apparmor.d/sbin.dhclient': profile, ...more } });
  };
  assert.deepEqual(of('Uxr'), []);
  const [found] = of('ixr');
  assert.equal(found?.code, 'HF-APPARMOR');
  assert.equal(found?.seen, '/etc/apparmor.d/sbin.dhclient:3: /{,usr/}sbin/dhclient-script   ixr,');
  assert.deepEqual(of('ixr', { 'etc/apparmor.d/disable/sbin.dhclient': '' }), []);
});

test('doctor, hooks: missing programs are reported with the consequence', (t) => {
  const all = { 'usr/bin/flock': '', 'bin/cp': '', 'bin/sh': '', 'bin/mv': '', 'sbin/ip': '', 'usr/bin/unshare': '' };
  const script = { 'sbin/dhclient-script': SCRIPT };
  assert.deepEqual(seenBy(t, programsCheck, { files: { ...all, ...script } }), []);
  const { 'sbin/ip': _, 'usr/bin/unshare': __, ...some } = all;
  assert.deepEqual(seenBy(t, programsCheck, { files: some }), []);
  const found = seenBy(t, programsCheck, { files: { ...some, ...script } });
  assert.deepEqual(
    found.map(({ seen }) => seen.split(' ')[0]),
    ['ip', 'unshare'],
  );
});
