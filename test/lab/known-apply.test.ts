/**
 * An apply that sees the same as the last one loads nothing to compare and change settings (agent/commands/apply/known-apply.ts).
 * After each drift it must act as any other apply does: here `plan`, which always compares, says what differs.
 */
import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { EVERYTHING, gatewayWith } from '../bench/no-op.ts';
import { type LabHost, unavailable } from '../parts/lab/host.ts';
import { AGENT_YAML } from '../parts/lab/scene.ts';
import { REPOSITORY } from '../parts/repository.ts';

const AGENT = join(REPOSITORY, 'dist/agent');
const skip = unavailable() || (existsSync(AGENT) ? false : 'dist/agent is not there: npm run build makes it');

/** Files that hold settings: to the first ones everything of CHANGES happens, to the others the first change. */
const CHANGED = ['/etc/resolv.conf', '/etc/dhcp/dhclient-exit-hooks.d/zz-holdfast'];
const FILES = [
  ...CHANGED,
  '/etc/dhcp/dhclient.conf',
  '/etc/dhcp/dhclient-enter-hooks.d/zz-holdfast',
  '/etc/dhcpcd.conf',
  '/etc/dhcpcd.enter-hook',
  '/etc/NetworkManager/conf.d/90-holdfast.conf',
  '/etc/NetworkManager/dispatcher.d/90-holdfast',
  '/etc/sysctl.d/60-holdfast.conf',
  '/etc/dnsmasq.d/holdfast-routes.conf',
];
/** What may happen to a file; `$f` is the file. */
const CHANGES = {
  'another byte': 'printf x | dd of=$f bs=1 seek=$(($(stat -c %s $f) / 2)) conv=notrunc status=none',
  'the same bytes with an older time': 'sed -i s/holdfast/Holdfast/ $f; touch -d @1000000000 $f',
  'a line more': 'echo "# more" >>$f',
  'no content': ': >$f',
  'no file': 'rm $f',
  'another mode': 'chmod 606 $f',
  'another owner': 'chown 12:12 $f',
  'a link to its content': 'cp -p $f $f.elsewhere; ln -sf $f.elsewhere $f',
};
/** Beside EVERYTHING, which is measured without rules. */
const RULES = 'rules: [{ from: 10.99.0.1, table: 99, priority: 100, family: ipv4 }]\n';

/** Other drifts, and what undoes those that no apply undoes. */
const DRIFTS: Record<string, readonly [change: string, undo?: string]> = {
  'a value of the kernel': ['echo 0 >/proc/sys/net/ipv4/ip_forward'],
  'a value of one interface': ['echo 1 >/proc/sys/net/ipv4/conf/eth1/send_redirects'],
  'a value with a lower bound': ['echo 1000 >/proc/sys/net/ipv6/route/max_size'],
  'a route that is gone': ['ip route del 10.50.0.0/16'],
  'a route of IPv6 that is gone': ['ip -6 route del 2001:db8:50::/48'],
  'a route with another gateway': ['ip route replace 10.60.0.0/16 via 10.99.0.8 dev eth1', 'ip route del 10.60.0.0/16'],
  'a policy rule that is gone': ['ip rule del priority 100'],
  'a table of nftables that is gone': ['nft delete table inet holdfast'],
  'a rule more': ['nft add rule inet holdfast postrouting counter'],
  "DHCP's default route ahead": [
    'ip route add default via 10.77.0.1 dev eth0',
    'ip route del default via 10.77.0.1 dev eth0 metric 0 || :',
  ],
  'an interface more': [
    'ip link add eth9 type veth peer name far9; echo 1 >/proc/sys/net/ipv4/conf/eth9/accept_redirects',
    'ip link del eth9',
  ],
  'an interface that is down': [
    'ip link set eth1 down',
    `ip link set eth1 up
     ip neigh replace 10.99.0.9 lladdr 02:00:00:00:00:09 dev eth1 nud permanent
     ip route replace default via 10.99.0.9 dev eth1 proto bgp metric 20`,
  ],
  'a later file of sysctl.d': ['echo net.ipv4.ip_forward=0 >/etc/sysctl.d/99-zz.conf', 'rm /etc/sysctl.d/99-zz.conf'],
  'a neighbour among the hooks': [
    'echo ". /nowhere" >/etc/dhcp/dhclient-enter-hooks.d/zzz',
    'rm /etc/dhcp/dhclient-enter-hooks.d/zzz',
  ],
  'a dhclient that has ended': ['pkill -9 -x dhclient'],
};

/** Whether the next apply compares nothing: it leaves alone what only a comparing apply reads, and would write anew. */
async function isKnown(host: LabHost): Promise<boolean> {
  await host.sh('cp /run/holdfast/configuration /run/kept; echo damaged >/run/holdfast/configuration');
  const { code, stderr } = await host.agent('apply', '--quiet');
  assert.equal(code, 0, stderr);
  const known = (await host.sh('cat /run/holdfast/configuration')) === 'damaged\n';
  if (known) await host.sh('cp /run/kept /run/holdfast/configuration');
  return known;
}

async function settle(host: LabHost): Promise<void> {
  for (let n = 0; n < 3; n += 1) if (await isKnown(host)) return;
  assert.fail('an apply on a host that stays the same sees it as changed');
}

/** What `plan` says that apply would do, and what apply does. */
async function judged(host: LabHost): Promise<{ plan: string[]; apply: string[] }> {
  const [plan, apply] = [
    await host.agent('plan', '--json'),
    await host.agent('apply', '--json', '--detailed-exitcodes'),
  ];
  const findings = JSON.parse(plan.stdout).findings as { key: string; state: string; refusal?: string }[];
  const outcomes = JSON.parse(apply.stdout).outcomes as { key: string; result: string }[];
  return {
    plan: findings
      .filter(({ state, refusal }) => state === 'drifted' || refusal)
      .map(({ key }) => key)
      .sort(),
    apply: outcomes
      .filter(({ result }) => result === 'changed' || result === 'failed')
      .map(({ key }) => key)
      .sort(),
  };
}

test('known apply: it is known that nothing changed, and every drift is seen', { skip }, async (t) => {
  await using host = await gatewayWith(`${EVERYTHING}${RULES}`, AGENT);
  await settle(host);
  const files = FILES.flatMap((file) => {
    const undo = `rm -f ${file}; cp -p /run/files${file} ${file}`;
    const changes = Object.entries(CHANGES).slice(0, CHANGED.includes(file) ? undefined : 1);
    return changes.map(([name, change]) => {
      return [`${file}: ${name}`, [`f=${file}\n${change}`, undo] as readonly string[]] as const;
    });
  });
  await host.sh(`mkdir /run/files; cp -p --parents ${FILES.join(' ')} /run/files`);
  let acted = 0;
  for (const [name, [change, undo = ':']] of [...files, ...Object.entries(DRIFTS)]) {
    await t.test(name, async () => {
      await host.sh(change!);
      const { plan, apply } = await judged(host);
      const missed = plan.filter((key) => !apply.includes(key));
      assert.deepEqual(missed, [], 'what plan says that apply would change');
      acted += apply.length > 0 ? 1 : 0;
      await host.sh(undo);
      await host.agent('apply');
      await settle(host);
    });
  }
  assert.ok(acted > 20, `apply acted after ${acted} drifts only`);
});

test('known apply: a change of the configuration is seen', { skip }, async (t) => {
  await using host = await gatewayWith(EVERYTHING, AGENT);
  const changes = {
    'another value': "sed -i 's/timeout:1/timeout:2/' /etc/holdfast/agent.yaml",
    'a file beside it': `mkdir -p /etc/holdfast/agent.d
      echo 'sysctl: { net.ipv4.tcp_syncookies: 2 }' >/etc/holdfast/agent.d/more.yaml`,
  };
  for (const [name, change] of Object.entries(changes)) {
    await t.test(name, async () => {
      await settle(host);
      await host.sh(change);
      assert.equal((await host.agent('apply', '--detailed-exitcodes')).code, 2);
    });
  }
  await t.test('that others may write it', async () => {
    await settle(host);
    await host.sh('chmod 666 /etc/holdfast/agent.yaml');
    assert.equal((await host.agent('apply')).code, 1);
  });
});

test('known apply: a damaged record counts as none, and the next apply writes it anew', { skip }, async (t) => {
  await using host = await gatewayWith(AGENT_YAML, AGENT);
  const damages = {
    'cut short': 'head -c 1000 /run/seen >/run/holdfast/seen',
    'no looks': `sed 's/"looks":/"lost":/' /run/seen >/run/holdfast/seen`,
    'no text': ': >/run/holdfast/seen',
  };
  for (const [name, damage] of Object.entries(damages)) {
    await t.test(name, async () => {
      await settle(host);
      await host.sh(`cp /run/holdfast/seen /run/seen; ${damage}`);
      const { code, stderr } = await host.agent('apply');
      assert.equal(code, 0, stderr);
      await settle(host);
    });
  }
});
