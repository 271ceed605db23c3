/** (3) Nothing is lost on the way: pings at 10 ms in both directions, addresses and routes, through apply and renewals. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { unavailable } from '../parts/lab/host.ts';
import { AGENT_YAML, apply, NEW, staleHost } from '../parts/lab/scene.ts';
import { watchDeletions, watchFile, watchPings } from '../parts/lab/watch.ts';

const BEYOND = '10.99.0.1'; // behind the default route
const STATIC = '10.98.0.1'; // behind a static route of the server's

test('traffic: no ping, address or route is lost through apply, renewals and revert', {
  skip: unavailable(),
}, async (t) => {
  const routes = 'option rfc3442-classless-static-routes 0, 10,77,0,1, 24, 10,98,0, 10,77,0,1;';
  await using scene = await staleHost({ renewEvery: 1, offers: routes });
  const { host, client } = scene;
  await host.sh(`ip addr add ${BEYOND}/32 dev lo; ip addr add ${STATIC}/32 dev lo`, { where: 'server' });
  const address = /inet (\S+?)\//.exec(await host.sh('ip -4 -o addr show dev eth0'))![1]!;

  const deletions = await watchDeletions(host);
  const table = await watchFile(host, '/proc/net/route');
  const pings = await Promise.all([
    watchPings(host, BEYOND, 'host'),
    watchPings(host, STATIC, 'host'),
    watchPings(host, address, 'server'),
  ]);
  await apply(host);
  await client.leased(5);
  await host.write('/etc/holdfast/agent.yaml', AGENT_YAML.replace(NEW.join(', '), NEW.toReversed().join(', ')));
  assert.equal((await host.agent('apply')).code, 0);
  await client.leased(5);
  assert.equal((await host.agent('revert')).code, 0);
  await client.leased(2);

  const seen = await Promise.all(pings.map((watch) => watch.stop()));
  t.diagnostic(`${seen.map(({ answered }) => answered).join(' + ')} pings answered`);
  assert.deepEqual(
    seen.map(({ lost }) => lost),
    [0, 0, 0],
  );
  const { wrongMs, emptyMs } = await table.stop();
  assert.deepEqual({ wrongMs, emptyMs }, { wrongMs: 0, emptyMs: 0 });
  assert.deepEqual(await deletions.stop(), []);
});
