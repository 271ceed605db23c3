/** What can be known of other people's hooks by reading them: that they leave resolv.conf alone, or that nothing is known. */

import assert from 'node:assert/strict';
import { appendFileSync } from 'node:fs';
import { type TestContext, test } from 'node:test';
import { Hooks } from '../../../../agent/clients/dhclient/kept-hooks.ts';
import { doubtsIn } from '../../../../agent/clients/shell/harmless.ts';
import type { ShellCommand } from '../../../../agent/clients/shell/shell.ts';
import { hooksCheck } from '../../../../agent/doctor/checks/hooks-check.ts';
import { Host } from '../../../../agent/host/host.ts';
import { clientSurroundings } from '../../../parts/client-surroundings.ts';
import { WHOLE } from '../../../parts/desired.ts';
import { DEBIAN_SCRIPT } from '../../../parts/dhclient-scripts.ts';
import { codes, seenOn } from '../../../parts/doctor-patient.ts';
import { scratch } from '../../../parts/scratch.ts';

const HARMLESS = [
  '',
  '# rm /etc/resolv.conf\n:\n',
  'echo "$new_domain_name_servers" >>/var/log/leases 2>&1',
  'CONF=/run/ntp.conf.dhcp\ncat <<EOF >${CONF}.new\nserver $new_ntp_servers\nEOF\nmv ${CONF}.new "$CONF"\nsystemctl try-restart ntp',
  'echo server >"/run/chrony-dhcp/$interface.sources" && chronyc reload sources >/dev/null',
  'f() { rm -f /run/x; }\nfunction g {\n  f\n}\ncase $reason in BOUND) g ;; esac',
  'set -- $new_rfc3442_classless_static_routes\nwhile [ $# -gt 0 ]; do shift; ip -4 route add "$1" dev "$interface"; done',
  'for v in a b; do eval "content=\\$$v"; done',
  'sed -i s/a/b/ /etc/hosts; sed s/a/b/ /etc/resolv.conf >/tmp/copy; grep -q a /etc/resolv.conf || logger none',
  'cp -p /etc/resolv.conf /var/backups/resolv.conf; chmod 600 /var/backups/resolv.conf',
  'f() { rm -f /run/x; }\ntrap f EXIT\ntrap - INT\ntrap "" HUP\ntrap \'rm -f /run/y\' 0',
  'if (( $# > 1 )); then echo "$(date): $(hostname)" >/tmp/log; fi',
];

const UNKNOWN = [
  'rm -f /etc/resolv.conf',
  'trap "cp /run/mine /etc/resolv.conf" EXIT',
  "trap -- 'update-dns' 0",
  'unlink /etc/resolv.conf',
  'command rm /etc/resolv.conf',
  'F=/etc/resolv.conf\ncat /run/mine >$F',
  'DIR=/etc\nNAME=resolv.conf\necho a >"$DIR/$NAME"',
  'mv /run/mine "$target"',
  'cp /run/mine /etc',
  'cp -t /etc /run/resolv.conf',
  'ln -sf /run/mine /etc/resolv.conf',
  'ln -s /run/mine /etc/../etc/resolv.conf',
  'cd /etc && echo a >resolv.conf',
  'rm /etc/re*',
  'F=/tmp/x\nF=$1\nrm "$F"',
  '(sleep 5; rm /etc/resolv.conf) &',
  'x=$(rm /etc/resolv.conf)',
  'cat >/tmp/a <<EOF\n$(update)\nEOF',
  'f() { echo a; } >/etc/resolv.conf',
  'while read -r a; do echo $a; done </run/b >/etc/resolv.conf',
  'exec 3>/etc/resolv.conf',
  'perl -pi -e s/a/b/ /etc/resolv.conf',
  'python3 /opt/dns.py',
  '/usr/local/bin/update-dns',
  '$COMMAND',
  'eval "$COMMAND"',
  '. /usr/local/lib/dns.sh',
  'dd if=/run/mine of=/etc/resolv.conf',
  'chattr +i /etc/resolv.conf',
  'chmod 0 /etc/resolv.conf',
  'sort -o /etc/resolv.conf /run/mine',
  'awk \'{ print > "/etc/resolv.conf" }\' /run/mine',
  'systemctl restart systemd-resolved',
  'env rm /etc/resolv.conf',
  'unset -f make_resolv_conf',
  'read -r new_routers </run/router',
  'find /etc -name resolv.conf -delete',
];

test('harmless commands: a hook is harmless where each command is known and writes a file that is told from resolv.conf', () => {
  for (const text of HARMLESS) assert.deepEqual(doubtsIn(text), [], text);
});

test('harmless commands: no other command counts as harmless', () => {
  for (const text of UNKNOWN) assert.notDeepEqual(doubtsIn(text), [], text);
});

const never = ({ words }: ShellCommand) => words.join(' ') === 'test x';
const HAZARD = 'rm -f /etc/resolv.conf';

test('hooks: a command does not run if an `if` guards it by a command that always fails', () => {
  for (const text of [
    `if test x >/dev/null 2>&1; then\n  ${HAZARD}\nfi`,
    `if test x; then if true; then echo; fi fi\nif test x; then ${HAZARD}; fi`,
    `if test x; then\n  case $a in b) ${HAZARD} ;; esac\n  for a in b; do c=$(${HAZARD}); done\nfi\n`,
    `if test x\nthen\n  f() { (${HAZARD}); }\nfi\n`,
  ])
    assert.deepEqual(doubtsIn(text, [], never), [], text);
});

test('hooks: a command counts beside such an `if`, in its other parts, and where the condition is more than that', () => {
  for (const text of [
    `if test x; then echo; fi\n${HAZARD}`,
    `if test x; then echo; else ${HAZARD}; fi`,
    `if test x; then echo; elif true; then ${HAZARD}; fi`,
    `if ! test x; then ${HAZARD}; fi`,
    `if test x || true; then ${HAZARD}; fi`,
    `if true; test x; then ${HAZARD}; fi`,
    `if test x; ${HAZARD}; then echo; fi`,
    `if ${HAZARD}; test x; then echo; fi`,
    `if test x; then if true; then echo; fi fi; ${HAZARD}`,
    `if test x; then while true; do echo; done fi\n${HAZARD}`,
    `if test x; then { echo; } fi\n${HAZARD}`,
    `if test x; then cat <<E\nif\nE\nfi\n${HAZARD}`,
    `if test x; then echo if; fi\n${HAZARD}`,
    `while test x; do ${HAZARD}; done`,
    `if test y; then ${HAZARD}; fi`,
  ])
    assert.notDeepEqual(doubtsIn(text, [], never), [], text);
});

test('harmless commands: where resolv.conf is a link, the file that it leads to counts too', () => {
  assert.deepEqual(doubtsIn('rm /run/resolvconf/resolv.conf'), []);
  const [found] = doubtsIn('\nrm /run/resolvconf/resolv.conf', ['/run/resolvconf/resolv.conf']);
  assert.deepEqual(found, { line: 2, why: 'it runs rm on /run/resolvconf/resolv.conf' });
});

const RHEL =
  '#!/bin/bash\nETCDIR="/etc/dhcp"\n[ -x ${ETCDIR}/dhclient-enter-hooks ] && . ${ETCDIR}/dhclient-enter-hooks\n';

/** How the lease stands on a host with our hooks and these files, why, and the codes of doctor. */
async function lease(t: TestContext, script: string, files: Record<string, string>, after = '') {
  const host = new Host({ root: scratch(t, { 'sbin/dhclient-script': script, ...files }) });
  const ours = () => new Hooks(host, WHOLE, clientSurroundings(host));
  for (const finding of await ours().inspect()) await ours().apply(finding);
  if (after !== '') appendFileSync(host.locate('/etc/dhcp/dhclient-enter-hooks'), after);
  const [enter] = await ours().inspect();
  const { state, reason = '' } = (await enter!.settings()).find(({ setting }) => setting === 'dns.nameservers')!;
  const told = seenOn(host, hooksCheck, {});
  return { state, reason, doctor: codes(told), seen: told.map((one) => one.seen) };
}

test('RHEL: what stands below our block has the last word, in the spelling of bash too', async (t) => {
  for (const text of [
    'function make_resolv_conf {\n  :\n}\n',
    'unset -f make_resolv_conf\n',
    '. /etc/sysconfig/dns\n',
  ]) {
    const { state, reason } = await lease(t, RHEL, {}, text);
    assert.equal(state, 'unknown', text);
    assert.match(reason, /dhclient-enter-hooks:\d+: /, text);
  }
});

test("harmless commands: Debian's exit hooks are judged", async (t) => {
  const exit = (text: string) => lease(t, DEBIAN_SCRIPT, { 'etc/dhcp/dhclient-exit-hooks.d/site': text });
  const known = await exit('[ "$reason" = BOUND ] && logger "$new_ip_address"\n');
  assert.deepEqual([known.state, known.reason, known.doctor], ['ok', '', []]);
  const removed = await exit('[ "$reason" = BOUND ] && rm -f /etc/resolv.conf\n');
  assert.deepEqual([removed.state, removed.doctor], ['unknown', ['HF-HOOK-WRITES']]);
  assert.match(removed.reason, /has the last word \(\/etc\/dhcp\/dhclient-exit-hooks\.d\/site:1/);
  const unknown = await exit('#\n/usr/local/bin/register "$new_ip_address"\n');
  assert.deepEqual([unknown.state, unknown.doctor], ['unknown', ['HF-HOOK-UNKNOWN']]);
  assert.match(unknown.reason, /site:2: it runs \/usr\/local\/bin\/register\): `agent rehearse`/);
});

test('Debian 13: its own hook for systemd-resolved counts only where the host has that', async (t) => {
  const text = `if systemctl is-enabled systemd-resolved > /dev/null 2>&1; then
    . "/run/network/isc-dhcp-v4-$interface"
    resolvectl dns "$ifindex" $DNS
    systemctl try-restart systemd-resolved
fi
`;
  const hook = { 'etc/dhcp/dhclient-exit-hooks.d/resolved': text };
  const without = await lease(t, DEBIAN_SCRIPT, hook);
  assert.deepEqual([without.state, without.doctor], ['ok', []]);
  for (const unit of ['usr/lib/systemd/system/systemd-resolved.service', 'etc/init.d/systemd-resolved']) {
    const { state, doctor, seen, reason } = await lease(t, DEBIAN_SCRIPT, { ...hook, [unit]: '' });
    assert.deepEqual([state, doctor], ['unknown', ['HF-HOOK-UNKNOWN']], 'one finding for the hook');
    assert.match(seen[0]!, /resolved:2: it sources .*; also lines 3, 4$/);
    assert.equal(reason.match(/agent rehearse/g)?.length, 1, 'and one sentence of status');
    assert.match(reason, /resolved:2: it sources .*; also lines 3, 4\): /);
  }
});

test('harmless commands: status and doctor agree on a hook that ends the script', async (t) => {
  for (const [text, code] of [
    ['[ -x /b ] || exit 0\n', 'HF-HOOK-EXIT'],
    ['exec /b\n', 'HF-HOOK-EXIT'],
    ['set -eu\n', 'HF-HOOK-SHELL-OPTION'],
    ['if then (\n', 'HF-HOOK-SYNTAX'],
  ] as const) {
    for (const folder of ['dhclient-enter-hooks.d', 'dhclient-exit-hooks.d']) {
      const { state, reason, doctor } = await lease(t, DEBIAN_SCRIPT, { [`etc/dhcp/${folder}/aaa`]: text });
      assert.deepEqual([state, doctor.includes(code)], ['unknown', true], `${folder} ${text}`);
      assert.match(reason, new RegExp(`may end dhclient-script before its time \\(/etc/dhcp/${folder}/aaa`));
    }
  }
});

const LASTING = [
  '(sleep 5; echo nameserver 9.9.9.9 >/etc/resolv.conf) &',
  'update() {\n  rm /etc/resolv.conf\n}\nupdate >/dev/null 2>&1 &',
  'nohup /usr/local/bin/update-dns',
  'setsid sh -c "cp /run/mine /etc/resolv.conf"',
  'trap "cp /run/mine /etc/resolv.conf" EXIT',
  'f() { cp /run/mine /etc/resolv.conf; }\ntrap f 0',
  'printf() {\n  :\n}',
  'function mv { :; }',
  "alias printf='echo -n'",
  'make_resolv_conf() { :; }\nreadonly -f make_resolv_conf',
  'declare -fr make_resolv_conf',
  'enable -n printf',
  'ulimit -f 0',
  '[ "$reason" = RENEW ] && reason=NONE',
  'export interface=eth9',
];

const FLEETING = [
  'echo nameserver 9.9.9.9 >/etc/resolv.conf',
  'make_resolv_conf() {\n  /sbin/resolvconf -a "$interface.dhclient"\n}',
  '/usr/local/bin/register "$reason" 2>&1 && logger done &>/dev/null',
  '(sleep 1; logger later) &',
  'trap - EXIT\ntrap "rm -f /run/lock/mine" EXIT',
  '# reason=NONE &\nif [ "$reason" = BOUND ]; then new_reason=x; fi',
  'ulimit -c 0; alias ll="ls -l"; readonly SITE=a',
];

test('a hook that comes before ours may act after it: in the background, by a trap, or on what our hook runs', async (t) => {
  const before = (text: string) => lease(t, DEBIAN_SCRIPT, { 'etc/dhcp/dhclient-enter-hooks.d/aaa': text });
  for (const text of LASTING) {
    const { state, reason, doctor } = await before(text);
    assert.deepEqual([state, doctor.includes('HF-HOOK-UNKNOWN')], ['unknown', true], text);
    assert.match(reason, /dhclient-enter-hooks\.d\/aaa:\d+: .*`agent rehearse` plays it/, text);
  }
  const sourced = {
    'etc/site.sh': 'trap "rm /etc/resolv.conf" 0\n',
    'etc/dhcp/dhclient-enter-hooks.d/aaa': '. /etc/site.sh\n',
  };
  assert.match((await lease(t, DEBIAN_SCRIPT, sourced)).reason, /\/etc\/site\.sh:1: /);
  assert.match((await before('. "$SITE"\n')).reason, /aaa:1: it sources \$SITE/);
  assert.equal((await before('. /etc/none.sh\n')).state, 'ok');
  for (const text of FLEETING) {
    const { state, reason, doctor } = await before(text);
    assert.deepEqual([state, reason, doctor.includes('HF-HOOK-UNKNOWN')], ['ok', '', false], text);
  }
});

test('harmless commands: a hook that has the shell carry out nothing more ends dhclient-script, whatever stands below', async (t) => {
  for (const text of ['set -n\nset +n\n', '[ -x /b ] || set -o noexec\n']) {
    const { state, doctor } = await lease(t, DEBIAN_SCRIPT, { 'etc/dhcp/dhclient-enter-hooks.d/aaa': text });
    assert.deepEqual([state, doctor.includes('HF-HOOK-SHELL-OPTION')], ['unknown', true], text);
  }
});

test('RHEL: the scripts of dhclient.d, which its script sources when resolv.conf is made', async (t) => {
  const script = `${RHEL}for f in \${ETCDIR}/dhclient.d/*.sh ; do\n  if [ -x "\${f}" ]; then . \${f}; fi\ndone\n`;
  // From chrony's package.
  const chrony = `SERVERFILE=/var/lib/dhclient/chrony.servers.$interface
chrony_config() {
  rm -f "$SERVERFILE"
  for server in $new_ntp_servers; do
    echo "$server iburst" >>"$SERVERFILE"
  done
  /usr/libexec/chrony-helper update-daemon || :
}
`;
  const known = await lease(t, script, { 'etc/dhcp/dhclient.d/chrony.sh': `#!/bin/bash\n${chrony}` });
  assert.deepEqual([known.state, known.reason, known.doctor], ['ok', '', []]);
  const writes = '#!/bin/bash\ndns_config() {\n  echo nameserver 9.9.9.9 >/etc/resolv.conf\n}\n';
  const found = await lease(t, script, { 'etc/dhcp/dhclient.d/dns.sh': writes });
  assert.deepEqual([found.state, found.doctor], ['unknown', ['HF-HOOK-WRITES']]);
  assert.match(found.reason, /dhclient\.d\/dns\.sh:3: /);
  const unsure = await lease(t, script, { 'etc/dhcp/dhclient.d/dns.sh': '#!/bin/bash\ndns_config() { /opt/dns; }\n' });
  assert.deepEqual([unsure.state, unsure.doctor], ['unknown', ['HF-HOOK-UNKNOWN']]);
  // Passed over: no run bit, another name, and a script that sources no such folder.
  const idle = {
    'etc/dhcp/dhclient.d/dns.sh': writes.replace('#!/bin/bash\n', ''),
    'etc/dhcp/dhclient.d/dns.sh.bak': writes,
  };
  assert.equal((await lease(t, script, idle)).state, 'ok');
  assert.equal((await lease(t, RHEL, { 'etc/dhcp/dhclient.d/dns.sh': writes })).state, 'ok');
});
