/** Waits on a stage: for the scripts that end an event, and for the client's last change after them. */
import { setTimeout as sleep } from 'node:timers/promises';
import type { StagedEvent } from '../clients/stage-plan.ts';
import type { LiveStage, ScriptRun } from './live-stage.ts';

/** The script's first run for one of `ends`, once those of `also` came too; null if one of all is not in time. */
export async function whenEnded(
  stage: LiveStage,
  { ends, also = [] }: Pick<StagedEvent, 'ends' | 'also'>,
  { muted, limit }: { readonly muted: boolean; readonly limit: number },
): Promise<ScriptRun | null> {
  const deadline = Date.now() + limit;
  const run = await stage.nextRun({ reasons: ends, muted }, limit);
  for (const reasons of also)
    if ((await stage.nextRun({ reasons, muted }, Math.max(0, deadline - Date.now()))) === null) return null;
  return run;
}

/** Milliseconds between two looks. */
const LOOK_AGAIN = 200;
const LOOKS = 25;

/** A client changes addresses and routes before or after its script: the last of two equal looks counts. */
export async function settle(stage: LiveStage): Promise<void> {
  let last = '';
  for (let n = 0; n < LOOKS; n += 1) {
    await stage.do('look after');
    const now = ['addresses', 'routes', 'addresses6', 'routes6', 'resolvConf']
      .map((name) => stage.section(`${name}.after`))
      .join('\n');
    if (now.replace(LIFETIMES, '') === last) return;
    last = now.replace(LIFETIMES, '');
    await sleep(LOOK_AGAIN);
  }
}

const LIFETIMES = /"((valid|preferred)_life_time|expires)":\d+/g;
