/** A reporter as the tests want it: impatient, with what it said kept. */
import type { TestContext } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import type { DesiredReport } from '../../agent/config/desired-daemon.ts';
import type { Timing } from '../../agent/report/delivery/lane.ts';
import { Reporter } from '../../agent/report/reporter.ts';
import type { Occurrence } from '../../probes/probe.ts';
import { scratch } from './scratch.ts';

export const IMPATIENT: Timing = { request: 20_000, firstRetry: 10, longestRetry: 50, pause: 0 };
export const IDENTITY = {
  hostId: 'ab'.repeat(16),
  beatSeed: 'ab'.repeat(16),
  resource: { 'service.name': 'holdfast', 'host.id': 'ab'.repeat(16) },
};

export const DESIRED: DesiredReport = {
  enforce: true,
  interval: 30_000,
  endpoint: null,
  format: 'protobuf',
  spool: 64 * 1024 * 1024,
  ca: null,
  certificate: null,
  key: null,
  tokenFile: null,
  labels: {},
};

export interface Scene {
  readonly reporter: Reporter;
  readonly spoolFolder: string;
  readonly said: string[];
}

/** Started; stopped after the test. */
export function reporting(
  t: TestContext,
  endpoint: string,
  options: { desired?: Partial<DesiredReport>; timing?: Partial<Timing>; spoolFolder?: string } = {},
): Scene {
  const said: string[] = [];
  const spoolFolder = options.spoolFolder ?? scratch(t);
  const reporter = new Reporter({
    desired: { ...DESIRED, endpoint, ...options.desired },
    identity: IDENTITY,
    spoolFolder,
    log: ({ name, body }) => said.push(`${name}: ${body}`),
    timing: { ...IMPATIENT, ...options.timing },
  });
  reporter.start();
  t.after(() => reporter.stop(0));
  return { reporter, spoolFolder, said };
}

export function event(n: number, body = `event ${n}`): Occurrence {
  return { kind: 'event', name: 'holdfast.drift', severity: 'warn', time: Date.now(), body, attributes: { n } };
}

/** The condition must come true one day; how soon is not tested. */
export async function until(what: string, condition: () => boolean | Promise<boolean>): Promise<void> {
  for (let tries = 0; tries < 6000; tries++) {
    if (await condition()) return;
    await sleep(10);
  }
  throw new Error(`in a minute it did not come to be that ${what}`);
}
