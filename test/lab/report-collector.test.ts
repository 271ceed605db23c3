/** The agent's reporter and the agent's collector, which know nothing of each other's code. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { HostEvent, HostsAnswer, SeriesAnswer } from '../../agent/collector/api.ts';
import { startCollector } from '../../agent/collector/start-collector.ts';
import { sample } from '../../probes/probe.ts';
import { event, IDENTITY, reporting, until } from '../parts/report-scene.ts';
import { scratch } from '../parts/scratch.ts';

for (const format of ['protobuf', 'json'] as const) {
  test(`report, ${format}: a collector that was away gets every event once and in order, and every heartbeat`, async (t) => {
    const data = scratch(t);
    let collector = await startCollector({ listen: '127.0.0.1:0', data, version: '0' });
    const { url } = collector;
    const { reporter, said } = reporting(t, url, { desired: { format } });
    let n = 0;
    const beat = () =>
      reporter.heartbeat([sample('system.network.route.count', ++n, { 'network.type': 'ipv4' })], [event(n)]);
    const ask = async <T>(path: string): Promise<T> => (await fetch(`${url}/api/v1/${path}`)).json() as Promise<T>;

    for (let i = 0; i < 10; i++) beat();
    await until('the host is known', async () => (await ask<HostsAnswer>('hosts')).total === 1);
    await collector.close();
    for (let i = 0; i < 100; i++) beat();
    await until('it is missed', () => said.length > 0);
    collector = await startCollector({ listen: new URL(url).host, data, version: '0' });
    t.after(() => collector.close());
    await reporter.stop(60_000);

    const counted = async () => (await ask<HostsAnswer>('hosts')).hosts[0]?.routes.ipv4?.count;
    await until('its row shows the last heartbeat', async () => (await counted()) === 110);

    const events = await ask<readonly HostEvent[]>(`hosts/${IDENTITY.hostId}/events?limit=1000`);
    assert.deepEqual(
      events.filter(({ name }) => name === 'holdfast.drift').map(({ attributes }) => attributes.n),
      Array.from({ length: 110 }, (_, i) => 110 - i),
    );
    const { series } = await ask<SeriesAnswer>(
      `hosts/${IDENTITY.hostId}/series?metric=holdfast.heartbeat.sequence&from=${Date.now() - 3_600_000}&to=${Date.now()}&points=300`,
    );
    assert.equal(series[0]?.points.at(-1)?.[1], 110);
  });
}
