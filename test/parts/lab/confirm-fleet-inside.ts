/**
 * Runs inside a throw-away host: many light agents, each with its own id and witnesses. They ask before a change, wait for
 * a line of input, which says that the change was made, and print how many judged what. Its only argument is a
 * FleetAsking as JSON.
 */
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { setTimeout as sleep } from 'node:timers/promises';
import { makeConfirmWitnesses } from '../../../agent/confirm/witnesses/confirm-witnesses.ts';
import { Host } from '../../../agent/host/host.ts';
import { askOnce, askUntilJudged } from '../confirm-asking.ts';
import type { FleetAsking } from './confirm-scene.ts';

/** Milliseconds: all agents share the processors of one machine, which would starve at one question a second. */
const PAUSE = 10_000;

const { agents, first, spread, asking } = JSON.parse(process.argv[2]!) as FleetAsking;
const { desired, confirm, report, path } = asking;
const host = new Host();

const ready = await Promise.all(
  Array.from({ length: agents }, async (_, n) => {
    await sleep((n * spread) / agents);
    const witnesses = makeConfirmWitnesses(host, desired, confirm, { report, hostId: `id-of-agent-${first + n}` });
    return { n, witnesses, before: await askOnce(witnesses) };
  }),
);
const acknowledged = ready.filter(({ before }) =>
  before.some(({ kind, answered }) => kind === 'collector' && answered),
);
console.log(`ready ${acknowledged.length}`);
await once(createInterface(process.stdin), 'line');
const judgements = await Promise.all(
  ready.map(async ({ n, witnesses, before }) => {
    await sleep((n * spread) / agents);
    const touches = { path, names: true, by: confirm.by };
    return askUntilJudged({ witnesses, before, touches, within: confirm.within, pause: PAUSE });
  }),
);
const counts = Map.groupBy(judgements, ({ kind }) => kind);
const kinds = Object.fromEntries([...counts].map(([kind, all]) => [kind, all.length]));
console.log(
  `judged ${JSON.stringify({ kinds, example: (counts.get('put-back') ?? counts.get('provisional'))?.[0]?.reason ?? '' })}`,
);
process.exit(0);
