/** What `agent doctor` says of other packet filters on a gateway, as the real programs make them. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { answers, apply, gateway, OUTER, seenAs } from '../parts/lab/gateway.ts';
import { type LabHost, unavailable } from '../parts/lab/host.ts';

const skip = unavailable({ nft: 'nftables', 'iptables-nft': 'iptables', 'iptables-legacy': 'iptables' });

async function seen(host: LabHost): Promise<{ code: string; seen: string }[]> {
  const { stdout } = await host.agent('doctor', '--only', 'masquerade', '--json');
  const { findings } = JSON.parse(stdout) as { findings: { code: string; seen: string }[] };
  return findings.filter(({ code }) => /FORWARD|MASQ|IPTABLES|NFT/.test(code));
}

test('doctor: Docker’s policy and another’s masquerading, by iptables-nft and by iptables-legacy', {
  skip,
}, async () => {
  await using host = await gateway();
  await apply(host);
  assert.deepEqual(await seen(host), []);

  await host.sh('iptables-nft -P FORWARD DROP');
  assert.equal(await answers(host, 0, 1), false, 'that it is dropped is true');
  assert.deepEqual(await seen(host).then((all) => all.map((one) => one.seen)), [
    'the chain FORWARD of the table ip filter drops what none of its rules accepts',
  ]);
  await host.sh(
    `iptables-nft -P FORWARD ACCEPT; iptables-nft -N END; iptables-nft -A END -m comment --comment last -j REJECT
    iptables-nft -A FORWARD -i eth9 -j ACCEPT; iptables-nft -A FORWARD -j END`,
  );
  assert.equal(await answers(host, 0, 1), false, 'that it is rejected is true');
  assert.deepEqual(await seen(host).then((all) => all.map((one) => one.seen)), [
    'the chain FORWARD of the table ip filter rejects what no rule before accepts, by a rule of the chain END',
  ]);
  await host.sh('iptables-nft -F FORWARD');
  // The end of firewalld's own chain.
  await host.sh(`nft -f - <<'RULES'
table inet firewalld {
  chain filter_FORWARD_POLICIES {
    iifname "eth9" reject
  }
  chain filter_FORWARD {
    type filter hook forward priority filter + 10; policy accept;
    ct state established,related accept
    ct state invalid drop
    jump filter_FORWARD_POLICIES
    reject with icmpx admin-prohibited
  }
}
RULES`);
  assert.deepEqual(await seen(host).then((all) => all.map((one) => one.seen)), [
    'the chain filter_FORWARD of the table inet firewalld rejects what no rule before accepts, by a rule of the chain filter_FORWARD',
  ]);
  await host.sh('nft delete table inet firewalld');
  await host.sh(
    'iptables-nft -P FORWARD ACCEPT; iptables-nft -t nat -A POSTROUTING -s 10.99.0.0/16 -o eth0 -j MASQUERADE',
  );
  assert.deepEqual(await seen(host).then((all) => all.map((one) => one.seen)), [
    '10.99.0.0/24 out of eth0 is masqueraded by the chain POSTROUTING of the table ip nat as well',
  ]);
  // Both are there, and it is translated once.
  assert.equal(await seenAs(host), OUTER);
  assert.equal((await host.agent('plan')).code, 0);

  await host.sh('iptables-nft -t nat -F; iptables-legacy -P FORWARD DROP');
  const legacy = async () => (await seen(host)).map(({ code }) => code);
  assert.deepEqual(await legacy(), ['HF-FORWARD-DROP', 'HF-IPTABLES-LEGACY']);
  await host.sh('iptables-legacy -P FORWARD ACCEPT; iptables-legacy -A FORWARD -j REJECT');
  assert.deepEqual(await legacy(), ['HF-FORWARD-DROP', 'HF-IPTABLES-LEGACY']);
});
