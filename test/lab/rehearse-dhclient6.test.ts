/** Each rehearsal of `dhclient -6` foretells what the real event makes of the host, beside an IPv4 lease that says otherwise. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { DHCLIENT6_EVENTS, dhclient6Scene, OFFERED6 } from '../parts/lab/dhclient6-events.ts';
import { cameTrue6, type Foretold, foretell } from '../parts/lab/foretell.ts';
import { eventsAreForetold } from '../parts/lab/foretold-events.ts';
import { unavailable } from '../parts/lab/host.ts';
import { apply, nameservers, OLD, OLD_DHCLIENT_CONF } from '../parts/lab/scene.ts';

const options = { skip: unavailable(), concurrency: 4 };

test('rehearse: the next event of dhclient -6 is foretold', options, async (t) => {
  await eventsAreForetold(t, 'dhclient -6, beside IPv4', () => ({}));
});

test(
  'rehearse: both leases of a dual-stack host that disagree are rehearsed, each with what it would write',
  options,
  async () => {
    const conf = OLD_DHCLIENT_CONF.replace(/^supersede.*\n/gm, '');
    const offers = `option domain-name-servers ${OLD.join(', ')};`;
    await using scene = await dhclient6Scene({ lease: 600, renewEvery: 6 }, { conf, offers });
    const { host, client } = scene;
    const { stdout } = await host.agent('rehearse', 'lease', 'eth0', '--reason', 'RENEW', 'RENEW6', '--json');
    const played = (JSON.parse(stdout).interfaces as { rehearsals: Foretold[] }[]).flatMap(
      ({ rehearsals }) => rehearsals,
    );
    assert.deepEqual(
      played.map(({ reason, resolvConf }) => [reason, nameservers(resolvConf.after ?? '')]),
      [
        ['RENEW', OLD],
        // The script writes at a renewal of DHCPv6 only if the offered values change.
        ['RENEW6', OFFERED6],
      ],
    );
    const { stdout: text } = await host.agent('rehearse', 'lease', 'eth0', '--reason', 'RENEW', 'RENEW6');
    assert.match(text, /dhclient\[\d+\] on eth0 \(IPv6\)/);
    const foretold = await foretell(host, 'RENEW6');
    await DHCLIENT6_EVENTS.RENEW6!.happen(scene);
    await cameTrue6(host, foretold);
    await client.kill();
  },
);

test(
  'rehearse: a hook that takes an IPv6 address or route away at RENEW6 is shown beforehand, and comes so',
  options,
  async () => {
    await using scene = await dhclient6Scene({ lease: 600, renewEvery: 6 });
    const { host } = scene;
    await apply(host);
    await host.sh(
      'ip -6 route add 2001:db8:7::/48 via 2001:db8::1 dev eth0 onlink; ip -6 addr add 2001:db8::77/64 dev eth0 nodad',
    );
    await host.write(
      '/etc/dhcp/dhclient-exit-hooks.d/zz-neighbour',
      'if [ "$reason" = RENEW6 ]; then ip -6 route del 2001:db8:7::/48; ip -6 addr del 2001:db8::77/64 dev eth0; fi\n',
    );
    const foretold = await foretell(host, 'RENEW6');
    assert.equal(foretold.code, 2);
    assert.match(foretold.problems.join('\n'), /the address 2001:db8::77\/64 of eth0 would be lost/);
    assert.match(
      foretold.problems.join('\n'),
      /the route 2001:db8:7::\/48 via 2001:db8::1 dev eth0 metric 1024 onlink would be lost/,
    );
    await DHCLIENT6_EVENTS.RENEW6!.happen(scene);
    await cameTrue6(host, foretold);
  },
);
