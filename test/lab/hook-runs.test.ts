/**
 * A dhclient-script that is under way while its hooks are placed, put back or removed: the agent waits for its end, so the script
 * cannot write resolv.conf by the hooks of before afterwards.
 */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { startNameServer } from '../parts/lab/dhcp.ts';
import { type LabHost, unavailable } from '../parts/lab/host.ts';
import { startOddNameServer } from '../parts/lab/odd-dns.ts';
import { apply, NEW, nameservers, OLD, type Scene, staleHost } from '../parts/lab/scene.ts';

const skip = unavailable();

const OUR_HOOK = '/etc/dhcp/dhclient-enter-hooks.d/zz-holdfast';

/**
 * Sourced after our enter hook and before dhclient-script calls make_resolv_conf. The first renewal for which the test `begins`
 * is true stands here until `ends` is true, or for so many turns of 50 ms.
 */
const slowNeighbour = (begins: string, ends: string, turns: number) => `case "$reason" in
RENEW | REBIND)
    if [ ${begins} ] && [ ! -e /run/under-way ]; then
        touch /run/under-way
        slow_turns=0
        while [ ! \\( ${ends} \\) ] && [ $slow_turns -lt ${turns} ]; do
            sleep 0.05
            slow_turns=$((slow_turns + 1))
        done
        sleep 0.5
        touch /run/written
    fi
    ;;
esac
`;

async function slowHost(renewEvery: number): Promise<Scene> {
  const scene = await staleHost({ renewEvery });
  await scene.host.write(
    '/etc/dhcp/dhclient-enter-hooks.d/zzz-slow',
    slowNeighbour('-e /run/slow', '-e /run/over', 80),
  );
  return scene;
}

/** Returns while a dhclient-script sleeps in the neighbour's hook. */
async function underWay(host: LabHost): Promise<void> {
  await host.sh(`touch /run/slow
until [ -e /run/under-way ]; do sleep 0.02; done`);
}

/** The script that slept has ended. */
async function ended(host: LabHost): Promise<void> {
  await host.sh(`touch /run/over
until [ -e /run/written ]; do sleep 0.02; done
while pgrep -x dhclient-script >/dev/null; do sleep 0.02; done`);
}

async function servers(host: LabHost): Promise<string[]> {
  return nameservers(await host.read('/etc/resolv.conf'));
}

test('hook runs: a script that began before the first apply does not bring the old servers back after it', {
  skip,
}, async () => {
  await using scene = await slowHost(12);
  const { host } = scene;
  await underWay(host);
  await apply(host);
  await ended(host);
  assert.deepEqual(await servers(host), NEW);
});

test('hook runs: a script that began before revert does not bring the held servers back after it', {
  skip,
}, async () => {
  await using scene = await slowHost(12);
  const { host } = scene;
  await apply(host);
  await underWay(host);
  const { code, stdout, stderr } = await host.agent('revert');
  assert.equal(code, 0, stdout + stderr);
  await ended(host);
  assert.deepEqual(await servers(host), OLD);
});

test('hook runs: a script that began during a change that is put back does not bring the change back', {
  skip,
}, async () => {
  await using scene = await slowHost(3);
  const { host } = scene;
  const name = 'puppet.example.com';
  for (const address of OLD) await startNameServer(host, address, { [name]: '10.72.1.1' });
  // It answers the agent's question in time. The C library waits five seconds for it, and a renewal begins meanwhile.
  await startOddNameServer(host, '10.77.0.34', OLD[0], { kind: 'slow', milliseconds: 7_000 });
  await host.write(
    '/etc/holdfast/agent.yaml',
    `dns:
  nameservers: [10.77.0.34]
  options: [timeout:5, attempts:1]
  verify: { name: ${name}, expect: [10.72.0.0/16], timeout: 10s }
`,
  );
  // The neighbour stands from the first renewal with our hook until our hook is gone again.
  await host.write(
    '/etc/dhcp/dhclient-enter-hooks.d/zzz-slow',
    slowNeighbour(`-e ${OUR_HOOK}`, `! -e ${OUR_HOOK}`, 300),
  );
  const { code, stdout, stderr } = await host.agent('apply');
  assert.equal(code, 4, stdout + stderr);
  assert.match(stdout + stderr, /put back, because with the new settings this host does not find puppet\.example\.com/);
  await ended(host);
  assert.deepEqual(await servers(host), OLD);
});

test('hook runs: an agent that a hook starts does not wait for that hook', { skip }, async () => {
  await using scene = await staleHost({ renewEvery: 2 });
  const { host, client } = scene;
  await host.write(
    '/etc/dhcp/dhclient-exit-hooks.d/aaa-agent',
    `if [ "$reason" = RENEW ] && [ ! -e /run/applied ]; then
    /usr/local/bin/agent apply >/run/applied 2>&1 || echo "exit $?" >>/run/applied
fi
`,
  );
  await client.leased(2);
  assert.match(await host.read('/run/applied'), /./);
  assert.doesNotMatch(await host.read('/run/applied'), /still runs|exit \d/);
  assert.deepEqual(await servers(host), NEW);
});
