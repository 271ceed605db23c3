/** The exit hook's lines for `ip -batch`: in an order in which the kernel takes them. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { routesAgain } from '../../../../../agent/clients/dhclient/hooks/route-lines.ts';
import { loadConfig } from '../../../../../agent/config/load.ts';
import { Host } from '../../../../../agent/host/host.ts';
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
