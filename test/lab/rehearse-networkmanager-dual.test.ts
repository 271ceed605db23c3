/** Each rehearsal of a NetworkManager with IPv6 foretells what the real event makes of the host: DHCPv4, DHCPv6 and a router at once. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { noAdvertising } from '../parts/lab/advertising.ts';
import { ADVERTISED_SERVERS } from '../parts/lab/bird-router.ts';
import { LONG6, SERVERS6, withoutVxlan } from '../parts/lab/dual-network.ts';
import { changedSince, fingerprint } from '../parts/lab/fingerprint.ts';
import { foretell } from '../parts/lab/foretell.ts';
import { eventsAreForetold } from '../parts/lab/foretold-events.ts';
import {
  DUAL_CONNECTION,
  managerIsQuiet,
  managerNotices,
  noNetworkManager,
  PROFILE,
} from '../parts/lab/networkmanager.ts';
import { dualManagedHost } from '../parts/lab/networkmanager-dual-events.ts';
import { OLD } from '../parts/lab/scene.ts';

const options = { skip: noNetworkManager, concurrency: 6 };
const playing = { ...options, skip: noAdvertising(noNetworkManager) };

test('rehearse: the next event of a NetworkManager with both families is foretold', playing, async (t) => {
  const expected = ({ event }: { readonly event: string }) => {
    const four = event === 'EXPIRE' ? [] : OLD;
    return {
      addresses: event === 'EXPIRE' ? 2 : 3,
      asWanted: false,
      servers: [...four, ...SERVERS6, ADVERTISED_SERVERS[0]!],
    };
  };
  const events = ['RENEW6', 'EXPIRE', 'REAPPLY', 'REBOOT', 'TIMEOUT', 'boot'];
  await eventsAreForetold(t, 'NetworkManager, both families', expected, events);
});

test('rehearse: with a NetworkManager of both families the host notices nothing', options, async () => {
  await using scene = await dualManagedHost({ six: LONG6 });
  const { host, sent6 } = scene;
  // What the router still brings is not the rehearsal's doing.
  await sent6.router.stop();
  await managerIsQuiet(host);
  const before = await fingerprint(host);
  const noticed = await managerNotices(scene);
  for (const args of [['lease', '--reason', 'RENEW6', 'RELOAD'], ['boot']]) {
    const { code, stdout, stderr } = await host.agent('rehearse', ...args, '--json');
    assert.equal(code, 2, stdout + stderr);
    assert.deepEqual(await changedSince(host, before), []);
    assert.deepEqual(await managerNotices(scene), noticed, 'no frame, no word of NetworkManager, no script');
  }
  await host.sh('pkill -HUP -x NetworkManager; ip netns exec server ping -c 1 -W 1 ff02::1%srv0 || :; sleep 0.5');
  const then = await managerNotices(scene);
  assert.notEqual(then[0], noticed[0], 'control: frames');
  assert.notDeepEqual(then.slice(2), noticed.slice(2), 'control: a signal');
});

test(
  'rehearse: what a restarted NetworkManager lacks of IPv6 on the stage is said, with and without VXLAN',
  options,
  async () => {
    await using scene = await dualManagedHost({ six: LONG6 });
    const { host } = scene;
    await host.write(PROFILE, DUAL_CONNECTION.replace(/method=auto\n$/, 'method=disabled\n'), 0o600);
    if (playing.skip === false) {
      const { notes, problems } = await foretell(host, 'REBOOT');
      assert.match(notes.join('\n'), /NetworkManager did not take all that it had of IPv6 again within 15 s/);
      assert.match(problems.join('\n'), /eth0 would not have its address 2001:db8::/);
    }
    await withoutVxlan(host);
    const { addresses, notes, problems } = await foretell(host, 'REBOOT');
    assert.equal(addresses.after.length, 1);
    assert.match(
      notes.join('\n'),
      /2001:db8::31 from router advertisements, and this kernel has no bridge or VXLAN device/,
    );
    assert.doesNotMatch([...notes, ...problems].join('\n'), /did not (take|come)/, 'it waits for nothing');
  },
);
