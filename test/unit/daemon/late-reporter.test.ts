/** Events from before the reporter was loaded still reach the collector. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { LateReporter } from '../../../agent/daemon/late-reporter.ts';
import { Host } from '../../../agent/host/host.ts';
import { Credentials } from '../../../agent/report/delivery/credentials.ts';
import { Receiver } from '../../parts/otlp-receiver.ts';
import { DESIRED, event, IDENTITY, until } from '../../parts/report-scene.ts';
import { scratch } from '../../parts/scratch.ts';

test('late reporter: events wait until it is loaded, and a new configuration keeps it', async (t) => {
  const receiver = await Receiver.start(t);
  const host = new Host({ root: scratch(t) });
  const reporter = new LateReporter(() => {}, new Credentials());
  assert.equal(await reporter.update(host, { ...DESIRED, endpoint: null }, IDENTITY), null, 'nothing is sent');
  const desired = { ...DESIRED, endpoint: receiver.url };
  assert.equal(await reporter.update(host, desired, IDENTITY), reporter);
  reporter.event(event(1));
  assert.equal(reporter.healthy(performance.now()), true);
  await Promise.all([reporter.begin(), reporter.begin()]);
  await reporter.update(host, desired, IDENTITY);
  reporter.event(event(2));
  await until('both came', () => receiver.logs().length >= 2);
  await reporter.stop(1000);
  assert.deepEqual(
    receiver.logs().map(({ body }) => body),
    ['event 1', 'event 2'],
  );
});
