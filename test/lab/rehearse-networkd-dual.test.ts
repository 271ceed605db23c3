/** Each rehearsal of a systemd-networkd with IPv6 foretells what the real event makes of the host: DHCPv4, DHCPv6 and a router at once. */
import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import { noAdvertising } from '../parts/lab/advertising.ts';
import { ADVERTISED_SERVERS } from '../parts/lab/bird-router.ts';
import { LONG6, SERVERS6 } from '../parts/lab/dual-network.ts';
import { changedSince, fingerprint } from '../parts/lab/fingerprint.ts';
import { eventsAreForetold } from '../parts/lab/foretold-events.ts';
import { unavailable } from '../parts/lab/host.ts';
import { dualNetworkdScene } from '../parts/lab/networkd-dual-events.ts';
import { OLD } from '../parts/lab/scene.ts';

const options = { skip: noAdvertising(unavailable()), concurrency: 5 };

async function scene(t: TestContext) {
  const made = await dualNetworkdScene(LONG6);
  if (made === null) t.skip("Debian's package systemd-resolved cannot be had here");
  return made;
}

test('rehearse: the next event of a systemd-networkd with both families is foretold', options, async (t) => {
  const made = await scene(t);
  if (made === null) return;
  await made.host.close();
  const expected = ({ event }: { readonly event: string }) => {
    // systemd 252 loses the address before it passes over the lease's servers.
    if (event === 'EXPIRE6') return { addresses: 2, asWanted: false };
    return { addresses: 3, asWanted: false, servers: [...OLD, ...SERVERS6, ADVERTISED_SERVERS[0]!] };
  };
  const events = ['RENEW6', 'EXPIRE6', 'RELOAD', 'REBOOT', 'boot'];
  await eventsAreForetold(t, 'systemd-networkd, both families', expected, events);
});

test('rehearse: with a systemd-networkd of both families the host notices nothing', options, async (t) => {
  await using made = await scene(t);
  if (made === null) return;
  const { host, sent6 } = made;
  // What the router still brings is not the rehearsal's doing.
  await sent6.router.stop();
  const before = await fingerprint(host);
  for (const args of [['lease', '--reason', 'RENEW6', 'EXPIRE6'], ['boot']]) {
    const { code, stdout, stderr } = await host.agent('rehearse', ...args, '--json');
    assert.equal(code, 2, stdout + stderr);
    assert.deepEqual(await changedSince(host, before), []);
  }
});
