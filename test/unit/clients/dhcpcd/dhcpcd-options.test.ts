/** `dhcp` for dhcpcd: its names of options, the statements of dhcpcd.conf, and the variables that later hooks see. */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { type TestContext, test } from 'node:test';
import { editDhcpcdConf } from '../../../../agent/clients/dhcpcd/conf.ts';
import { optionStatements } from '../../../../agent/clients/dhcpcd/conf-options.ts';
import { effectsOf } from '../../../../agent/clients/dhcpcd/conf-statements.ts';
import { supersedeWay } from '../../../../agent/clients/dhcpcd/dhcpcd-options.ts';
import { renderDhcpcdHook } from '../../../../agent/clients/dhcpcd/hook.ts';
import type { DesiredDhcp, DhcpScope } from '../../../../agent/config/desired.ts';
import { findOption } from '../../../../agent/config/notation/dhcp-options.ts';
import { accepted } from '../../../parts/accepted.ts';
import { missing, scratch } from '../../../parts/scratch.ts';

type Scope = Partial<Omit<DhcpScope, 'supersede'>> & { supersede?: Record<string, readonly string[]> };
const scope = ({ supersede = {}, request = null, ignore = [] }: Scope): DhcpScope => {
  return { supersede: new Map(Object.entries(supersede)), request, ignore };
};
const dhcp = (global: Scope, interfaces: Record<string, Scope> = {}): DesiredDhcp =>
  accepted({
    global: scope(global),
    interfaces: new Map(Object.entries(interfaces).map(([name, own]) => [name, scope(own)])),
  });
const way = (name: string, ...values: string[]) => {
  const found = supersedeWay(findOption(name)!, values);
  return found.by === 'none' ? found.why : `${found.by}: ${found.name}=${found.value}`;
};

test('dhcpcd options: names and values are those of dhcpcd, not of dhclient', () => {
  assert.equal(way('ntp-servers', '10.0.0.1', '10.0.0.2'), 'hook: ntp_servers=10.0.0.1 10.0.0.2');
  assert.equal(way('tftp-server-address', '10.0.0.1'), 'hook: tftp_servers=10.0.0.1');
  assert.equal(way('domain-search', 'a.example.', 'b.example'), 'hook: domain_search=a.example b.example');
  assert.equal(way('ip-forwarding', 'true'), 'hook: ip_forwarding=1');
  assert.equal(way('dhcp6.sntp-servers', '2001:db8::1'), 'hook: dhcp6_sntp_servers=2001:db8::1');
  assert.equal(way('interface-mtu', '1400'), 'conf: interface_mtu=1400');
  assert.equal(
    way('rfc3442-classless-static-routes', '24', '192', '0', '2', '10', '0', '0', '7', '0', '10', '0', '0', '8'),
    'conf: classless_static_routes=192.0.2.0/24 10.0.0.7 0.0.0.0/0 10.0.0.8',
  );
});

test('dhcpcd options: each option that dhcpcd cannot be given another value of is refused with the reason', () => {
  assert.match(way('subnet-mask', '255.0.0.0'), /takes subnet-mask from the server/);
  assert.match(way('dhcp-lease-time', '60'), /takes dhcp-lease-time from the server/);
  assert.match(way('static-routes', '10.0.0.0 10.0.0.1'), /write them below "routes"/);
  assert.match(way('interface-mtu', '500'), /no MTU below 576/);
  assert.match(way('pxe-client-id', '0 1'), /dhcpcd has no option pxe-client-id/);
  assert.match(way('user-class', 'x'), /^hook: /);
  assert.match(way('dhcp-client-identifier', '1:2'), /does not know how dhcpcd gives/);
  assert.match(way('rfc3442-classless-static-routes', '24', '192', '0'), /no routes of RFC 3442/);
});

const ROUTERS = dhcp(
  { ignore: ['routers', 'router-advertisements'], request: { without: ['ntp-servers', 'subnet-mask'], also: [] } },
  { eth1: { supersede: { routers: ['10.0.0.9'] }, request: { without: [], also: ['ntp-servers'] } }, eth2: {} },
);

test('dhcpcd.conf: the statements of an interface stand in its section, and take back those of all others', () => {
  assert.deepEqual(optionStatements(ROUTERS), [
    'nooption routers',
    'nooption ntp_servers',
    'noipv6rs',
    'interface eth1',
    'static routers=10.0.0.9',
    'option ntp_servers',
    'option routers',
  ]);
});

test('dhcpcd.conf: our block stands behind each global statement that would take it back, and before every section', () => {
  const edit = (text: string) => {
    const edited = editDhcpcdConf(text, optionStatements(ROUTERS));
    return edited.ok ? edited.text : edited.problem;
  };
  const once = edit('require routers\noption ntp_servers\n# the office\ninterface eth0\noption routers\n');
  assert.match(once, /^require routers\noption ntp_servers\n# BEGIN holdfast\n[\s\S]*# END holdfast\n# the office\n/);
  assert.equal(edit(once), once);
  const added = `${edit('duid\n')}persistent\n`;
  assert.match(
    edit(added),
    /^duid\npersistent\n# BEGIN/,
    'a line behind our last section would belong to that section',
  );

  const effects = (iface: string | null) => effectsOf(once, iface);
  assert.deepEqual(effects(null).lists.get('routers')?.name, 'nooption');
  assert.deepEqual(effects('eth0').lists.get('routers')?.name, 'option');
  assert.deepEqual(effects('eth1').lists.get('ntp_servers')?.name, 'option');
  assert.equal(effects('eth1').statics.get('routers')?.value, '10.0.0.9');
  assert.equal(effects('eth1').advertisements.taken, false);
});

/** What a hook that comes later sees of an event. `before` stands above our part. */
function seen(t: TestContext, shell: string[], wanted: DesiredDhcp, event: string, before = ''): string[] {
  const folder = scratch(t, {
    hook: renderDhcpcdHook(null, wanted) ?? '',
    event: `${before}\n${event}\n. ./hook\n. ./hook\nset | grep -aE '^(new|old|holdfast)_' | tr -d "'" | sort >./seen\n`,
  });
  const run = `mount -t tmpfs none /run && cd ${folder} && ${shell.join(' ')} ./event && cat ./seen; ls /run/dhcpcd/hook-state`;
  const flags = ['--mount', '--net', '--pid', '--fork', '--kill-child', '--mount-proc'];
  const { stdout, stderr } = spawnSync('unshare', [...flags, 'sh', '-c', run], { encoding: 'utf8' });
  assert.equal(stderr.replace(/^ls: .*\n/, ''), '');
  return stdout.trim().split('\n');
}

const noNamespace = process.getuid?.() === 0 ? missing('unshare') : 'needs root';

test('dhcpcd hook: later hooks see the configured values, and old ones equal to them from the second event on', {
  skip: noNamespace,
}, (t) => {
  const wanted = dhcp(
    { supersede: { 'ntp-servers': ['10.0.0.1'], 'host-name': ['held'], 'dhcp6.sntp-servers': ['2001:db8::1'] } },
    { eth1: { supersede: { 'ntp-servers': ['10.9.9.9'] }, ignore: ['routers'] } },
  );
  const event = 'reason=RENEW interface=eth0 new_ntp_servers=6.6.6.6 old_ntp_servers=6.6.6.6 new_routers=10.0.0.254';
  for (const shell of [['dash'], ['bash', '--posix'], ['busybox', 'sh']]) {
    for (const before of ['', 'set -eu', 'set -f; set -C', 'IFS=:', 'readonly new_routers=1']) {
      const plain = before.startsWith('readonly') ? event.replace(/ new_routers.*/, '') : event;
      assert.deepEqual(
        seen(t, shell, wanted, plain, before),
        [
          'new_host_name=held',
          'new_ntp_servers=10.0.0.1',
          `new_routers=${before.startsWith('readonly') ? '1' : '10.0.0.254'}`,
          'old_host_name=held',
          'old_ntp_servers=10.0.0.1',
          'holdfast.eth0',
        ],
        `${shell.join(' ')} ${before}`,
      );
    }
  }
  const other = event.replace('eth0', 'eth1').replace('reason=RENEW', 'reason=BOUND');
  assert.deepEqual(seen(t, ['dash'], wanted, other), [
    'new_host_name=held',
    'new_ntp_servers=10.9.9.9',
    'old_host_name=held',
    'old_ntp_servers=10.9.9.9',
    'holdfast.eth1',
  ]);
  assert.deepEqual(seen(t, ['dash'], wanted, 'reason=RENEW6 interface=eth0'), [
    'new_dhcp6_sntp_servers=2001:db8::1',
    'old_dhcp6_sntp_servers=2001:db8::1',
    'holdfast6.eth0',
  ]);
  assert.deepEqual(seen(t, ['dash'], wanted, 'reason=CARRIER interface=eth0'), ['']);
  const outside = seen(t, ['dash'], wanted, "reason=BOUND interface='../../etc/x'");
  assert.deepEqual(outside, ['new_host_name=held', 'new_ntp_servers=10.0.0.1'], 'no record for a name with a slash');
});

test('dhcpcd hook: shellcheck has nothing to say, and a hook without anything to hold is none', {
  skip: missing('shellcheck'),
}, () => {
  const text = renderDhcpcdHook(null, ROUTERS);
  const options = ['--shell=sh', '--exclude=SC1091,SC2034,SC2154,SC3043,SC3045', '-'];
  const { stdout } = spawnSync('shellcheck', options, { input: `#!/bin/sh\n${text}`, encoding: 'utf8' });
  assert.equal(stdout, '');
  assert.equal(renderDhcpcdHook(null, dhcp({})), null);
  assert.equal(renderDhcpcdHook(null, dhcp({ request: { without: [], also: ['log-servers'] } })), null);
});
