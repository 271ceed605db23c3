/** dhclient-scripts themselves: the lease is held only if the script lets our hooks have the last word. */

import assert from 'node:assert/strict';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { type TestContext, test } from 'node:test';
import fc from 'fast-check';
import { hookPlaces } from '../../../../../agent/clients/dhclient/hooks/hook-places.ts';
import { Hooks } from '../../../../../agent/clients/dhclient/kept-hooks.ts';
import { scriptDoubts } from '../../../../../agent/clients/dhclient/script/script-verdict.ts';
import { dhcpClientsCheck } from '../../../../../agent/doctor/checks/dhcp-clients-check.ts';
import { Host } from '../../../../../agent/host/host.ts';
import { clientSurroundings } from '../../../../parts/client-surroundings.ts';
import { WHOLE } from '../../../../parts/desired.ts';
import { DEBIAN_SCRIPT, ISC_SCRIPT, RHEL_FUNCTIONS, RHEL_SCRIPT } from '../../../../parts/dhclient-scripts.ts';
import { codes, seenOn } from '../../../../parts/doctor-patient.ts';
import { scratch } from '../../../../parts/scratch.ts';

const PATH = '/sbin/dhclient-script';
const FUNCTIONS = { 'etc/sysconfig/network-scripts/network-functions': RHEL_FUNCTIONS };

/** `about: why` of each doubt, with `?` if it is not certain. */
function doubts(t: TestContext, script: string, files: Record<string, string> = {}, family: 4 | 6 = 4): string[] {
  const host = new Host({ root: scratch(t, { [PATH.slice(1)]: script, ...files }) });
  return scriptDoubts(host, PATH, hookPlaces(host)!, family).map(
    ({ about, certain, why }) => `${about}${certain ? '' : '?'}: ${why.replaceAll(`${PATH}:`, ':')}`,
  );
}

/** The script with one text replaced. */
function changed(script: string, from: string, to: string): string {
  assert.equal(script.split(from).length, 2, from);
  return script.replace(from, () => to);
}

const ENTERS = 'run_hook /etc/dhcp/dhclient-enter-hooks\nrun_hookdir /etc/dhcp/dhclient-enter-hooks.d\n';
const before = (lines: string) => changed(DEBIAN_SCRIPT, ENTERS, `${lines}\n${ENTERS}`);
const after = (lines: string) => changed(DEBIAN_SCRIPT, ENTERS, `${ENTERS}${lines}\n`);
const inLease = (lines: string) =>
  changed(DEBIAN_SCRIPT, '        fi\n        make_resolv_conf\n', `        fi\n        make_resolv_conf\n${lines}\n`);

test('dhclient-script: the scripts of distributions let our hooks have the last word', (t) => {
  for (const family of [4, 6] as const) {
    assert.deepEqual(doubts(t, DEBIAN_SCRIPT, {}, family), []);
    assert.deepEqual(doubts(t, RHEL_SCRIPT, FUNCTIONS, family), []);
    assert.deepEqual(doubts(t, ISC_SCRIPT, {}, family), []);
  }
});

const INSTALLED = '/usr/sbin/dhclient-script';
test('dhclient-script: a script that runs another one is judged together with it', (t) => {
  const own = (text: string) => ({ 'usr/local/sbin/own': text });
  const around = (call: string) => `#!/bin/sh\nlogger "$reason"\n${call} /usr/local/sbin/own-dhclient-script "$@"\n`;
  const files = (text: string) => ({ 'usr/local/sbin/own-dhclient-script': text });
  for (const call of ['exec', '', '.']) {
    assert.deepEqual(doubts(t, around(call), { ...files(DEBIAN_SCRIPT), ...own('') }), [], call);
    const [found] = doubts(t, around(call), files(inLease(': >/etc/resolv.conf')));
    assert.match(found!, /^dns: writes .*own-dhclient-script:57: : >\/etc\/resolv\.conf\)/, call);
  }
  const [late] = doubts(t, `${around('')}: >/etc/resolv.conf\n`, files(DEBIAN_SCRIPT));
  assert.match(late!, /^dns: writes \/etc\/resolv\.conf itself \(:4: : >/);
});

test('dhclient-script: the script of this machine lets our hooks have the last word', {
  skip: !existsSync(INSTALLED),
}, (t) => {
  const text = readFileSync(INSTALLED, 'latin1');
  for (const family of [4, 6] as const) assert.deepEqual(doubts(t, text, {}, family), []);
});

const HARMLESS: Record<string, string> = {
  'an end for other events': before('[ "$reason" = PREINIT ] && exit 0'),
  'an end for other events, in a case': before('case $reason in MEDIUM|ARP*) exit 0 ;; esac'),
  'an end under a test of a file that is missing': before('if [ -e /etc/no-dhcp ]; then\n  exit 0\nfi'),
  'an end in a subshell': before('(cd /gone || exit 1)\nx=$(exit 2)'),
  'an end in a function that is not called': before('die() { exit 1; }'),
  'a setting that decides': before('HOOKS=yes\nif [ "$HOOKS" = no ]; then exit 0; fi'),
  'make_resolv_conf defined again before the hooks': before('make_resolv_conf() { echo >/etc/resolv.conf; }'),
  'a function that writes and is not called': after('site() { echo >/etc/resolv.conf; }'),
  'a writer of another file': inLease('echo "$new_domain_name_servers" >/run/offered\ncp /etc/resolv.conf /root/copy'),
  'a temporary file': inLease('tmp=$(mktemp /tmp/x.XXXX)\necho a >"$tmp"\nrm -f "$tmp"'),
  'a write at the end of a lease, before the exit hook': changed(
    DEBIAN_SCRIPT,
    'EXPIRE|FAIL|RELEASE|STOP)\n',
    'EXPIRE|FAIL|RELEASE|STOP)\n        cp /var/lib/saved /etc/resolv.conf\n',
  ),
};

test('dhclient-script: harmless changes of a script hinder no hook', (t) => {
  for (const [name, script] of Object.entries(HARMLESS)) assert.deepEqual(doubts(t, script), [], name);
});

/** A changed script, and its doubts without the rest of the sentence. */
const HARMFUL: Record<string, [script: string, ...expected: string[]]> = {
  'an end': [before('exit 0'), "all: ends without sourcing Holdfast's hook (:44: exit 0)"],
  'an end in a function that is called': [
    before('done_here() { exit 0; }\ndone_here'),
    "all: ends without sourcing Holdfast's hook (:44: exit 0)",
  ],
  'another program instead': [
    before('exec /usr/local/sbin/script "$@"'),
    'all: ends without sourcing Holdfast\'s hook (:44: exec /usr/local/sbin/script "$@")',
  ],
  'another shell program instead': [
    before('exec /usr/local/sbin/own "$@"'),
    'all: ends without sourcing Holdfast\'s hook (:44: exec /usr/local/sbin/own "$@")',
  ],
  'an end at some events': [
    before('case "$reason" in RENEW|REBIND) exit 0 ;; esac'),
    "all: ends without sourcing Holdfast's hook (:44: exit 0) at RENEW, REBIND",
  ],
  'an end under an unknown condition': [
    before('grep -q "$interface" /etc/own || exit 0'),
    "all?: may end without sourcing Holdfast's hook (:44: exit 0)",
  ],
  'an end under a test of a file that exists': [
    before('test -f /sbin/dhclient-script && { logger x; exit 0; }'),
    "all: ends without sourcing Holdfast's hook (:44: exit 0)",
  ],
  'the hooks only at some events': [
    changed(DEBIAN_SCRIPT, ENTERS, `if [ "$reason" = BOUND ]; then\n${ENTERS}fi\n`),
    "all: ends without sourcing Holdfast's hook (:42: exit $exit_status) at RENEW, REBIND, REBOOT, TIMEOUT",
  ],
  'the hooks under an unknown condition': [
    changed(DEBIAN_SCRIPT, ENTERS, `if [ "$(cat /etc/own)" = yes ]; then\n${ENTERS}fi\n`),
    "all?: sources Holdfast's hook only under a condition of its own (:18: . $script)",
  ],
  'the hooks in a subshell': [
    changed(DEBIAN_SCRIPT, ENTERS, `(\n${ENTERS})\n`),
    "all: sources Holdfast's hook in a subshell, where it is lost (:18: . $script)",
  ],
  'the hooks in a pipeline': [
    changed(DEBIAN_SCRIPT, ENTERS, 'run_hookdir /etc/dhcp/dhclient-enter-hooks.d 2>&1 | logger\n'),
    "all: sources Holdfast's hook in a subshell, where it is lost (:18: . $script)",
  ],
  'a loop behind a pipe': [
    changed(
      DEBIAN_SCRIPT,
      ENTERS,
      'find /etc/dhcp/dhclient-enter-hooks.d -type f | while read -r f; do . "$f"; done\n',
    ),
    'all?: names the hooks, but its text does not show that it sources them (:44: it sources "$f")',
  ],
  'run_hookdir commented out': [
    DEBIAN_SCRIPT.replace(/run_hookdir\(\) \{.*?^\}\n/ms, (body) => body.replace(/^(?=.)/gm, '# ')),
    "all: does not source Holdfast's hook (:45: run_hookdir /etc/dhcp/dhclient-enter-hooks.d (run_hookdir is not defined))",
  ],
  'run_hook without its source': [
    changed(DEBIAN_SCRIPT, '        . $script\n', '        # . $script\n        :\n'),
    "all: does not source Holdfast's hook (:29: run_hook $script (run_hook does not source them))",
  ],
  'make_resolv_conf defined after the hooks': [
    after('make_resolv_conf() {\n  echo >/etc/resolv.conf\n}'),
    "dns: replaces make_resolv_conf after it has sourced Holdfast's hook (:46: make_resolv_conf())",
  ],
  'make_resolv_conf defined after the hooks, in the spelling of bash': [
    after('function make_resolv_conf\n{\n  :\n}'),
    "dns: replaces make_resolv_conf after it has sourced Holdfast's hook (:46: make_resolv_conf())",
  ],
  'make_resolv_conf taken away': [
    after('unset -f make_resolv_conf'),
    "dns: replaces make_resolv_conf after it has sourced Holdfast's hook (:46: unset -f make_resolv_conf)",
  ],
  'a file that defines it': [
    after('. /etc/site.sh'),
    "dns: replaces make_resolv_conf after it has sourced Holdfast's hook (/etc/site.sh:1: make_resolv_conf())",
  ],
  'a write in the action': [
    inLease('cat /run/servers > /etc/resolv.conf'),
    'dns: writes /etc/resolv.conf itself (:57: cat /run/servers >/etc/resolv.conf) at BOUND, RENEW, REBIND, REBOOT',
  ],
  'a write by a variable': [
    inLease('F=/etc/resolv.conf\nprintf x | tee "$F"'),
    'dns: writes /etc/resolv.conf itself (:58: tee "$F") at BOUND, RENEW, REBIND, REBOOT',
  ],
  'a write by a function': [
    after('renew() {\n  mv "$1" "$2"\n}\nrenew /run/new /etc/resolv.conf'),
    'dns: writes /etc/resolv.conf itself (:47: mv "$1" "$2")',
  ],
  'a write after the exit hooks': [
    changed(DEBIAN_SCRIPT, '    exit $exit_status\n', '    cp /run/x /etc/resolv.conf\n    exit $exit_status\n'),
    'dns: writes /etc/resolv.conf itself (:42: cp /run/x /etc/resolv.conf)',
  ],
  'a write in the background': [
    inLease('(sleep 2; cp /run/x /etc/resolv.conf) &'),
    'dns: writes /etc/resolv.conf itself (:57: cp /run/x /etc/resolv.conf) at BOUND, RENEW, REBIND, REBOOT',
  ],
  'a write by a trap': [
    before("late() { cp /run/x /etc/resolv.conf; }\ntrap 'late' EXIT"),
    'dns: writes /etc/resolv.conf itself (:44: cp /run/x /etc/resolv.conf)',
  ],
  'a write at the start of the client': [
    changed(DEBIAN_SCRIPT, '    PREINIT)\n', '    PREINIT)\n        : >/etc/resolv.conf\n'),
    'dns: writes /etc/resolv.conf itself (:50: : >/etc/resolv.conf) at PREINIT',
  ],
  'a write at the end of a lease, without the exit hook': [
    changed(
      DEBIAN_SCRIPT,
      'EXPIRE|FAIL|RELEASE|STOP)\n',
      'EXPIRE|FAIL|RELEASE|STOP)\n        cp /var/lib/saved /etc/resolv.conf\n        exit 0\n',
    ),
    'dns: writes /etc/resolv.conf itself (:59: cp /var/lib/saved /etc/resolv.conf) at EXPIRE, FAIL, RELEASE, STOP',
  ],
  'an unknown program': [
    inLease('/usr/local/sbin/set-dns "$new_domain_name_servers"'),
    'dns?: may change /etc/resolv.conf (:57: it runs /usr/local/sbin/set-dns) at BOUND, RENEW, REBIND, REBOOT',
  ],
  'a shell program that can be read': [
    inLease('/usr/local/sbin/own'),
    'dns: writes /etc/resolv.conf itself (/usr/local/sbin/own:2: echo x >/etc/resolv.conf) at BOUND, RENEW, REBIND, REBOOT',
  ],
  'eval of what the server sent': [
    inLease('eval "$new_domain_name"'),
    'dns?: may change /etc/resolv.conf (:57: eval) at BOUND, RENEW, REBIND, REBOOT',
  ],
  'no exit hooks': [
    changed(
      changed(DEBIAN_SCRIPT, '    if ! run_hook /etc/dhcp/dhclient-exit-hooks; then', '    if false; then'),
      '    if ! run_hookdir /etc/dhcp/dhclient-exit-hooks.d; then',
      '    if false; then',
    ),
    'routes: does not source the exit hook, which makes the routes again',
  ],
};

const FILES = {
  'etc/site.sh': 'make_resolv_conf() { :; }\n',
  'usr/local/sbin/own': '#!/bin/sh\necho x >/etc/resolv.conf\n',
};

for (const [name, [script, ...expected]] of Object.entries(HARMFUL)) {
  test(`dhclient-script: a script with ${name}`, (t) => {
    assert.deepEqual(doubts(t, script, FILES), expected);
  });
}

/** How `agent status` shows the lease of dns.nameservers and of a route on a host with this script, and doctor's codes. */
async function shown(t: TestContext, script: string): Promise<{ dns: string; codes: string[] }> {
  const host = new Host({ root: scratch(t, { [PATH.slice(1)]: script, 'bin/sh': '', ...FILES }) });
  const ours = () => new Hooks(host, WHOLE, clientSurroundings(host));
  for (const finding of await ours().inspect()) await ours().apply(finding);
  const [enter] = await ours().inspect();
  const { state } = (await enter!.settings()).find(({ setting }) => setting === 'dns.nameservers')!;
  return { dns: state, codes: codes(seenOn(host, dhcpClientsCheck, {})) };
}

test('dhclient-script: status and doctor agree on every script', async (t) => {
  for (const [name, script] of Object.entries(HARMLESS))
    assert.deepEqual(await shown(t, script), { dns: 'ok', codes: [] }, name);
  for (const [name, [script, ...expected]] of Object.entries(HARMFUL)) {
    const found = await shown(t, script);
    const isOfRoutes = expected.every((one) => one.startsWith('routes'));
    assert.equal(found.dns, isOfRoutes ? 'ok' : 'unknown', name);
    const wanted = expected.map((one) => {
      if (one.includes('?: ')) return 'HF-SCRIPT-UNKNOWN';
      return one.startsWith('dns') ? 'HF-SCRIPT-WRITES' : 'HF-DHCLIENT-SCRIPT';
    });
    assert.deepEqual(found.codes, wanted, name);
  }
});

const HOSTILE: Record<string, string> = {
  'a long list': 'a&&'.repeat(60_000),
  'deep conditions': 'if a; then '.repeat(20_000),
  'many branches': `case $x in ${'a) b;;'.repeat(30_000)} *) exit;; esac`,
  'many conditions': `if a; then b; ${'elif a; then b; '.repeat(12_000)} fi`,
  'deep groups': '{ '.repeat(100_000),
  'deep functions': 'f() { '.repeat(30_000),
  'a value that doubles': `a=x\n${'a=$a$a\n'.repeat(60)}echo >"$a"`,
  'functions that double': `${Array.from({ length: 60 }, (_, n) => `f${n}() { f${n + 1}; f${n + 1}; }`).join('\n')}\nf0`,
  'a function that calls itself': 'f() { f; f; }\nf',
  'a file that sources itself': `. ${PATH}\n. ${PATH}`,
};

for (const [name, text] of Object.entries(HOSTILE)) {
  test(`dhclient-script: reading a hostile script ends: ${name}`, (t) => {
    assert.ok(doubts(t, `#!/bin/sh\n${text}\n. /etc/dhclient-enter-hooks\n`).length > 0);
  });
}

test('dhclient-script: reading any script ends', (t) => {
  const root = scratch(t, { [PATH.slice(1)]: '' });
  const pieces = fc.constantFrom(
    ...'exit;case $reason in;RENEW);esac;f() {;};(;);if [ a ];then;elif;else;fi;for x in $y;do;done;. $x;f x;&&;!'.split(
      ';',
    ),
    ...[
      ';',
      ';;',
      '|',
      '||',
      '&',
      '\n',
      'a=$a',
      '[[ ',
      ' ]]',
      '((',
      '>"$x"',
      'trap f EXIT',
      '$(',
      '`',
      '"',
      "'",
      '<<A',
      'A',
    ],
    ...['. /etc/dhclient-enter-hooks', 'make_resolv_conf() {', 'return', 'exec /sbin/dhclient-script', 'unset -f f'],
  );
  fc.assert(
    fc.property(fc.array(pieces, { maxLength: 50 }), (parts) => {
      const host = new Host({ root });
      writeFileSync(host.locate(PATH), `#!/bin/sh\n. /etc/dhclient-enter-hooks\n${parts.join(' ')}`);
      for (const { why } of scriptDoubts(host, PATH, hookPlaces(host)!, 4)) assert.ok(why.length > 0);
    }),
    { numRuns: 300 },
  );
});
