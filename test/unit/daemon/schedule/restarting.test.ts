/** When the daemon tries a restart again, and which events it emits. */
import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import { setImmediate as turn } from 'node:timers/promises';
import { EVENTS } from '../../../../agent/daemon/daemon-events.ts';
import { Restarting } from '../../../../agent/daemon/schedule/restarting.ts';
import { HostError } from '../../../../agent/host/errors.ts';
import type { RestartResult } from '../../../../agent/restart/restart.ts';

const MINUTE = 60_000;
const events = {
  restarted: EVENTS.networkdRestarted,
  postponed: EVENTS.networkdPending,
  failed: EVENTS.networkdRestartFailed,
};

/** The minutes of each try until `end`, and what was emitted. */
async function tries(t: TestContext, end: number, answer: (count: number) => RestartResult['kind'] | null | Error) {
  t.mock.timers.enable({ apis: ['setTimeout'] });
  const [times, told]: [number[], string[]] = [[], []];
  let minute = 0;
  const restart = async (): Promise<RestartResult[]> => {
    times.push(minute);
    const kind = answer(times.length);
    if (kind instanceof Error) throw kind;
    return kind === null ? [] : [{ kind, client: 'systemd-networkd[7]', body: `${kind} for this` }];
  };
  const restarting = new Restarting({ program: 'systemd-networkd', events, restart }, ({ name, body }) =>
    told.push(`${name} ${body}`),
  );
  restarting.start();
  t.mock.timers.tick(0);
  await turn();
  for (minute = 1; minute <= end; minute += 1) {
    t.mock.timers.tick(MINUTE);
    await turn();
  }
  await restarting.close();
  t.mock.timers.reset();
  return { times, told };
}

test('restarting: after a refusal the next try waits longer, up to ten minutes, and the reason is told once', async (t) => {
  const { times, told } = await tries(t, 45, () => 'postponed');
  assert.deepEqual(times, [0, 1, 3, 7, 15, 25, 35, 45]);
  assert.deepEqual(told, ['holdfast.networkd.pending systemd-networkd[7]: postponed for this']);
});

test('restarting: nothing pending, a restart and another apply are looked at again after a minute', async (t) => {
  const { times, told } = await tries(t, 5, (count) => {
    return [null, 'postponed', 'restarted', new HostError('EAGAIN', 'locked'), null, 'failed'][count - 1] as null;
  });
  assert.deepEqual(times, [0, 1, 2, 3, 4, 5]);
  assert.deepEqual(
    told.map((one) => one.split(' ')[0]),
    ['holdfast.networkd.pending', 'holdfast.networkd.restarted', 'holdfast.networkd.restart_failed'],
  );
});

test('restarting: a fault is an event, and the daemon goes on', async (t) => {
  const { times, told } = await tries(t, 3, () => new HostError('ENOSPC', 'no space'));
  assert.deepEqual(times, [0, 1, 3]);
  assert.deepEqual(told, ['holdfast.networkd.restart_failed systemd-networkd: cannot be restarted: no space']);
});
