/** An agent without processor time does not count its own lateness as the silence of a witness. */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { type AddressInfo, connect, createServer } from 'node:net';
import { type TestContext, test } from 'node:test';
import { setImmediate, setTimeout as sleep } from 'node:timers/promises';
import { decide } from '../../../agent/confirm/trial/decide.ts';
import type { TrialRecord } from '../../../agent/confirm/trial/trial-record.ts';
import { ANSWERS, type ConfirmWitness, makeWitness, silent } from '../../../agent/confirm/witnesses/confirm-witness.ts';
import { whileListening } from '../../../agent/confirm/witnesses/listening-time.ts';
import { Host } from '../../../agent/host/host.ts';
import { sinceBoot } from '../../../agent/host/process/processes.ts';
import { monotonicNow } from '../../../agent/host/steady-clock.ts';
import { scratch } from '../../parts/scratch.ts';
import { writtenTrial } from '../../parts/written-trial.ts';

const PLACE = { address: '127.0.0.1', way: 'dev lo' };
const unended = new AbortController().signal;

/** Blocks the event loop. */
function block(milliseconds: number): void {
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, milliseconds);
}

/** A witness that the kernel connects at once, while the event loop stands still for so long. */
async function connectedWitness(t: TestContext, blocked: number): Promise<ConfirmWitness> {
  const server = createServer((socket) => socket.destroy()).listen(0, '127.0.0.1');
  t.after(() => server.close());
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  return makeWitness({
    name: 'witness',
    kind: 'tcp',
    places: async () => [PLACE],
    hear: async (_, __, signal) => {
      // After it come the timers, and the answers only then.
      await setImmediate();
      const socket = connect(port, '127.0.0.1');
      block(blocked);
      await once(socket, 'connect', { signal });
      socket.destroy();
      return ANSWERS;
    },
    astray: 'it has no address',
  });
}

function onTrial(t: TestContext, deadline: number): { host: Host; trial: TrialRecord } {
  const host = new Host({ root: scratch(t, {}), live: true });
  const before = [
    { witness: 'witness', kind: 'tcp', answered: true, reached: true, places: [PLACE], why: null },
  ] as const;
  return { host, trial: writtenTrial(host, { before, deadline: sinceBoot() + deadline }) };
}

test('starved agent: an answer that waits while the event loop is blocked is heard, however late', async (t) => {
  const witness = await connectedWitness(t, 5_500);
  const { why } = await witness.ask({ change: '3f9c12ab', since: null }, unended);
  assert.equal(why, null);
});

test('starved agent: a silence that is noticed late is asked again, and a punctual one counts', async () => {
  let asked = 0;
  const witness = (blocked: number) =>
    makeWitness({
      name: 'witness',
      kind: 'nameserver',
      places: async () => [PLACE],
      hear: async () => {
        asked += 1;
        if (asked > 1) return ANSWERS;
        block(blocked);
        return silent('no answer within 4 s');
      },
      astray: 'it has no address',
    });
  assert.equal((await witness(700).ask({ change: '3f9c12ab', since: null }, unended)).answered, true);
  // A busy machine may be late once, and not each time.
  let isSilent = false;
  for (let tries = 0; tries < 10 && !isSilent; tries += 1) {
    asked = 0;
    isSilent = !(await witness(0).ask({ change: '3f9c12ab', since: null }, unended)).answered;
  }
  assert.ok(isSilent);
});

test('starved agent: a limit counts only the time in which the process listens', async () => {
  const begun = monotonicNow();
  const blocker = setInterval(() => block(300), 1);
  await whileListening(500, unended, ({ signal }) => sleep(60_000, undefined, { signal })).catch(() => {});
  clearInterval(blocker);
  assert.ok(monotonicNow() - begun >= 1_400, `${monotonicNow() - begun} ms`);
});

test('starved agent: a deadline that is noticed late leaves time to read the answers that wait', async (t) => {
  const { host, trial } = onTrial(t, 1_200);
  const judgement = await decide(host, trial, [await connectedWitness(t, 2_000)]);
  assert.equal(judgement?.kind, 'confirmed', judgement?.reason);
  assert.equal(judgement.starved, false);
});

test('starved agent: a host that hears no witness in the reserve either is put back, and it says why', async (t) => {
  const { host, trial } = onTrial(t, 1_000);
  const blocker = setInterval(() => block(1_500), 1);
  t.after(() => clearInterval(blocker));
  const hear = async (_: unknown, __: unknown, signal: AbortSignal) => {
    await sleep(60_000, undefined, { signal });
    return ANSWERS;
  };
  const parts = { name: 'witness', kind: 'tcp', places: async () => [PLACE], hear, astray: '' } as const;
  const judgement = await decide(host, trial, [makeWitness(parts)]);
  assert.equal(judgement?.kind, 'put-back');
  assert.match(judgement!.reason, /no processor time/);
  assert.equal(judgement!.starved, true);
  assert.ok(sinceBoot() >= trial.deadline + 2_500);
});
