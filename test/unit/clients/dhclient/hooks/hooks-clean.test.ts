/** The hooks run inside dhclient-script with other people's hooks. They leave nothing behind and never fail. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { renderEnterHook, renderExitHook } from '../../../../../agent/clients/dhclient/hooks/hook-texts.ts';
import { WHOLE, WHOLE_LINES } from '../../../../parts/desired.ts';
import { type EventOptions, runEvent, SUPERSEDED } from '../../../../parts/hook-event.ts';
import { noNamespaces } from '../../../../parts/scratch.ts';
import { SHELL_NAMES } from '../../../../parts/shells.ts';

const NEIGHBOURS: Record<string, string> = {
  nothing: ':',
  'set -e': 'set -e',
  'set -u': 'set -u',
  'set -eu': 'set -eu',
  'set -f': 'set -f',
  'set -C': 'set -C',
  'set -a': 'set -a',
  'all at once': 'set -eufCa; IFS=e/.; umask 0777',
  'an odd IFS': 'IFS=e/.',
  'an empty IFS': "IFS=''",
  'an IFS of a colon': 'IFS=:',
  'an IFS of everything': "IFS='0123456789./:,abcdefghijklmnopqrstuvwxyz_- '",
  'a strict umask': 'umask 0777',
  'a loose umask': 'umask 0',
  'a folder that is gone': 'mkdir /run/gone; cd /run/gone; rmdir /run/gone',
  'an EXIT trap': "trap 'echo trapped >&2' EXIT",
  'variables of the same names':
    'line=1 word=2 rest=3 temporary=4 file=5 current=6 wanted=7 names=8 servers=9 placed=a newline=b end=c',
  'read-only variables of plain names':
    'readonly line=1 word=2 rest=3 temporary=4 file=5 wanted=7 names=8 servers=9 ours=1 found=2 same=3 placed=a newline=b end=c',
  'positional parameters': 'set -- a b c',
  'what a killed hook left': 'echo half >"/etc/.resolv.conf.holdfast.$PPID"; set -C',
};

const BASH_NEIGHBOURS: Record<string, string> = {
  pipefail: 'set -o pipefail',
  'set -euo pipefail': 'set -euo pipefail',
  'posix mode': 'set -o posix',
  'an ERR trap': "set -E; trap 'echo trapped >&2' ERR",
  'shell options': 'shopt -s nullglob failglob nocasematch extglob dotglob',
};

/** Values from a hostile server. No value may be run as a command, or break anything. */
const HOSTILE = [
  '$(touch /etc/executed)',
  '`touch /etc/executed`',
  `'; touch /etc/executed; '`,
  `"; touch /etc/executed; "`,
  'a\nreason=EXPIRE\ttouch /etc/executed\nb',
  '\x01\t\x7f\xff\xfe',
  '* ? [a-z] ~ \\ \\n %s %n -n -e',
  '! ( ) = -a -o',
  'x'.repeat(4096),
];
const OFFERED = [
  'domain_name domain_search domain_name_servers ntp_servers routers host_name ip_address subnet_mask broadcast_address',
  'dhcp_lease_time interface_mtu rfc3442_classless_static_routes ip6_address dhcp6_name_servers dhcp6_domain_search',
].flatMap((names) => names.split(' ').map((name) => `new_${name}`));

test('hooks: every local variable has our prefix', () => {
  const hooks = `${renderEnterHook({ ...WHOLE, restart: 'whenSafe' })}${renderExitHook(WHOLE)}`.split('\n');
  const local = hooks.flatMap((line) => /^ *local (.*)/.exec(line)?.[1]?.match(/(?<=^| )\w+/g) ?? []);
  const read = hooks.flatMap((line) => /\bread -r (\w+)/.exec(line)?.[1] ?? []);
  assert.ok(local.length > 10 && read.length > 1);
  assert.deepEqual(
    [...local, ...read].filter((name) => !name.startsWith('holdfast_')),
    [],
  );
});

for (const shell of SHELL_NAMES) {
  const skip = noNamespaces(shell);

  test(`hooks, ${shell}: they work whatever a neighbour's hook set, and leave nothing behind`, { skip }, (t) => {
    for (const [name, neighbour] of Object.entries({ ...NEIGHBOURS, ...(shell === 'bash' ? BASH_NEIGHBOURS : {}) })) {
      // The most that the hook does is to look for a link.
      const dns = { ...WHOLE.dns!, symlink: 'follow' as const };
      const desired = { ...WHOLE, restart: 'whenSafe' as const, dns };
      const event = runEvent(t, shell, { neighbour, desired });
      assert.deepEqual([event.status, event.stderr.replace(/^trapped\n$/, '')], [0, ''], name);
      assert.ok(event.before.length > 0, name);
      assert.equal(event.after, event.before, name);
      assert.deepEqual(event.values, Object.values(SUPERSEDED), name);
      assert.equal(event.resolvConf, WHOLE_LINES, name);
      assert.deepEqual(event.etc, ['resolv.conf'], name);
      assert.equal(event.record.length, 1, name);
    }
  });

  test(`hooks, ${shell}: values of a server are never executed, and the record is one line`, { skip }, (t) => {
    for (const value of HOSTILE) {
      for (const reason of ['BOUND', 'BOUND6']) {
        for (const dns of [WHOLE.dns, { ...WHOLE.dns!, search: null, domain: null, nameservers: null }]) {
          const offer = Object.fromEntries(OFFERED.map((name) => [name, value]));
          const options: EventOptions = {
            reason,
            offer,
            neighbour: 'set -eu',
            desired: { ...WHOLE, restart: 'whenSafe', dns },
          };
          const event = runEvent(t, shell, options);
          const what = `${JSON.stringify(value.slice(0, 40))}, ${reason}`;
          assert.deepEqual([event.status, event.stderr], [0, ''], what);
          assert.equal(event.after, event.before, what);
          assert.deepEqual(event.etc, ['resolv.conf'], what);
          assert.equal(event.record.length, 1, what);
          assert.match(event.record[0]!, new RegExp(`^reason=${reason}\tinterface=eth0\tpid=\\d+\t`));
          assert.doesNotMatch(event.resolvConf, /[`'"$;*!\\]|executed|EXPIRE/, what);
        }
      }
    }
  });

  test(`hooks, ${shell}: the record holds the offered values, not the superseding ones`, { skip }, (t) => {
    const offer = { new_domain_name_servers: '10.0.0.1', new_routers: '10.0.0.254', new_host_name: 'a\tb' };
    const { record } = runEvent(t, shell, { offer });
    const [, , pid, ...fields] = record[0]!.split('\t');
    assert.match(pid!, /^pid=\d+$/);
    assert.deepEqual(fields, ['routers=10.0.0.254', 'host_name=?', 'domain_name_servers=10.0.0.1']);
  });

  test(`hooks, ${shell}: they pass every event of dhclient-script, and an interface's settings concern no other`, {
    skip,
  }, (t) => {
    const quiet = ['', 'MEDIUM', 'PREINIT', 'PREINIT6', 'ARPCHECK', 'ARPSEND'];
    const plain = ['EXPIRE', 'FAIL', 'STOP', 'RELEASE', 'NBI', 'EXPIRE6', 'RELEASE6', 'STOP6', 'DEPREF6', 'no such'];
    for (const reason of [...quiet, ...plain]) {
      const event = runEvent(t, shell, { reason, neighbour: 'set -eu', offer: { new_domain_name: 'lan' } });
      assert.deepEqual([event.status, event.stderr], [0, ''], reason);
      assert.deepEqual(event.values, ['lan', 'unset', 'unset', 'unset'], reason);
      assert.equal(event.record.length, quiet.includes(reason) ? 0 : 1, reason);
    }
    for (const [iface, recorded] of [
      ['eth1', 1],
      ['eth0.100', 1],
      ['br-lan@x:1', 1],
      ['a+b', 1],
      ['wan,0~[x]*?', 1],
      ["it's", 1],
      ['a\tb', 0],
      ['../etc/x', 0],
      ['a b', 0],
    ] as const) {
      const event = runEvent(t, shell, { iface, neighbour: 'set -eu' });
      assert.deepEqual([event.status, event.stderr], [0, ''], iface);
      assert.equal(event.record.length, recorded, iface);
      assert.deepEqual(event.etc, ['resolv.conf'], iface);
      const own = (name: string) => event.after.split(`\n${name}=`)[1]?.split('\n')[0]?.replaceAll("'", '');
      assert.equal(own('new_host_name'), iface === 'eth1' ? 'router' : undefined, iface);
      assert.equal(own('new_interface_mtu'), iface === 'eth1' ? '1400' : undefined, iface);
      assert.equal(own('new_routers'), iface === 'eth0.100' ? '10.0.0.1' : undefined, iface);
    }
  });
}
