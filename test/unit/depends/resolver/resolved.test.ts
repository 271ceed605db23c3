/** systemd-resolved: the servers of its links, and its global ones. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { resolvedSource } from '../../../../agent/depends/resolver/resolved-source.ts';
import { around, ask, places } from '../../../parts/depends-scene.ts';
import { FILES, OTHERS } from '../../../parts/networkd-host.ts';

const UPLINK = 'run/systemd/resolve/resolv.conf';

test('a link’s server is named by the link, a global one by the file, each once', async (t) => {
  const files = {
    ...FILES,
    [UPLINK]: '# comment\nnameserver 10.0.0.1\nnameserver 10.0.0.7\nnameserver 10.0.0.8\n',
    'run/systemd/resolve/netif/3': 'SERVERS=10.0.0.8:5353#x [2001:db8::1]:53\n',
  };
  const source = resolvedSource(around(t, { files, others: OTHERS }));
  assert.deepEqual(places((await ask(source)).found), [
    '10.0.0.1 link eth0 (resolvectl dns eth0)',
    '10.0.0.8 link eth1 (resolvectl dns eth1)',
    '2001:db8::1 link eth1 (resolvectl dns eth1)',
    `10.0.0.7 /${UPLINK}:3`,
  ]);
  assert.deepEqual(await ask(source, '10.0.0.2'), { found: [], unseen: [] });
});

test('without its file the global servers are unseen; without the daemon there is nothing', async (t) => {
  const running = resolvedSource(around(t, { files: FILES, others: OTHERS }));
  const { found, unseen } = await ask(running, '10.0.0.1');
  assert.deepEqual(places(found), ['10.0.0.1 link eth0 (resolvectl dns eth0)']);
  assert.match(unseen[0]!.reason, /global servers could not be seen/);
  assert.deepEqual(await ask(resolvedSource(around(t, { files: FILES })), '10.0.0.1'), { found: [], unseen: [] });
});
