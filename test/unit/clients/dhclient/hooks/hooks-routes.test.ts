/** The hooks' lines about routes: ignored offers by interface, and `ip -batch` in an order that the kernel takes. */
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { test } from 'node:test';
import { ignoreOffers, routesAgain } from '../../../../../agent/clients/dhclient/hooks/route-lines.ts';
import { loadConfig } from '../../../../../agent/config/load.ts';
import { Host } from '../../../../../agent/host/host.ts';
import { dhclient } from '../../../../parts/desired.ts';
import { scratch } from '../../../../parts/scratch.ts';

test('exit hook: a route without a gateway comes before the routes that it leads to the gateways of', async (t) => {
  const yaml = `routes:
  - { to: default, via: 10.156.0.1, dev: eth0 }
  - { to: 10.9.0.0/16, via: 10.156.0.1, dev: eth0 }
  - { to: 10.156.0.1/32, dev: eth0 }
  - { to: 10.8.0.0/16, type: blackhole }
`;
  const files = new Host({ root: scratch(t, { 'etc/holdfast/agent.yaml': yaml }) });
  const loaded = await loadConfig({ files, asRoot: false });
  assert.ok(loaded.ok);
  const added = routesAgain(loaded.desired.routes).matchAll(/^route add \w+ (\S+)/gm);
  assert.deepEqual(
    [...added].map(([, to]) => to),
    ['10.156.0.1/32', '0.0.0.0/0', '10.9.0.0/16', '10.8.0.0/16'],
  );
});

test('enter hook: an interface that supersedes the router takes the offer that all others ignore', () => {
  const { global, interfaces } = dhclient({}, { eth1: { routers: ['10.0.0.3'] } }, { eth2: ['classless-routes'] });
  const lines = ignoreOffers({ global: { ...global, ignore: ['routers'] }, interfaces });
  const left = (iface: string) => {
    const script = `interface=${iface} new_routers=r new_rfc3442_classless_static_routes=c\n${lines}`;
    const shown = `${script}echo "$new_routers$new_rfc3442_classless_static_routes"`;
    return execFileSync('sh', ['-euc', shown], { encoding: 'utf8' }).trim();
  };
  assert.deepEqual([left('eth0'), left('eth1'), left('eth2')], ['c', 'rc', '']);
});
