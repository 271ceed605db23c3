/**
 * `npm run rollbacks`: the same changes by `netplan try`, NetworkManager's checkpoints and Holdfast, into docs/confirm.md. Each row is
 * a Debian 13 that boots twice; all of them take about 20 minutes. Needs root and systemd-nspawn.
 */
import { fillPage, fillRows, writtenBy } from '../../parts/written-page.ts';
import { unavailable } from '../../systems/machine.ts';
import { table } from '../table.ts';
import { type Middle, measureRollback } from './measure-rollback.ts';
import { CHANGES, type Change, type RollbackTool, TOOLS, WITHIN } from './rollback-tools.ts';

/** Most of the time each waits for the end of its limit. */
const AT_ONCE = 3;
const HEAD = ['the change', 'in the middle', 'tool', 'it is', 'other than before', 'cut off', 'after the next boot'];

interface Case {
  readonly tool: RollbackTool;
  readonly what: string;
  readonly change: Change;
  readonly middle: Middle;
}

const MIDDLES: Readonly<Record<Middle, string>> = {
  nothing: 'nobody confirms it',
  confirmed: 'the operator confirms it',
  killed: 'kill -9',
  'hung up': 'the terminal goes away',
  'power cut': 'power cut',
};

/** What can happen to each change. A tool that waits for no operator has one row of a good change. */
const cases: readonly Case[] = Object.entries(CHANGES).flatMap(([what, change]) => {
  const middles: readonly Middle[] =
    change === 'good'
      ? ['nothing', 'confirmed']
      : change === 'gateway'
        ? ['nothing', 'killed', 'hung up', 'power cut']
        : ['nothing'];
  return middles.flatMap((middle) =>
    TOOLS.filter(({ confirm, hangUp, only = change }) => {
      return (
        only === change && !(middle === 'confirmed' && confirm === null) && !(middle === 'hung up' && hangUp === null)
      );
    }).map((tool) => ({ tool, what, change, middle })),
  );
});

const missing = unavailable();
if (missing) {
  console.log(`The comparison ${missing}.`);
  process.exit(1);
}
delete process.env.NODE_EXTRA_CA_CERTS; // it makes every Node start slower
const rows: string[][] = [];
await fillRows(rows, cases.entries(), AT_ONCE, async ({ tool, what, change, middle }) => {
  const head = [what, tool.name === '`agent apply`' && change === 'good' ? 'nothing' : MIDDLES[middle], tool.name];
  const cells = await measureRollback(tool, change, middle).catch((error: Error) => {
    return [`**not measured**: ${error.message.split('\n')[0]}`, '', '', ''];
  });
  return [...head, ...cells];
});
fillPage(
  'confirm.md',
  'rollbacks',
  `
Written by ${writtenBy('rollbacks')}, with a limit of ${WITHIN} s for each tool. A time is left out if the machine was busy
with other work.

${table(HEAD, rows)}
`,
);
