/** Each rehearsal of a NetworkManager with IPv6 foretells what the real event makes of the host: DHCPv4, DHCPv6 and a router at once. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ADVERTISED_SERVERS } from '../parts/lab/bird-router.ts';
import { LONG6, SERVERS6 } from '../parts/lab/dual-network.ts';
import { changedSince, fingerprint } from '../parts/lab/fingerprint.ts';
import { eventsAreForetold } from '../parts/lab/foretold-events.ts';
import { noNetworkManager } from '../parts/lab/networkmanager.ts';
import { dualManagedHost } from '../parts/lab/networkmanager-dual-events.ts';
import { OLD } from '../parts/lab/scene.ts';

const options = { skip: noNetworkManager, concurrency: 6 };

test('rehearse: the next event of a NetworkManager with both families is foretold', options, async (t) => {
  const expected = ({ event }: { readonly event: string }) => {
    const four = event === 'EXPIRE' ? [] : OLD;
    return {
      addresses: event === 'EXPIRE' ? 2 : 3,
      asWanted: false,
      servers: [...four, ...SERVERS6, ADVERTISED_SERVERS[0]!],
    };
  };
  // Without REBOOT: the kernel keeps the address and the routes meanwhile, so neither side knows when all has come again.
  const events = ['RENEW6', 'EXPIRE', 'REAPPLY', 'TIMEOUT', 'boot'];
  await eventsAreForetold(t, 'NetworkManager, both families', expected, events);
});

test('rehearse: with a NetworkManager of both families the host notices nothing', options, async () => {
  await using scene = await dualManagedHost({ six: LONG6 });
  const { host, sent6 } = scene;
  // What the router still brings is not the rehearsal's doing.
  await sent6.router.stop();
  // The dispatcher ends when it has had nothing to do for a while.
  await host.sh('while pgrep -x nm-dispatcher >/dev/null; do sleep 0.1; done');
  const before = await fingerprint(host);
  for (const args of [['lease', '--reason', 'RENEW6', 'RELOAD'], ['boot']]) {
    const { code, stdout, stderr } = await host.agent('rehearse', ...args, '--json');
    assert.equal(code, 2, stdout + stderr);
    assert.deepEqual(await changedSince(host, before), []);
  }
});
