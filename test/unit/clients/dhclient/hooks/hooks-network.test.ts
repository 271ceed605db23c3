/** The hooks belong to the host's own network namespace. A lease in another namespace changes nothing on the host. */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { type TestContext, test } from 'node:test';
import { renderEnterHook, renderExitHook } from '../../../../../agent/clients/dhclient/hooks/hook-texts.ts';
import { renderDhcpcdHook } from '../../../../../agent/clients/dhcpcd/hook.ts';
import { WHOLE, WHOLE_LINES } from '../../../../parts/desired.ts';
import { noNamespaces, scratch } from '../../../../parts/scratch.ts';
import { SHELL_NAMES, SHELLS } from '../../../../parts/shells.ts';

const OLD = 'nameserver 9.9.9.9\n';

/**
 * Has both clients' hooks run in some place of a host with a process 1 of its own. Gives what the lease's own resolv.conf holds
 * after dhclient's and after dhcpcd's, the default route's router, and the records.
 */
function lease(t: TestContext, shell: string, place: string) {
  const folder = scratch(t, {
    enter: renderEnterHook({ ...WHOLE, dhclient: { ...WHOLE.dhclient, global: IGNORING } }),
    exit: renderExitHook(WHOLE),
    dhcpcd: renderDhcpcdHook(WHOLE.dns, WHOLE.dhcp)!,
    event: `
make_resolv_conf() { :; }
reason=BOUND interface=eth0 new_routers=10.0.0.1
. ./enter && make_resolv_conf && . ./exit
cat /etc/resolv.conf >./after-dhclient
echo "$new_routers" >./router
echo '${OLD.trim()}' >/etc/resolv.conf
if_up=true
. ./dhcpcd
cat /etc/resolv.conf >./after-dhcpcd
`,
  });
  const script = `
set -e
mount -t tmpfs none /run
mount -t tmpfs none /etc
echo '${OLD.trim()}' >/etc/resolv.conf
cd ${folder}
at() { ${place.replaceAll('HOOKS', `${shell} ./event`)}
}
at
cat after-dhclient after-dhcpcd router
ls /run/holdfast 2>/dev/null || :
`;
  const flags = ['--mount', '--net', '--pid', '--fork', '--kill-child', '--mount-proc'];
  const { status, stdout, stderr } = spawnSync('unshare', [...flags, 'sh', '-c', script], { encoding: 'utf8' });
  assert.deepEqual([status, stderr], [0, ''], place);
  return stdout;
}

const IGNORING = { ...WHOLE.dhclient.global, ignore: ['routers'] as const };
const HELD = `${WHOLE_LINES}${WHOLE_LINES}\nlease.eth0\nroutes.hook\n`;
const LEFT_ALONE = `${OLD}${OLD}10.0.0.1\n`;

const OWN = {
  'the namespace of process 1': 'HOOKS',
  'mounts of its own': 'unshare --mount HOOKS',
  'no /proc': "unshare --mount sh -c 'mount -t tmpfs none /proc; exec HOOKS'",
  'a process 1 that is hidden':
    "unshare --mount sh -c 'mount -t tmpfs none /proc; mkdir -p /proc/self/net; : >/proc/self/net/dev; exec HOOKS'",
  'a process 1 of another host, which has another /etc': `unshare --net --mount sh -c 'mount -t tmpfs none /etc; echo "${OLD.trim()}" >/etc/resolv.conf; exec HOOKS'`,
};

const ANOTHER = {
  'ip netns exec': 'ip netns add mgmt; ip netns exec mgmt HOOKS',
  'a resolv.conf of its own (/etc/netns)': `ip netns add mgmt; mkdir -p /etc/netns/mgmt
    echo '${OLD.trim()}' >/etc/netns/mgmt/resolv.conf; ip netns exec mgmt HOOKS`,
  'unshare --net': 'unshare --net HOOKS',
  'a named one, where process 1 has another /etc': `ip netns add mgmt
    unshare --mount sh -c 'mount -t tmpfs none /etc; echo "${OLD.trim()}" >/etc/resolv.conf; exec ip netns exec mgmt HOOKS'`,
};

for (const shell of SHELL_NAMES) {
  const skip = noNamespaces(shell, 'ip');

  test(`hooks, ${shell}: they hold the settings in the host's network, also if the network cannot be recognised`, {
    skip,
  }, (t) => {
    for (const [what, place] of Object.entries(OWN)) assert.equal(lease(t, SHELLS[shell], place), HELD, what);
  });

  test(`hooks, ${shell}: they do nothing in another network namespace`, { skip }, (t) => {
    for (const [what, place] of Object.entries(ANOTHER)) assert.equal(lease(t, SHELLS[shell], place), LEFT_ALONE, what);
  });
}
