/** One row: a change by one tool, what happens in the middle, and what becomes of the host. */
import { availableParallelism, loadavg } from 'node:os';
import { setTimeout as pause } from 'node:timers/promises';
import { outsideText } from '../../parts/lab/outside-view.ts';
import { RollbackScene } from './rollback-scene.ts';
import { type Change, type RollbackTool, WITHIN } from './rollback-tools.ts';

export type Middle = 'nothing' | 'confirmed' | 'killed' | 'hung up' | 'power cut';

/** Seconds after the limit in which a tool may still be putting back: Holdfast's timer comes 5 s late. */
const MORE = 15;
/** The most load for each processor at which a time says more about the tool than about the machine. Three rows need less. */
const BUSY = 2;

/** The last four cells of the row, which rollback-page.ts names. */
export async function measureRollback(tool: RollbackTool, change: Change, middle: Middle): Promise<string[]> {
  await using scene = await RollbackScene.boot(tool.host);
  const { machine } = scene;
  await tool.install?.(machine);
  const before = await scene.everything();
  const view = await scene.view();
  await tool.begin(machine, change);
  if (middle === 'power cut') {
    await machine.sh('sync');
    await machine.pullPlug();
    await machine.reboot();
    return ['', '', '', reached(await scene.isReached())];
  }
  const script = { nothing: null, confirmed: tool.confirm, killed: tool.kill, 'hung up': tool.hangUp }[middle];
  if (script !== null) await machine.sh(script);
  await pause((WITHIN + MORE) * 1000);
  const after = await scene.everything();
  const seconds = await view.close();
  await machine.reboot();
  const isPutBack = after === before;
  const isMeant = isPutBack === (change !== 'good');
  return [
    strongUnless(isMeant, isPutBack ? 'put back' : 'stays'),
    isPutBack || change === 'good' ? '' : differences(before, after),
    seconds > WITHIN + MORE ? '**stays cut off**' : timeText(seconds),
    reached(await scene.isReached()),
  ];
}

function timeText(seconds: number): string {
  return loadavg()[0]! > BUSY * availableParallelism() ? '' : outsideText(seconds);
}

const reached = (isReached: boolean) => strongUnless(isReached, isReached ? 'is reached' : 'is cut off');

function strongUnless(isGood: boolean, text: string): string {
  return isGood ? text : `**${text}**`;
}

/** The files and routes that differ from before. Routes are in the form of ip(8), without the words that every route has. */
function differences(before: string, after: string): string {
  const was = new Set(before.split('\n'));
  const lines = after.split('\n').filter((line) => !was.has(line));
  return lines
    .map(
      (line) => `\`${line.replace(/^[0-9a-f]{64} |^unicast | table main| proto static| scope global/g, '').trim()}\``,
    )
    .join(', ');
}
